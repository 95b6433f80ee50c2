package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// RemoveTemp removes the files that writers left behind, below the directory of
// key dir, that were last changed before the given time, and tells how many. A
// writer may still be at work on younger ones. A directory that is not there
// has none. Symbolic links are not followed.
func (s *Store) RemoveTemp(ctx context.Context, dir string, before time.Time) (int, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return 0, s.wrap("clear", dir, absentIsFine(err))
	}
	defer closeRoot(root)
	n := 0
	err = fs.WalkDir(root.FS(), filepath.ToSlash(filepath.Clean(dir)), func(path string, d fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || !d.Type().IsRegular() || !strings.HasPrefix(d.Name(), store.TempPrefix) {
			return err
		}
		info, err := d.Info()
		if err != nil || !info.ModTime().Before(before) {
			return absentIsFine(err)
		}
		n++
		return absentIsFine(root.Remove(path))
	})
	return n, s.wrap("clear", dir, absentIsFine(err))
}
