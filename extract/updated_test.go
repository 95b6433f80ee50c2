package extract_test

import (
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/simapi"
)

// bent changes the query of each request on its way to a server, and notes what
// it was before.
type bent struct {
	next http.Handler
	bend func(rw http.ResponseWriter, v url.Values) bool // false: answered already

	mu   sync.Mutex
	seen []url.Values
}

func (b *bent) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	b.mu.Lock()
	b.seen = append(b.seen, r.URL.Query())
	b.mu.Unlock()
	if b.bend != nil && !b.bend(rw, v) {
		return
	}
	r.URL.RawQuery = v.Encode()
	b.next.ServeHTTP(rw, r)
}

// heldChunks takes spilled rows.
type heldChunks struct{ keys []string }

func (c *heldChunks) Chunk(rows arrow.RecordBatch) error {
	c.keys = append(c.keys, keysOf(rows)...)
	return nil
}

func (c *heldChunks) Discard() error {
	c.keys = nil
	return nil
}

var settled = monday.AddDate(0, 0, 40)

// updatedWorld is an account whose first payables have been settled.
func updatedWorld(config simapi.Config) *simapi.Server {
	config.NoLimits = true
	w := simapi.Merchant(3, monday, 40, 4_000)
	w.Now = func() time.Time { return settled }
	return simapi.New(w, config)
}

// Whatever the paging, every payable that changed since a time comes, the old
// ones too, and far fewer than all.
func TestUpdatedRecordsOfAnyAge(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]simapi.Config{
		"cursor":        {},
		"small pages":   {Paging: simapi.Paging{MaxSize: map[string]int{simapi.Payables: 50}}},
		"by page":       {Paging: simapi.Paging{PayablesByPage: true}},
		"by small page": {Paging: simapi.Paging{PayablesByPage: true, MaxSize: map[string]int{simapi.Payables: 70}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := updatedWorld(config)
			since := settled.AddDate(0, 0, -2)
			before, after := map[string]string{}, map[string]string{}
			now := settled
			s.World().Now = func() time.Time { return now }
			s.Each(simapi.Payables, time.Time{}, time.Time{}, func(r simapi.Record) bool { after[r.Key] = r.Status; return true })
			now = since
			s.Each(simapi.Payables, time.Time{}, time.Time{}, func(r simapi.Record) bool { before[r.Key] = r.Status; return true })
			now = settled

			r := extract.NewReader(client(t, s), endpoint(t, simapi.Payables), extract.ReaderOptions{Grid: utcDays, ChunkBytes: 100 << 10})
			var spilled heldChunks
			result, err := r.ReadUpdated(t.Context(), since, settled, time.Time{}, &spilled)
			require.NoError(t, err)
			got := map[string]bool{}
			for _, key := range append(spilled.keys, keysOf(result.Rows)...) {
				require.False(t, got[key], "a key comes twice")
				got[key] = true
			}
			if result.Rows != nil {
				result.Rows.Release()
			}
			old := 0
			for key, status := range after {
				if was, ok := before[key]; !ok || was != status {
					require.True(t, got[key], "payable %s was %q and is %q", key, was, status)
					if ok {
						old++
					}
				}
			}
			require.Positive(t, old, "no old payable changed: the test proves nothing")
			require.Less(t, len(got), len(after)/2)
			require.NotEmpty(t, result.Proof)
			require.Positive(t, result.Kept)
		})
	}
}

// A source that ignores the filter would send its whole list: that is noticed
// after its first page.
func TestUpdatedFilterThatIsIgnored(t *testing.T) {
	t.Parallel()
	b := &bent{next: updatedWorld(simapi.Config{}), bend: func(_ http.ResponseWriter, v url.Values) bool {
		v.Del("updated_since")
		v.Del("updated_until")
		return true
	}}
	r := extract.NewReader(client(t, b), endpoint(t, simapi.Payables), extract.ReaderOptions{})
	_, err := r.ReadUpdated(t.Context(), settled.AddDate(0, 0, -1), settled, time.Time{}, nil)
	require.ErrorIs(t, err, extract.ErrNoUpdateFilter)
	require.Len(t, b.seen, 2)
}

// A source that refuses a range in the future has the filter.
func TestUpdatedFilterThatRefusesTheFuture(t *testing.T) {
	t.Parallel()
	b := &bent{next: updatedWorld(simapi.Config{}), bend: func(rw http.ResponseWriter, v url.Values) bool {
		if v.Get("updated_since") > settled.AddDate(0, 0, 30).Format(time.RFC3339) {
			http.Error(rw, `{"message":"The request is invalid."}`, http.StatusUnprocessableEntity)
			return false
		}
		return true
	}}
	r := extract.NewReader(client(t, b), endpoint(t, simapi.Payables), extract.ReaderOptions{})
	result, err := r.ReadUpdated(t.Context(), settled.AddDate(0, 0, -1), settled, time.Time{}, nil)
	require.NoError(t, err)
	require.Positive(t, result.Kept)
	result.Rows.Release()
}

