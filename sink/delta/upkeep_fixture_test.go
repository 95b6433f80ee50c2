package delta

import (
	"bytes"
	"context"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// onList is a store that lets something happen right before the at-th listing of
// a log.
type onList struct {
	store.Store
	at int
	do func()

	mu   sync.Mutex
	seen int
}

func (s *onList) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	if strings.HasSuffix(prefix, logFolder) {
		s.mu.Lock()
		s.seen++
		now := s.seen == s.at
		s.mu.Unlock()
		if now {
			s.do()
		}
	}
	return s.Store.List(ctx, prefix, after)
}

// aged is a store whose objects are as old as a test says: of the longest prefix
// of their key that has an age.
type aged struct {
	store.Store
	now  time.Time
	ages map[string]time.Duration

	slow time.Duration // of the store's clock, behind the run's
}

func (s *aged) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range s.Store.List(ctx, prefix, after) {
			best := -1
			for p, age := range s.ages {
				if strings.HasPrefix(o.Key, p) && len(p) > best {
					best, o.Modified = len(p), s.now.Add(-age)
				}
			}
			if strings.Contains(o.Key, "_paylake-clock-") {
				o.Modified = s.now.AddDate(10, 0, 0) // a run's clock may be moved on
				if s.slow > 0 {
					o.Modified = s.now.Add(-s.slow)
				}
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

// onPut is a store that lets something happen right before the first Put of a
// key that holds part.
type onPut struct {
	store.Store
	part string
	do   func()
	once sync.Once
}

func (s *onPut) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	if strings.Contains(key, s.part) {
		s.once.Do(s.do)
	}
	return s.Store.Put(ctx, key, body)
}

// copied returns a store with the same objects.
func (l *lake) copied() store.Store {
	out := mem.New()
	for _, key := range l.keys("") {
		raw, err := store.ReadAll(context.Background(), l.st, l.key(key))
		require.NoError(l.t, err)
		require.NoError(l.t, out.Put(context.Background(), l.key(key), bytes.NewReader(raw)))
	}
	return out
}
