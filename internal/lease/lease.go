package lease

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/sink/store"
)

// Mode says what a run does while another one holds the lease.
type Mode string

// The modes.
const (
	Go   Mode = "go"   // runs all the same
	Skip Mode = "skip" // does not run
	Wait Mode = "wait" // waits until the lease is free
)

const (
	ttl     = 3 * time.Minute  // a lease lives so long after it was renewed
	renewal = time.Minute      // how often it is renewed
	poll    = 10 * time.Second // how often a run that waits looks

	mostRaces = 5 // lost before a run does without the lease
	afterRace = 200 * time.Millisecond

	kept = 8 // old leases that are left lying around
)

// Options are the settings of Take.
type Options struct {
	Mode    Mode       // Go if empty
	RunID   string     // for those who wait
	Waiting func(Held) // called once before Wait waits; may be nil
}

// Held says who holds a lease.
type Held struct {
	RunID string    `json:"run_id"`
	Since time.Time `json:"since"` // UTC, by the clock of the holder
}

// HeldError says that another run holds the lease.
type HeldError struct {
	Connection string
	Held
}

// Error names the run.
func (e *HeldError) Error() string {
	return fmt.Sprintf("connection %s: run %s, which began at %s, is still running", e.Connection, e.RunID, e.Since.Format(time.RFC3339))
}

// Lease is a lease that is held. One goroutine may call Keep while another
// waits; Release comes after Keep has returned.
type Lease struct {
	store store.Store
	key   string
	body  []byte
}

// seen is the newest lease in the store.
type seen struct {
	n   int64
	obj store.Object
	old []string // keys of those before it
}

// free reports whether the next lease may be made: none was there, or it was
// released, or it was not renewed for so long that its run is dead. The store's
// clock and this machine's are compared; where they differ by minutes a run that
// lives may be taken for dead, or the other way round, which costs time only.
func (s seen) free(now time.Time) bool {
	return s.n < 0 || s.obj.Size == 0 || now.Sub(s.obj.Modified) > ttl
}

// Take takes the lease of a connection, with two calls to the store where it is
// free. While another run holds it, Skip gives a *HeldError, Wait waits until it
// is free or ctx ends, and Go gives neither a lease nor an error: a nil *Lease,
// whose methods do nothing.
func Take(ctx context.Context, st store.Store, connection string, o Options) (*Lease, error) {
	prefix := "_paylake/lease/" + connection + "/"
	var before seen
	told, races := false, 0
	for unchanged := time.Now(); ; {
		now, err := newest(ctx, st, prefix)
		if err != nil {
			return nil, fmt.Errorf("look for the lease of connection %s: %w", connection, err)
		}
		if now.n != before.n || !now.obj.Modified.Equal(before.obj.Modified) {
			before, unchanged = now, time.Now()
		}
		if now.free(time.Now()) || time.Since(unchanged) > ttl { // the second needs no clock but this one
			lease, err := take(ctx, st, prefix, now, o.RunID)
			if lease != nil || err != nil {
				return lease, err
			}
			// Another run was faster, or the store does not list what it has.
			if races++; races == mostRaces {
				return nil, fmt.Errorf("take the lease of connection %s: others were faster %d times, or the store does not list %s", connection, races, prefix)
			}
			if err := pause(ctx, afterRace); err != nil {
				return nil, err
			}
			continue
		}
		if o.Mode != Skip && o.Mode != Wait {
			return nil, nil
		}
		held := holder(ctx, st, now.obj.Key)
		if o.Mode == Skip {
			return nil, &HeldError{connection, held}
		}
		if !told && o.Waiting != nil {
			o.Waiting(held)
		}
		told = true
		if err := pause(ctx, poll); err != nil {
			return nil, err
		}
	}
}

// newest lists the leases of a connection.
func newest(ctx context.Context, st store.Store, prefix string) (seen, error) {
	out := seen{n: -1}
	for o, err := range st.List(ctx, prefix, "") {
		if err != nil {
			return out, err
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(o.Key[len(prefix):], ".json"), 10, 64)
		if err != nil || o.Key != key(prefix, n) {
			continue // nothing of ours
		}
		if out.n >= 0 {
			out.old = append(out.old, out.obj.Key)
		}
		out.n, out.obj = n, o
	}
	return out, nil
}

func key(prefix string, n int64) string { return prefix + fmt.Sprintf("%012d.json", n) }

// take makes the lease after the one that was seen; nil without an error when
// another run made it. Leases of long ago are removed, a few at a time.
func take(ctx context.Context, st store.Store, prefix string, s seen, runID string) (*Lease, error) {
	body, err := json.Marshal(Held{RunID: runID, Since: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return nil, fmt.Errorf("encode a lease: %w", err)
	}
	l := &Lease{store: st, key: key(prefix, s.n+1), body: body}
	switch err := st.Create(ctx, l.key, body); {
	case errors.Is(err, store.ErrExists):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("take a lease: %w", err) // if it was made all the same it expires
	}
	if len(s.old) >= kept {
		if err := st.Delete(ctx, s.old...); err != nil {
			return l, nil // the next run tries again
		}
	}
	return l, nil
}

// holder reads who holds a lease, as far as that can be told.
func holder(ctx context.Context, st store.Store, key string) Held {
	var h Held
	raw, err := store.ReadAll(ctx, st, key)
	if err != nil || json.Unmarshal(raw, &h) != nil || h.RunID == "" {
		h.RunID = "unknown"
	}
	return h
}

// Keep renews the lease until ctx ends. A renewal that fails is tried again at
// the next one.
func (l *Lease) Keep(ctx context.Context) {
	for l != nil && pause(ctx, renewal) == nil {
		_ = l.store.Put(ctx, l.key, bytes.NewReader(l.body)) // if none succeeds the lease expires: harmless
	}
}

// Release gives the lease up. A lease that is not released expires.
func (l *Lease) Release(ctx context.Context) error {
	if l == nil {
		return nil
	}
	if err := l.store.Put(ctx, l.key, bytes.NewReader(nil)); err != nil {
		return fmt.Errorf("release a lease, which expires in %s: %w", ttl, err)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
