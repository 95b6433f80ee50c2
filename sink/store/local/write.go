package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"github.com/paylake/paylake/sink/store"
)

// chunk is how much is copied between two looks at the context, in bytes.
const chunk = 8 << 20

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, key string, body []byte) error {
	err := s.write(ctx, key, bytes.NewReader(body), func(root *os.Root, tmp string) error {
		return link(root, tmp, key)
	})
	return s.wrap("create", key, err)
}

// write brings body to a synced hidden file beside the key, lets publish give
// it its name, and syncs the directory. The hidden file is gone afterwards.
func (s *Store) write(ctx context.Context, key string, body io.ReadSeeker, publish func(root *os.Root, tmp string) error) (err error) {
	if err := ready(ctx, key); err != nil {
		return err
	}
	if err := makeBase(s.dir); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	defer closeRoot(root)
	dir := dirOf(key)
	if err := makeDir(root, dir); err != nil {
		return err
	}
	tmp := join(dir, store.TempPrefix+uuid.NewString())
	defer func() {
		if rerr := absentIsFine(root.Remove(tmp)); rerr != nil && err != nil {
			err = errors.Join(err, rerr) // after a success a leftover is harmless
		}
	}()
	if err := fill(ctx, root, tmp, body); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := publish(root, tmp); err != nil {
		return err
	}
	return syncDir(root, dir)
}

// fill writes body to the new file name and syncs it.
func fill(ctx context.Context, root *os.Root, name string, body io.ReadSeeker) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = copyAll(ctx, f, body)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func copyAll(ctx context.Context, f *os.File, body io.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := io.CopyN(f, body, chunk)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// link names the file tmp key, too, if key is free. Network file systems may
// answer "exists" to their own repeated request, so an error is settled by
// looking whether both names are one file.
func link(root *os.Root, tmp, key string) error {
	err := root.Link(tmp, key)
	if err == nil {
		return nil
	}
	a, aerr := root.Lstat(tmp)
	b, berr := root.Lstat(key)
	switch {
	case aerr == nil && berr == nil && os.SameFile(a, b):
		return nil
	case errors.Is(err, fs.ErrExist):
		return store.ErrExists
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EPERM):
		return fmt.Errorf("the file system has no hard links, which an atomic create needs; choose a directory on another one: %w", err)
	}
	return err
}

// makeBase makes the store's own directory and syncs what it made.
func makeBase(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeBase(parent); err != nil {
			return err
		}
	}
	switch err := os.Mkdir(dir, 0o777); {
	case err == nil:
		return syncPath(parent)
	case errors.Is(err, fs.ErrExist):
		return isDir(dir)
	default:
		return err
	}
}

func isDir(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory", dir)
	}
	return nil
}

// makeDir makes a directory below the root, with its parents, and syncs what
// it made.
func makeDir(root *os.Root, dir string) error {
	if info, err := root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	made, parent := "", "."
	for segment := range strings.SplitSeq(dir, "/") {
		made = join(made, segment)
		switch err := root.Mkdir(made, 0o777); {
		case err == nil:
			if err := syncDir(root, parent); err != nil {
				return err
			}
		case !errors.Is(err, fs.ErrExist):
			return err
		}
		parent = made
	}
	return nil
}

func syncDir(root *os.Root, dir string) error {
	f, err := root.Open(dir)
	if err != nil {
		return err
	}
	return syncAndClose(f)
}

func syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return syncAndClose(f)
}

// syncAndClose makes a directory's entries durable. Systems and file systems
// that cannot sync a directory say so with EINVAL or "unsupported"; there is
// nothing more to do on them.
func syncAndClose(f *os.File) error {
	var err error
	if runtime.GOOS != "windows" {
		err = f.Sync()
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

func join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	return dir + "/" + name
}
