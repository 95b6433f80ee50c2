//go:build proof

package proof_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/internal/verify"
)

// end lets the merchant stand still until every partition was due once, and
// compares the lake with the truth in full.
func (m *merchant) end() {
	m.frozen = time.Now().UTC()
	last := m.frozen
	for range 20 {
		m.tomorrow(10)
		m.day()
	}
	for _, s := range m.streams {
		m.whole(s, last)
	}
	m.inventory()
	m.verify()
}

// verify lets the program's own verification look at the lake: the rows against
// the source, and the lake against itself.
func (m *merchant) verify() {
	var targets []verify.Target
	for _, s := range m.wire() {
		if s.Name() == simapi.BalanceOperations {
			continue // gone at the source
		}
		targets = append(targets, verify.Target{
			Connection: s.Connection, Source: s.Source, Endpoint: s.Endpoint, Table: s.Table, Spec: s.Spec, Path: s.Path, Lake: s.Lake,
			Client: s.Client, Mark: "paylake/" + s.Connection + "/" + s.Name(), Start: s.Start,
		})
	}
	for _, o := range []verify.Options{{Source: true}, {Deep: true, Local: true}} {
		o.Store, o.Tool = m.store, "paylake/test"
		rep, err := verify.Run(m.t.Context(), targets, o)
		require.NoError(m.t, err)
		for _, s := range rep.Streams {
			m.t.Logf("verify %v: %s: %s, %d rows, %d requests", s.Methods, s.Stream, s.Status, s.LakeRows, s.Requests)
			require.Equal(m.t, verify.Equal, s.Status, "%s: %s %v %v", s.Stream, s.Error, s.Differences, s.Findings)
		}
	}
}

// whole compares every partition of a stream that the source still answers with
// the truth.
func (m *merchant) whole(s *stream, until time.Time) {
	if s.gone || !s.windowed() || s.ep.Feed {
		return // its partitions were compared when they were read
	}
	c := &checking{merchant: m, s: s, moments: m.history[len(m.history)-1]}
	var err error
	c.snapshot, err = s.lake.Load(m.t.Context())
	require.NoError(m.t, err)
	rows := 0
	for at := s.spec.Floor(m.plan.start); at.Before(until); at = s.spec.Next(at) {
		if s.ep.HorizonMonths > 0 && at.Before(c.horizon().AddDate(0, 0, 1)) {
			continue
		}
		v := s.spec.Of(at)
		want := m.truth(s, v, until, time.Time{})
		require.True(m.t, c.holds(v, want), "%s %s: the lake is not the truth at the end", s.name, v)
		have, _ := c.rows(v)
		require.Equal(m.t, want.rows, have.rows, "%s %s", s.name, v)
		rows += len(have.rows)
	}
	m.t.Logf("%s: %d rows are the truth at the end", s.name, rows)
}
