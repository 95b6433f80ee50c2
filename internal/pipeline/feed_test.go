package pipeline_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
)

// wrong counts the records of a stream that the lake does not hold as the account
// does, and those that the account does not have.
func (s *scene) wrong(name string) int {
	s.t.Helper()
	have, n := s.rows(name), 0
	s.server.Each(name, s.start, s.now.Add(-5*time.Minute), func(r simapi.Record) bool {
		h, ok := have[r.Key]
		if r.Bad == "" && (!ok || h.status != r.Status || h.amount != r.Amount) {
			n++
		}
		delete(have, r.Key)
		return true
	})
	return n + len(have)
}

// files lists the live files of a stream's table by partition.
func (s *scene) files(name string) map[string][]string {
	s.t.Helper()
	snapshot, err := s.lake(s.endpoint(name)).Load(s.t.Context())
	require.NoError(s.t, err)
	out := map[string][]string{}
	for f := range snapshot.Files() {
		out[string(f.Partition)] = append(out[string(f.Partition)], f.Path)
	}
	return out
}

// refusing answers 403 to the requests of its choice.
type refusing struct {
	next http.RoundTripper
	no   func(*http.Request) bool
}

func (f refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.no(r) {
		return &http.Response{Status: "403 Forbidden", StatusCode: http.StatusForbidden, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return f.next.RoundTrip(r)
}

// deafTo hides the parameters of a name from the server.
type deafTo struct {
	next   http.RoundTripper
	prefix string
}

func (d deafTo) RoundTrip(r *http.Request) (*http.Response, error) {
	v := r.URL.Query()
	for name := range v {
		if strings.HasPrefix(name, d.prefix) {
			v.Del(name)
		}
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = v.Encode()
	return d.next.RoundTrip(r)
}

// The change feed tells which old charge and order changed: the next sync reads
// just these by key. Refunds and chargebacks come weeks and months after
// the charge.
func TestFeedFindsWhatChangedOfOldRecords(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 2_400, simapi.Config{}, simapi.Orders, simapi.Charges, simapi.Hooks)
	require.Zero(t, of(s.sync(), simapi.Charges).Commits, "nothing changed: quiet")

	s.now = s.now.Add(3 * oneDay)
	rep := s.sync()
	for _, name := range s.streams {
		require.Equal(t, report.Succeeded, of(rep, name).Status, of(rep, name).Error)
		require.Empty(t, of(rep, name).Warnings)
		s.requireStream(name)
	}
	feed := of(rep, simapi.Charges).Feed
	require.NotNil(t, feed)
	require.Positive(t, feed.Records)
	require.Zero(t, feed.Missing)
	t.Logf("%+v %+v", *feed, *of(rep, simapi.Orders).Feed)

	again := of(s.sync(), simapi.Charges)
	require.Zero(t, again.Commits)
	require.Nil(t, again.Feed, "what was followed is not followed again")
}

// Without the feed these changes are there and are not found by a sync of the
// lookback, or the test above proves nothing.
func TestFeedIsWhatFindsThem(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 2_400, simapi.Config{}, simapi.Charges)
	s.now = s.now.Add(3 * oneDay)
	s.deaf = true
	require.Equal(t, report.Succeeded, s.sync().Status)
	require.NotZero(t, s.wrong(simapi.Charges))
}

// An account without the feed: its stream is unavailable, the others are whole.
func TestFeedThatTheAccountDoesNotHave(t *testing.T) {
	t.Parallel()
	s := aged(t, 10, 400, simapi.Config{Status: map[string]int{simapi.Hooks: 403}}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(3 * oneDay)
	rep := s.sync()
	require.Equal(t, report.Succeeded, rep.Status)
	require.Equal(t, report.Unavailable, of(rep, simapi.Hooks).Status)
	require.Equal(t, report.Succeeded, of(rep, simapi.Charges).Status)
	require.Nil(t, of(rep, simapi.Charges).Feed)
}

// While the feed cannot be read its position stays, and nothing waits for ever:
// the run after finds what happened meanwhile.
func TestFeedThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 1_600, simapi.Config{}, simapi.Charges, simapi.Hooks)
	good := s.rt
	s.now = s.now.Add(3 * oneDay)
	s.rt = refusing{good, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/hooks") }}
	rep := s.sync()
	require.Equal(t, report.Failed, of(rep, simapi.Hooks).Status)
	require.Equal(t, report.Succeeded, of(rep, simapi.Charges).Status)
	require.NotZero(t, s.wrong(simapi.Charges))

	s.rt = good
	s.now = s.now.Add(oneDay)
	require.Equal(t, report.Succeeded, s.sync().Status)
	s.requireStream(simapi.Charges)
}

// A stream that is synced alone follows the feed as far as its table goes.
func TestFeedThatIsNotPartOfTheRun(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 1_600, simapi.Config{}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(3 * oneDay)
	s.streams = []string{simapi.Hooks}
	require.Equal(t, report.Succeeded, s.sync().Status)
	s.streams = []string{simapi.Charges}
	rep := of(s.sync(), simapi.Charges)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Positive(t, rep.Feed.Records)
	s.requireStream(simapi.Charges)
}

// Hooks that lie name objects that do not exist, or nothing, or dates of the far
// future: they are counted, and the tables hold the truth.
func TestFeedThatLies(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 1_600, simapi.Config{Feed: simapi.Feed{HooksLie: 1000}}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(6 * oneDay)
	rep := s.sync()
	sr := of(rep, simapi.Charges)
	require.Equal(t, report.Succeeded, sr.Status, sr.Error)
	s.requireStream(simapi.Charges)
	require.Positive(t, sr.Feed.Ignored)
	require.Zero(t, sr.Feed.Restored)
}

// More records than one run may read by key are read by the runs after it, those
// first whose entry is oldest.
func TestFeedStormIsSpreadOverRuns(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 3_200, simapi.Config{}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(9 * oneDay)
	s.opts.RefreshRequests = 1
	runs := 0
	for left := 1; left > 0 && runs < 30; runs++ {
		rep := of(s.sync(), simapi.Charges)
		require.Equal(t, report.Succeeded, rep.Status, rep.Error)
		require.NotNil(t, rep.Feed)
		require.LessOrEqual(t, rep.Feed.Records, 3, "those of one moment stay together")
		left = rep.Feed.Left
	}
	require.Greater(t, runs, 1)
	s.requireStream(simapi.Charges)
}

// A record that is gone stays as the feed's newest copy of it, marked, where
// that is newer than the row. One that the table does not know stays unknown.
func TestFeedKeepsTheLastStateOfARecordThatIsGone(t *testing.T) {
	t.Parallel()
	s := newScene(t, 40, 5_000, simapi.Config{NoLimits: true})
	s.lookback, s.url, s.streams = 3*oneDay, "https://api.pagar.me/core/v5", []string{simapi.Charges, simapi.Hooks}
	s.inBubble()
	require.Equal(t, report.Succeeded, s.sync().Status)
	before := s.rows(simapi.Charges)
	s.now = s.now.Add(3 * oneDay)
	s.rt = &gone{next: s.rt, spare: true}
	rep := of(s.sync(), simapi.Charges)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Positive(t, rep.Feed.Missing)
	require.Positive(t, rep.Feed.Records)
	require.Equal(t, rep.Feed.Missing, rep.Feed.Restored)
	marked := 0
	for key, r := range s.rows(simapi.Charges) {
		if strings.Contains(r.extra, `"_hook":"hook_`) {
			marked++
			require.NotEqual(t, before[key].status, r.status)
		}
	}
	require.Equal(t, rep.Feed.Restored, marked)
	require.NotContains(t, rep.UnknownFields, "_hook")
	require.Zero(t, of(s.sync(), simapi.Charges).Commits, "quiet")
}

// When none of the records is there, nothing is believed: the key may lack a
// permission. The entries are followed again once it is mended.
func TestFeedDoubtsThatEverythingIsGone(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 1_600, simapi.Config{}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(4 * oneDay)
	before, rt := s.rows(simapi.Charges), s.rt
	s.rt = &gone{next: rt}
	rep := of(s.sync(), simapi.Charges)
	require.Positive(t, rep.Feed.Missing)
	require.Zero(t, rep.Feed.Restored)
	require.True(t, warned(rep, "knows none of the"), "%v", rep.Warnings)
	for key, r := range s.rows(simapi.Charges) {
		require.NotContains(t, r.extra, "_hook", key)
	}
	require.LessOrEqual(t, len(before), len(s.rows(simapi.Charges)))
	s.rt = rt
	require.Equal(t, report.Succeeded, s.sync().Status)
	s.requireStream(simapi.Charges)
}

// gone answers 404 for every single record, or for all but one.
type gone struct {
	next  http.RoundTripper
	spare bool

	mu     sync.Mutex
	spared string
}

func (g *gone) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	if g.spare && g.spared == "" && strings.Contains(r.URL.Path, "/charges/") {
		g.spared = r.URL.Path
	}
	there := r.URL.Path == g.spared
	g.mu.Unlock()
	if strings.Contains(r.URL.Path, "/charges/") && !there {
		return &http.Response{Status: "404 Not Found", StatusCode: http.StatusNotFound, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return g.next.RoundTrip(r)
}

// Secret: what must never be stored is in the bodies of hooks at many depths, and
// reaches no column of their table and no rejected record.
func TestFeedKeepsNoSecrets(t *testing.T) {
	t.Parallel()
	s := newScene(t, 10, 600, simapi.Config{NoLimits: true, Shape: simapi.Shape{BadEvery: 9, UnknownFields: true}})
	s.streams, s.url = []string{simapi.Hooks}, "https://api.pagar.me/core/v5"
	s.inBubble()
	served := 0
	s.server.Each(simapi.Hooks, s.start, s.now, func(r simapi.Record) bool {
		if strings.Contains(string(r.JSON), s.world.Canary()) {
			served++
		}
		return true
	})
	require.Positive(t, served, "the bodies hold secrets, or the test proves nothing")
	rep := of(s.sync(), simapi.Hooks)
	require.Empty(t, rep.Error)
	table := s.lake(s.endpoint(simapi.Hooks))
	snapshot, err := table.Load(t.Context())
	require.NoError(t, err)
	rows := 0
	for f := range snapshot.Files() {
		require.NoError(t, table.ReadFile(t.Context(), f, nil, func(b arrow.RecordBatch) error {
			for i := range int(b.NumRows()) {
				row := string(schema.EncodeRow(nil, b, i))
				require.NotContains(t, row, s.world.Canary())
				require.NotContains(t, row, "fb_access_token")
				require.NotContains(t, row, "pdf_password")
				rows++
			}
			return nil
		}))
	}
	require.Positive(t, rows)
	for _, key := range rep.Quarantine {
		text, err := store.ReadAll(t.Context(), s.store, key)
		require.NoError(t, err)
		require.NotContains(t, string(text), s.world.Canary())
	}
}

// Entries about charges that never existed bring no rows.
func TestFeedOfWhatNeverExisted(t *testing.T) {
	t.Parallel()
	s := aged(t, 40, 2_400, simapi.Config{}, simapi.Charges, simapi.Hooks)
	s.now = s.now.Add(3 * oneDay)
	s.rt = renaming{s.rt}
	rep := of(s.sync(), simapi.Charges)
	require.Equal(t, report.Succeeded, rep.Status, rep.Error)
	require.Positive(t, rep.Feed.Missing)
	require.Zero(t, rep.Feed.Restored)
	for key := range s.rows(simapi.Charges) {
		require.NotContains(t, key, "ch_never")
	}
}

// renaming changes the ids of charges in the list of hooks.
type renaming struct{ next http.RoundTripper }

func (n renaming) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.next.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/hooks") {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(string(body), `"id":"ch_`, `"id":"ch_never`)
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	resp.Header.Del("Content-Length")
	return resp, nil
}