// Records created before a time are asked for as such; a source that refuses to
// filter by both times is asked by the time of change alone.
func TestUpdatedOfEarlyRecords(t *testing.T) {
	t.Parallel()
	since, before := settled.AddDate(0, 0, -3), settled.AddDate(0, 0, -20)
	for name, refuses := range map[string]bool{"by both": false, "refused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bent{next: updatedWorld(simapi.Config{}), bend: func(rw http.ResponseWriter, v url.Values) bool {
				if refuses && v.Has("created_until") {
					http.Error(rw, `{"message":"The request is invalid."}`, http.StatusUnprocessableEntity)
					return false
				}
				return true
			}}
			r := extract.NewReader(client(t, b), endpoint(t, simapi.Payables), extract.ReaderOptions{})
			early, err := r.ReadUpdated(t.Context(), since, settled, before, nil)
			require.NoError(t, err)
			defer early.Rows.Release()
			all, err := r.ReadUpdated(t.Context(), since, settled, time.Time{}, nil)
			require.NoError(t, err)
			defer all.Rows.Release()
			require.Positive(t, early.Kept)
			require.Equal(t, refuses, early.Kept == all.Kept, "%d of %d", early.Kept, all.Kept)
		})
	}
}

// As long as the filter may work by whole days, of any zone, a day more is asked
// for; creation is not asked for.
func TestUpdatedFilterMayWorkByDays(t *testing.T) {
	t.Parallel()
	b := &bent{next: updatedWorld(simapi.Config{})}
	r := extract.NewReader(client(t, b), endpoint(t, simapi.Payables), extract.ReaderOptions{})
	since := settled.Add(-26 * time.Hour)
	result, err := r.ReadUpdated(t.Context(), since, settled, time.Time{}, nil)
	require.NoError(t, err)
	result.Rows.Release()
	last := b.seen[len(b.seen)-1]
	require.LessOrEqual(t, last.Get("updated_since"), since.Add(-24*time.Hour).Format(time.RFC3339))
	require.GreaterOrEqual(t, last.Get("updated_until"), settled.Add(24*time.Hour).Format(time.RFC3339))
	require.Empty(t, last.Get("created_since"))
}

// Records are read by key within the limit of their own row. Those that are not
// there are named, however the source says so.
func TestItems(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]simapi.Config{"404": {}, "400": {MissingIs400: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.NoLimits = true
			w := simapi.Merchant(3, monday, 3, 60)
			s := simapi.New(w, config)
			var ids []string
			s.Each(simapi.Orders, time.Time{}, time.Time{}, func(r simapi.Record) bool { ids = append(ids, r.Key); return len(ids) < 20 })
			r := extract.NewReader(client(t, s), endpoint(t, simapi.Orders), extract.ReaderOptions{})
			result, err := r.ReadItems(t.Context(), append([]string{"or_unknown", "..", "", "a/b?c=d#e"}, ids...))
			require.NoError(t, err)
			defer result.Rows.Release()
			require.ElementsMatch(t, ids, keysOf(result.Rows))
			require.Equal(t, []string{"", "..", "a/b?c=d#e", "or_unknown"}, result.Missing)
			require.Equal(t, extract.ProofObject, result.Proof)
			require.Equal(t, int64(len(ids)+2), r.Facts().Requests, "what cannot be a path is not asked for")
		})
	}
}

func TestItemsStayWithinTheirLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := simapi.Merchant(3, monday, 3, 6_000)
		s := simapi.New(w, simapi.Config{})
		var ids []string
		s.Each(simapi.Charges, time.Time{}, time.Time{}, func(r simapi.Record) bool { ids = append(ids, r.Key); return len(ids) < 480 })
		r := extract.NewReader(client(t, s, documentedLimits), endpoint(t, simapi.Charges), extract.ReaderOptions{})
		begun := time.Now()
		result, err := r.ReadItems(t.Context(), ids)
		require.NoError(t, err)
		result.Rows.Release()
		minutes := time.Since(begun).Minutes()
		require.InDelta(t, 480/160.0, minutes, 0.2, "200 a minute, of which 80 % may be used")
		require.Zero(t, s.Total().Throttled)
		require.Equal(t, 480, s.Counts()["charges/*"].Answered)
	})
}
