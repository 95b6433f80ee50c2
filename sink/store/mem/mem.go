package mem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// Store keeps objects in memory. It is safe for concurrent use. Make it with
// [New].
type Store struct {
	mu      sync.Mutex
	keys    []string // sorted, the keys of objects
	objects map[string]object
	calls   map[Op]int
	faults  []Fault
}

type object struct {
	body     []byte // never changed after it was stored
	modified time.Time
}

var _ store.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store {
	return &Store{objects: map[string]object{}, calls: map[Op]int{}}
}

// Put implements [store.Store].
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	data, err := readBody(body)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return s.call(ctx, Put, key, func() error {
		s.set(key, data)
		return nil
	})
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, key string, body []byte) error {
	return s.call(ctx, Create, key, func() error {
		if _, ok := s.objects[key]; ok {
			return store.ErrExists
		}
		s.set(key, bytes.Clone(body))
		return nil
	})
}

// Open implements [store.Store].
func (s *Store) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	var body []byte
	err := s.call(ctx, Open, key, func() error {
		o, ok := s.objects[key]
		if !ok {
			return store.ErrNotFound
		}
		if off < 0 {
			return fmt.Errorf("negative offset %d", off)
		}
		body = o.body[min(off, int64(len(o.body))):]
		if n >= 0 {
			body = body[:min(n, int64(len(body)))]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, body: bytes.NewReader(body)}, nil
}

// List implements [store.Store]. It shows the objects of the moment it starts.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		var found []store.Object
		err := s.listed(ctx, prefix, after, &found)
		if err != nil {
			yield(store.Object{}, err)
			return
		}
		for _, o := range found {
			if err := ctx.Err(); err != nil {
				yield(store.Object{}, fmt.Errorf("list %s: %w", prefix, err))
				return
			}
			if !yield(o, nil) {
				return
			}
		}
	}
}

// Delete implements [store.Store]. Each key counts as one call.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := s.call(ctx, Delete, key, func() error { s.unset(key); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) listed(ctx context.Context, prefix, after string, found *[]store.Object) error {
	return s.locked(ctx, List, prefix, func() error {
		i, _ := slices.BinarySearch(s.keys, max(prefix, after))
		for _, key := range s.keys[i:] {
			if !strings.HasPrefix(key, prefix) {
				break
			}
			if key > after {
				o := s.objects[key]
				*found = append(*found, store.Object{Key: key, Size: int64(len(o.body)), Modified: o.modified})
			}
		}
		return nil
	})
}

// call is locked with a check of the key.
func (s *Store) call(ctx context.Context, op Op, key string, do func() error) error {
	if err := store.CheckKey(key); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.locked(ctx, op, key, do)
}

// locked runs one counted call under the lock, with the fault that is due.
func (s *Store) locked(ctx context.Context, op Op, key string, do func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	fault, due := s.count(op)
	if due && !fault.Late {
		return fmt.Errorf("%s %s: %w", op, key, fault.Err)
	}
	err := do()
	if due {
		err = fault.Err
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return nil
}

func (s *Store) set(key string, body []byte) {
	if i, ok := slices.BinarySearch(s.keys, key); !ok {
		s.keys = slices.Insert(s.keys, i, key)
	}
	s.objects[key] = object{body: body, modified: time.Now().UTC()}
}

func (s *Store) unset(key string) {
	if i, ok := slices.BinarySearch(s.keys, key); ok {
		s.keys = slices.Delete(s.keys, i, i+1)
		delete(s.objects, key)
	}
}

func readBody(body io.ReadSeeker) ([]byte, error) {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(body)
}

// reader reads an object's bytes until its context ends.
type reader struct {
	ctx  context.Context // of Open, which covers the reads by contract
	body *bytes.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.body.Read(p)
}

func (r *reader) Close() error { return nil }
