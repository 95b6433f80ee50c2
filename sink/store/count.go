package store

import (
	"context"
	"io"
	"iter"
	"maps"
	"sync"
)

// Counting passes calls on to a store and counts them. It is safe for
// concurrent use. Make it with [Count].
type Counting struct {
	next  Store
	mu    sync.Mutex
	calls int64
	kinds map[string]int64
}

var _ Store = (*Counting)(nil)

// Count gives a store that counts the calls to s.
func Count(s Store) *Counting { return &Counting{next: s, kinds: map[string]int64{}} }

// Calls is the number of calls through this wrapper since it was made.
func (c *Counting) Calls() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// Requests counts what the store did, by kind, since it was made: its own
// requests to a server with all their tries if it counts those, else the calls
// of this wrapper, "put", "create", "get", "list" and "delete". The caller owns
// the map.
func (c *Counting) Requests() map[string]int64 {
	if s, ok := c.next.(interface{ Requests() map[string]int64 }); ok {
		return s.Requests()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.kinds)
}

// Unwrap gives the store that is counted.
func (c *Counting) Unwrap() Store { return c.next }

func (c *Counting) add(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.kinds[kind]++
}

// Put implements [Store].
func (c *Counting) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	c.add("put")
	return c.next.Put(ctx, key, body)
}

// Create implements [Store].
func (c *Counting) Create(ctx context.Context, key string, body []byte) error {
	c.add("create")
	return c.next.Create(ctx, key, body)
}

// Open implements [Store].
func (c *Counting) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	c.add("get")
	return c.next.Open(ctx, key, off, n)
}

// List implements [Store].
func (c *Counting) List(ctx context.Context, prefix, after string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		c.add("list")
		c.next.List(ctx, prefix, after)(yield)
	}
}

// Delete implements [Store].
func (c *Counting) Delete(ctx context.Context, keys ...string) error {
	c.add("delete")
	return c.next.Delete(ctx, keys...)
}
