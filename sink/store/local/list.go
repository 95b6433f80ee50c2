package local

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/paylake/paylake/sink/store"
)

// List implements [store.Store]. It reads only directories that can hold keys
// with the prefix that come after the given one.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		dir := ""
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			dir = prefix[:i]
			if store.CheckKey(dir) != nil {
				return // no object can have such a key
			}
		}
		if err := s.list(ctx, dir, prefix, after, yield); err != nil {
			yield(store.Object{}, s.wrap("list", prefix, err))
		}
	}
}

func (s *Store) list(ctx context.Context, dir, prefix, after string, yield func(store.Object, error) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return absentIsFine(err)
	}
	defer closeRoot(root)
	l := &lister{ctx: ctx, root: root, prefix: prefix, after: after, yield: yield}
	_, err = l.walk(dir)
	return err
}

// lister walks a tree in the byte order of keys.
type lister struct {
	ctx           context.Context // of one List call
	root          *os.Root
	prefix, after string
	yield         func(store.Object, error) bool
}

// walk yields the objects below dir; more is false when the consumer stopped.
func (l *lister) walk(dir string) (more bool, err error) {
	names, err := readDir(l.root, dir)
	if err != nil {
		return true, absentIsFine(err)
	}
	for _, name := range names {
		if err := l.ctx.Err(); err != nil {
			return false, err
		}
		key := join(dir, name)
		if !l.wanted(key) {
			continue
		}
		if sub, ok := strings.CutSuffix(key, "/"); ok {
			more, err = l.walk(sub)
		} else {
			more, err = l.object(key)
		}
		if !more || err != nil {
			return more, err
		}
	}
	return true, nil
}

func (l *lister) object(key string) (more bool, err error) {
	info, err := l.root.Lstat(key)
	if err != nil {
		return true, absentIsFine(err)
	}
	o := store.Object{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()}
	return l.yield(o, nil), nil
}

// wanted tells whether key, or for a directory ("a/") a key below it, can
// have the prefix and come after l.after.
func (l *lister) wanted(key string) bool {
	if !strings.HasSuffix(key, "/") {
		return strings.HasPrefix(key, l.prefix) && key > l.after
	}
	inside := strings.HasPrefix(key, l.prefix) || strings.HasPrefix(l.prefix, key)
	return inside && (key > l.after || strings.HasPrefix(l.after, key))
}

// readDir gives the names of a directory's files and directories. A
// directory's name ends with "/", so that names sort as the keys below them.
func readDir(root *os.Root, dir string) ([]string, error) {
	name := dir
	if name == "" {
		name = "."
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	found, err := f.ReadDir(-1)
	if err != nil {
		return nil, fmt.Errorf("read directory %s: %w", name, err)
	}
	names := make([]string, 0, len(found))
	for _, d := range found {
		switch {
		case strings.HasPrefix(d.Name(), store.TempPrefix):
		case d.IsDir():
			names = append(names, d.Name()+"/")
		case d.Type()&fs.ModeType == 0:
			names = append(names, d.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}
