package crash_test

import (
	"context"
	"io"
	"iter"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/paylake/paylake/sink/store"
)

// death says at which call to the store a process kills itself, the way a
// power cut does: no deferred function runs.
type death struct {
	Call   int64
	Moment moment
}

// moment is where in a call to the store.
type moment string

const (
	before moment = "before" // the call has no effect
	during moment = "during" // a Put wrote its bytes but has no name yet; a Delete did half; else as after
	after  moment = "after"  // the call took effect, nobody heard of it
)

// mortal is a store whose process dies at a call.
type mortal struct {
	store.Store
	death death
	calls atomic.Int64
}

// due counts a call and tells whether it is the one.
func (m *mortal) due() bool {
	due := m.calls.Add(1) == m.death.Call
	if due && m.death.Moment == before {
		die()
	}
	return due
}

func die() {
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

func (m *mortal) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	due := m.due()
	if due && m.death.Moment == during {
		body = &lastRead{ReadSeeker: body}
	}
	err := m.Store.Put(ctx, key, body)
	if due {
		die()
	}
	return err
}

func (m *mortal) Create(ctx context.Context, key string, body []byte) error {
	due := m.due()
	err := m.Store.Create(ctx, key, body)
	if due {
		die()
	}
	return err
}

func (m *mortal) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	due := m.due()
	r, err := m.Store.Open(ctx, key, off, n)
	if due {
		die()
	}
	return r, err
}

func (m *mortal) List(ctx context.Context, prefix, start string) iter.Seq2[store.Object, error] {
	due := m.due()
	return func(yield func(store.Object, error) bool) {
		for o, err := range m.Store.List(ctx, prefix, start) {
			if due {
				die()
			}
			if !yield(o, err) {
				return
			}
		}
		if due {
			die()
		}
	}
}

func (m *mortal) Delete(ctx context.Context, keys ...string) error {
	due := m.due()
	if due && m.death.Moment == during {
		keys = keys[:(len(keys)+1)/2]
	}
	err := m.Store.Delete(ctx, keys...)
	if due {
		die()
	}
	return err
}

// lastRead ends the process when the body was read to its end: all bytes were
// written, and nothing has its name yet.
type lastRead struct{ io.ReadSeeker }

func (l *lastRead) Read(p []byte) (int, error) {
	n, err := l.ReadSeeker.Read(p)
	if err != nil {
		die()
	}
	return n, err
}
