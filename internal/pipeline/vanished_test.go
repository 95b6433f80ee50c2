package pipeline_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store"
)

// overwriting is a store in which another engine, whose log store overwrites,
// puts a commit of its own in the place of the first ones that are made.
type overwriting struct {
	store.Store
	left int
}

const foreignCommit = `{"commitInfo":{"timestamp":1763719200000,"operation":"WRITE","engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0"}}` + "\n"

func (o *overwriting) Create(ctx context.Context, key string, body []byte) error {
	err := o.Store.Create(ctx, key, body)
	if err == nil && strings.Contains(key, "/_delta_log/") && o.left > 0 {
		o.left--
		err = o.Store.Put(ctx, key, strings.NewReader(foreignCommit))
	}
	return err
}

// A run whose commit vanished notices and does its work again; where they keep
// vanishing it fails by name.
func TestACommitThatVanishedIsRedone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		times  int
		full   bool
		status string
	}{
		"once":                {1, false, report.Succeeded},
		"once, a full sync":   {1, true, report.Succeeded},
		"again and again":     {100, false, report.Failed},
		"always, a full sync": {100, true, report.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := withoutSockets(t)
			s.opts.CommitEvery, s.lookback = 0, 90*24*time.Hour
			s.sync()
			s.now, s.full = s.now.Add(4*24*time.Hour), c.full
			rep := s.with(func(o *scene) { o.store = &overwriting{Store: s.store, left: c.times} }).sync()
			sr := of(rep, crashStream)
			require.Equal(t, c.status, sr.Status, "%+v", sr)
			require.True(t, warned(sr, "vanished"), "%v", sr.Warnings)
			if c.status == report.Succeeded {
				s.requireTruth(rep)
			}
			s.requireTruth(s.sync())
		})
	}
}
