package pipeline

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// work is the folder of one run for files that are not committed yet. A lock
// on it tells a live run from a dead one: the system releases the lock when the
// process ends, however it ends.
type work struct {
	dir  string
	lock *os.File
}

const workPrefix = "run-"

// openWork makes the run's folder below root and removes the folders of runs
// that are dead.
func openWork(root, runID string) (*work, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("make work folder: %w", err)
	}
	if err := removeDead(root); err != nil {
		return nil, err
	}
	// The folder gets its name when it is locked: nobody takes it for a dead one.
	dir, unlocked := filepath.Join(root, workPrefix+runID), filepath.Join(root, "new-"+runID)
	if err := os.Mkdir(unlocked, 0o700); err != nil {
		return nil, fmt.Errorf("make work folder: %w", err)
	}
	lock, err := lockDir(unlocked)
	if err != nil {
		return nil, fmt.Errorf("lock work folder %s: %w", unlocked, err)
	}
	if err := os.Rename(unlocked, dir); err != nil {
		lock.Close()
		return nil, fmt.Errorf("make work folder: %w", err)
	}
	return &work{dir: dir, lock: lock}, nil
}

// sub makes a folder inside the run's.
func (w *work) sub(name string) (string, error) {
	dir := filepath.Join(w.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make work folder: %w", err)
	}
	return dir, nil
}

// close removes the folder with everything in it and gives up the lock.
func (w *work) close() error {
	err := os.RemoveAll(w.dir)
	w.lock.Close()
	return err
}

// removeDead removes the folders of runs whose lock nobody holds.
func removeDead(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("read work folder: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), workPrefix) {
			continue
		}
		dir := filepath.Join(root, e.Name())
		lock, err := lockDir(dir)
		if err != nil {
			continue // somebody holds it: the run is alive
		}
		err = os.RemoveAll(dir)
		lock.Close()
		if err != nil {
			return fmt.Errorf("remove work of a dead run: %w", err)
		}
	}
	return nil
}

func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
