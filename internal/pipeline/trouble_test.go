package pipeline_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// liar is a transport that spoils the total of every narrow range that holds
// an instant.
type liar struct {
	at time.Time
}

var total = regexp.MustCompile(`"total":\d+`)

func (l liar) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("created_since"))
	until, _ := time.Parse(time.RFC3339, r.URL.Query().Get("created_until"))
	if until.Sub(since) > 4*24*time.Hour || l.at.Before(since) || l.at.After(until) {
		return answer, nil
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	body = total.ReplaceAllFunc(body, func(b []byte) []byte {
		n, _ := strconv.Atoi(strings.TrimPrefix(string(b), `"total":`))
		return strconv.AppendInt([]byte(`"total":`), int64(n+3), 10)
	})
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer.Header.Del("Content-Length")
	return answer, err
}

// Complete: a window that cannot be proven is left out by whole partitions, the
// others are committed, the watermark stops before it, and the next run heals
// it.
func TestPromiseCompleteAroundAWindowThatFails(t *testing.T) {
	t.Parallel() // it waits between attempts
	s := manyPages(t)
	s.streams = []string{simapi.Orders}
	s.rt = liar{at: s.start.AddDate(0, 0, 3).Add(12 * time.Hour)}
	rep := s.sync()
	sr := of(rep, simapi.Orders)
	require.Equal(t, report.Incomplete, rep.Status)
	require.Empty(t, sr.Error)
	require.NotEmpty(t, sr.Failures)
	broken := map[string]bool{}
	for _, w := range sr.Failures {
		for day := w.Since.Truncate(24 * time.Hour); day.Before(w.Until); day = day.AddDate(0, 0, 1) {
			broken[day.Format(time.DateOnly)] = true
		}
	}
	require.Less(t, len(broken), 4, "%v", broken)
	require.Equal(t, sr.Failures[0].Since.Truncate(24*time.Hour), *sr.Watermark, "the watermark stops before the gap")

	want := map[string]row{}
	s.server.Each(simapi.Orders, s.start, s.now.Add(-5*time.Minute), func(r simapi.Record) bool {
		if !broken[r.Created.UTC().Format(time.DateOnly)] {
			want[r.Key] = row{amount: r.Amount, status: r.Status}
		}
		return true
	})
	requireSame(t, simapi.Orders, want, s.rows(simapi.Orders))

	s.rt = nil
	s.lookback = time.Second // only the watermark leads back to the gap
	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status)
	require.Equal(t, s.now.Add(-5*time.Minute), *of(rep, simapi.Orders).Watermark)
	s.requireTruth(rep)
}

// One stream's trouble never stops another's. What the account does not have is
// a warning by default and a failure by name.
func TestOneStreamsTroubleNeverStopsAnothers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name        string
		config      simapi.Config
		named       bool
		run, stream string
	}{
		{"forbidden by default", simapi.Config{Status: map[string]int{simapi.Charges: 403}}, false, report.Succeeded, report.Unavailable},
		{"forbidden by name", simapi.Config{Status: map[string]int{simapi.Charges: 403}}, true, report.Incomplete, report.Failed},
		{"gone by default", simapi.Config{Status: map[string]int{simapi.Charges: 410}}, false, report.Succeeded, report.Unavailable},
		{"gone by name", simapi.Config{Status: map[string]int{simapi.Charges: 404}}, true, report.Incomplete, report.Failed},
		{"invalid by default", simapi.Config{Status: map[string]int{simapi.Charges: 422}}, false, report.Incomplete, report.Failed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.NoLimits = true
			s := newScene(t, 3, 600, c.config)
			s.named = c.named
			rep := s.sync()
			require.Equal(t, c.run, rep.Status)
			for _, sr := range rep.Streams {
				if sr.Stream != simapi.Charges {
					require.Equal(t, report.Succeeded, sr.Status, "%s: %s", sr.Stream, sr.Error)
					s.requireStream(sr.Stream)
					continue
				}
				require.Equal(t, c.stream, sr.Status)
				text := sr.Error
				if c.stream == report.Unavailable {
					require.Empty(t, sr.Error)
					text = strings.Join(sr.Warnings, "\n")
				}
				require.Regexp(t, `status 4\d\d`, text)
				require.NotRegexp(t, `^charges: `, text, "the caller names the stream")
			}
		})
	}
}

// The only stream of a run that is gone makes the run incomplete; a key that is
// refused makes it fail.
func TestARunOfOneStream(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config simapi.Config
		named  bool
		want   string
	}{
		"gone by name":    {simapi.Config{BalanceGone: true}, true, report.Incomplete},
		"gone by default": {simapi.Config{BalanceGone: true}, false, report.Incomplete},
		"refused":         {simapi.Config{Status: map[string]int{"*": 401}}, true, report.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.NoLimits = true
			s := newScene(t, 3, 600, c.config)
			s.named, s.streams = c.named, []string{simapi.BalanceOperations}
			require.Equal(t, c.want, s.sync().Status)
		})
	}
}

// A permission that is lost is a failure: rows in the lake prove that the
// account had the stream.
func TestALostPermissionIsNoWarning(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3, 600, simapi.Config{NoLimits: true})
	s.sync()
	s.serve(simapi.Config{NoLimits: true, Status: map[string]int{simapi.Charges: 403}})
	rep := s.sync()
	require.Equal(t, report.Incomplete, rep.Status)
	require.Equal(t, report.Failed, of(rep, simapi.Charges).Status)
}

// A page size that the source does not publish is no news when it is found out.
func TestOnlyADocumentedPageSizeIsNews(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3, 600, simapi.Config{NoLimits: true, Paging: simapi.Paging{MaxSize: map[string]int{simapi.Orders: 20}}})
	s.streams = []string{simapi.Orders, simapi.Charges}
	rep := s.sync()
	require.True(t, warned(of(rep, simapi.Orders), "20 records a page"), "%v", of(rep, simapi.Orders).Warnings)
	require.False(t, warned(of(rep, simapi.Charges), "records a page"), "%v", of(rep, simapi.Charges).Warnings)
	require.Equal(t, 30, of(rep, simapi.Charges).PageSize)
}

// Nothing dropped: rejects that are too many to be held until the commit are in
// the quarantine all the same, each once.
func TestPromiseNothingDroppedWithManyRejects(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 28_000, simapi.Config{NoLimits: true, Shape: simapi.Shape{BadEvery: 1}})
	s.streams = []string{simapi.Orders}
	rep := s.sync()
	sr := of(rep, simapi.Orders)
	require.Greater(t, len(sr.Quarantine), 1, "more than one object was needed")
	require.Equal(t, 1, sr.Commits)
	require.Equal(t, s.server.Truth(simapi.Orders, s.start, s.now.Add(-5*time.Minute)).Bad, sr.Rejects)
	require.Equal(t, int(sr.Rejects), s.quarantined(sr))
}
