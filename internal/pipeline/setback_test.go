package pipeline_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store"
)

// lateOverwriting puts a foreign commit in the place of the second commit when
// the third one is there, like a writer that looked for the second before it was
// there and was slow to put it.
type lateOverwriting struct {
	store.Store
	keys []string
}

func (o *lateOverwriting) Create(ctx context.Context, key string, body []byte) error {
	err := o.Store.Create(ctx, key, body)
	if err == nil && strings.Contains(key, "/_delta_log/") {
		if o.keys = append(o.keys, key); len(o.keys) == 3 {
			err = o.Store.Put(ctx, o.keys[1], strings.NewReader(foreignCommit))
		}
	}
	return err
}

// exactly-once: the watermark of a commit that survived does not hide what the
// vanished one before it held.
func TestAVanishedCommitBelowOneThatSurvivedIsRedone(t *testing.T) {
	s := withoutSockets(t)
	s.lookback = time.Second
	s.opts.Workers = 1
	rep := s.with(func(o *scene) { o.store = &lateOverwriting{Store: s.store} }).sync()
	require.Equal(t, report.Succeeded, of(rep, crashStream).Status)
	require.Contains(t, strings.Join(of(rep, crashStream).Warnings, " "), "vanished")
	s.requireTruth(s.sync())
}

func TestABackfillWhoseCommitVanishedIsRedone(t *testing.T) {
	for late := 1; late < 6; late++ {
		s := withoutSockets(t)
		s.sync()
		s.now = s.now.Add(time.Duration(late) * 24 * time.Hour)
		s.opts.Backfill = &window.Window{Since: s.start, Until: s.now.AddDate(0, 0, 1)}
		s.opts.Workers = 1
		rep := s.with(func(o *scene) { o.store = &overwriting{Store: s.store, left: 1} }).sync()
		s.requireTruth(rep)
	}
}

// Where nothing changed there is no commit that could tell how far a backfill
// came: an object does, also where days of the range have no records.
func TestABackfillWithoutChangesIsRecorded(t *testing.T) {
	s := withoutSockets(t)
	s.sync()
	s.opts.Backfill = &window.Window{Since: s.start.AddDate(0, 0, -2), Until: s.start.AddDate(0, 0, 2)}
	rep := s.sync()
	require.Zero(t, of(rep, crashStream).Commits)
	require.Len(t, s.keysBelow("_paylake/backfill"), 1)
}

// beforeCommit does something before the first commit.
type beforeCommit struct {
	store.Store
	once sync.Once
	do   func()
}

func (b *beforeCommit) Create(ctx context.Context, key string, body []byte) error {
	if strings.Contains(key, "/_delta_log/") {
		b.once.Do(b.do)
	}
	return b.Store.Create(ctx, key, body)
}

// never-shrinks-silently: a backfill moves no watermark, but a sync that it
// overtakes does not take its newest rows away.
func TestASyncThatABackfillOvertakesKeepsItsRows(t *testing.T) {
	s := withoutSockets(t)
	day := s.start.AddDate(0, 0, 5)
	s.now = day.Add(-time.Hour)
	s.sync()
	s.now = day.Add(12 * time.Hour)
	now := s.now
	var after map[string]row
	s.with(func(o *scene) {
		o.store = &beforeCommit{Store: s.store, do: func() {
			now = day.Add(23 * time.Hour)
			b := s.with(func(o *scene) {
				o.now, o.opts.Now = now, nowOf(now)
				o.opts.Backfill = &window.Window{Since: s.start, Until: s.start.AddDate(0, 0, 7)}
			})
			s.now = now // the account's clock
			require.Equal(t, report.Succeeded, b.sync().Status)
			after = s.rows(crashStream)
		}}
		o.opts.Now = func() time.Time { return now }
	}).sync()
	require.NotEmpty(t, after)
	have := s.rows(crashStream)
	for key := range after {
		require.Contains(t, have, key)
	}
}

// The same when the clock of the later sync is behind that of the backfill.
func TestASyncWhoseClockIsBehindABackfillKeepsItsRows(t *testing.T) {
	s := withoutSockets(t)
	day := s.start.AddDate(0, 0, 5)
	s.now = day.Add(-time.Hour)
	s.sync()
	s.now = day.Add(23 * time.Hour)
	s.with(func(o *scene) {
		o.opts.Backfill = &window.Window{Since: day.AddDate(0, 0, -1), Until: day.AddDate(0, 0, 1)}
	}).sync()
	after := s.rows(crashStream)
	s.with(func(o *scene) { o.opts.Now = nowOf(day.Add(12 * time.Hour)) }).sync()
	have := s.rows(crashStream)
	for key := range after {
		require.Contains(t, have, key)
	}
}
