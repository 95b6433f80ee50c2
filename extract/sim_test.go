package extract_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
)

const key = "sk_Zq3kW8vTn5LpR2xY"

var monday = time.Date(2026, 8, 3, 0, 0, 0, 0, time.UTC)

// days is a grid of days of a time zone.
type days struct{ loc *time.Location }

func (d days) Floor(t time.Time) time.Time {
	y, m, n := t.In(d.loc).Date()
	return time.Date(y, m, n, 0, 0, 0, 0, d.loc)
}

func (d days) Next(t time.Time) time.Time {
	y, m, n := t.In(d.loc).Date()
	return time.Date(y, m, n+1, 0, 0, 0, 0, d.loc)
}

var utcDays = days{time.UTC}

// saoPaulo is what Brazil's clocks show since 2019.
var saoPaulo = time.FixedZone("-03", -3*60*60)

func endpoint(t *testing.T, stream string) extract.Endpoint {
	t.Helper()
	for _, ep := range pagarme.Source().Streams {
		if ep.Table.Name == stream {
			return ep
		}
	}
	require.Fail(t, "no such stream", stream)
	return extract.Endpoint{}
}

// client makes a client of a handler in this process.
func client(t *testing.T, h http.Handler, change ...func(*extract.Options)) *extract.Client {
	t.Helper()
	o := extract.Options{
		BaseURL: "http://localhost" + simapi.BasePath, Secret: func() string { return key }, Transport: simapi.Transport(h),
		Limits: map[string]int{simapi.Orders: extract.Unlimited, simapi.Charges: extract.Unlimited, simapi.Payables: extract.Unlimited,
			simapi.BalanceOperations: extract.Unlimited, simapi.Recipients: extract.Unlimited, simapi.RecipientBalance: extract.Unlimited},
	}
	for _, f := range change {
		f(&o)
	}
	c, err := extract.NewClient(o)
	require.NoError(t, err)
	return c
}

func documentedLimits(o *extract.Options) { o.Limits = nil }

// reader makes a reader of a simulated stream without rate limits.
func reader(t *testing.T, s *simapi.Server, stream string) *extract.Reader {
	return extract.NewReader(client(t, s), endpoint(t, stream), extract.ReaderOptions{Grid: utcDays})
}

// export is what a pipeline holds after it read a range.
type export struct {
	keys     []string
	rejects  int
	requests int
	windows  []extract.Result // without rows
}

func (e *export) sum() uint64 {
	var sum uint64
	for _, k := range e.keys {
		h := fnv.New64a()
		h.Write([]byte(k))
		sum += h.Sum64()
	}
	return sum
}

func (e *export) proofs() []extract.Proof {
	var list []extract.Proof
	for _, w := range e.windows {
		if !slices.Contains(list, w.Proof) {
			list = append(list, w.Proof)
		}
	}
	return list
}

func (e *export) add(r extract.Result) {
	e.keys = append(e.keys, keysOf(r.Rows)...)
	e.rejects += len(r.Rejects)
	e.requests += r.Requests
	if r.Rows != nil {
		r.Rows.Release()
		r.Rows = nil
	}
	e.windows = append(e.windows, r)
}

// run exports a range as a pipeline does: plan, read in parallel, split.
func run(ctx context.Context, r *extract.Reader, rng window.Window) (*export, error) {
	planned, err := r.Prepare(ctx, rng)
	if err != nil {
		return nil, err
	}
	e := &export{}
	turn := make(chan struct{}, 1)
	group, ctx := errgroup.WithContext(ctx)
	slots := make(chan struct{}, 4)
	var read func(w window.Window) error
	read = func(w window.Window) error {
		slots <- struct{}{}
		result, err := r.Read(ctx, w, nil)
		<-slots
		var wide *extract.TooWideError
		if errors.As(err, &wide) {
			if err := rebuilds(w, wide.Parts); err != nil {
				return err
			}
			for _, part := range wide.Parts {
				group.Go(func() error { return read(part) })
			}
			return nil
		}
		if err != nil {
			return err
		}
		turn <- struct{}{}
		e.add(result)
		<-turn
		return nil
	}
	if err := rebuilds(rng, planned); err != nil {
		return nil, err
	}
	for _, w := range planned {
		group.Go(func() error { return read(w) })
	}
	return e, group.Wait()
}

// rebuilds fails unless the pieces are the whole, oldest first.
func rebuilds(w window.Window, pieces []window.Window) error {
	at := w.Since
	for _, p := range pieces {
		if !p.Since.Equal(at) || !p.IsZero() && !p.Since.Before(p.Until) {
			return fmt.Errorf("pieces %v do not rebuild %s", pieces, w)
		}
		at = p.Until
	}
	if !at.Equal(w.Until) {
		return fmt.Errorf("pieces %v do not rebuild %s", pieces, w)
	}
	return nil
}

func keysOf(rows arrow.RecordBatch) []string {
	if rows == nil {
		return nil
	}
	column := rows.Column(rows.Schema().FieldIndices("id")[0]).(*array.String)
	var keys []string
	for i := range column.Len() {
		keys = append(keys, string([]byte(column.Value(i))))
	}
	return keys
}

// requireTruth fails unless the export has every record once, and every record
// that cannot be decoded as a reject.
func requireTruth(t *testing.T, s *simapi.Server, stream string, rng window.Window, e *export) {
	t.Helper()
	truth := s.Truth(stream, rng.Since, rng.Until)
	require.Equal(t, int(truth.Rows), len(e.keys), "rows of %s", stream)
	require.Equal(t, truth.Keys, e.sum(), "keys of %s", stream)
	unique := slices.Compact(slices.Sorted(slices.Values(e.keys)))
	require.Len(t, unique, len(e.keys), "a key comes twice")
	if !rng.IsZero() {
		require.Equal(t, int(truth.Bad), e.rejects, "rejects of %s", stream)
	}
}

// whole is the range that holds everything of a world.
func whole(w *simapi.World) window.Window { return window.Window{Since: w.Start(), Until: w.End()} }
