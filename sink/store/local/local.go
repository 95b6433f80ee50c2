package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/paylake/paylake/sink/store"
)

// Store keeps objects as files below one directory. It is safe for concurrent
// use, also by several processes. Make it with [New].
type Store struct {
	dir string // absolute
}

var _ store.Store = (*Store)(nil)

// New gives the store in dir. It touches nothing: directories are made when
// the first object is written.
func New(dir string) (*Store, error) {
	if dir == "" {
		return nil, errors.New("open local store: the directory is empty")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open local store %s: %w", dir, err)
	}
	return &Store{dir: abs}, nil
}

// Dir is the absolute path of the store's directory.
func (s *Store) Dir() string { return s.dir }

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	err := s.write(ctx, key, body, func(root *os.Root, tmp string) error {
		return root.Rename(tmp, key)
	})
	return s.wrap("put", key, err)
}

// Open implements [store.Store].
func (s *Store) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := s.open(ctx, key, off, n)
	if err != nil {
		return nil, s.wrap("open", key, err)
	}
	return r, nil
}

func (s *Store) open(ctx context.Context, key string, off, n int64) (*reader, error) {
	if err := ready(ctx, key); err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("negative offset %d", off)
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, notFound(err)
	}
	defer closeRoot(root)
	f, err := root.Open(key)
	if err != nil {
		return nil, notFound(err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	size := max(0, info.Size()-off)
	if n >= 0 {
		size = min(size, n)
	}
	return &reader{ctx: ctx, file: f, part: io.NewSectionReader(f, off, size)}, nil
}

// Delete implements [store.Store]. Directories stay.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := s.remove(ctx, key); err != nil {
			return s.wrap("delete", key, err)
		}
	}
	return nil
}

func (s *Store) remove(ctx context.Context, key string) error {
	if err := ready(ctx, key); err != nil {
		return err
	}
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return absentIsFine(err)
	}
	defer closeRoot(root)
	info, err := root.Lstat(key)
	if err != nil {
		return absentIsFine(err)
	}
	if info.IsDir() {
		return nil // a directory is no object
	}
	return absentIsFine(root.Remove(key))
}

// reader reads a part of a file until its context ends.
type reader struct {
	ctx  context.Context // of Open, which covers the reads by contract
	file *os.File
	part *io.SectionReader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.part.Read(p)
}

func (r *reader) Close() error { return r.file.Close() }

func ready(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return store.CheckKey(key)
}

// absent tells whether the error means that there is no such file. A file in
// the place of a directory means it too.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func notFound(err error) error {
	if absent(err) {
		return store.ErrNotFound
	}
	return err
}

func absentIsFine(err error) error {
	if err != nil && absent(err) {
		return nil
	}
	return err
}

// closeRoot ends the use of a directory handle; nothing was written through
// it, so its error has no meaning.
func closeRoot(root *os.Root) { _ = root.Close() }

func dirOf(key string) string { return path.Dir(key) }
