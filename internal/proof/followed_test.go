package proof_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
)

// followed checks what is promised of each run, beside the tiers: every payable
// that changed since is in the lake as it is, however old, and so is every order
// and charge that a hook tells of.
func (m *merchant) followed(rep *report.Run) {
	ok := map[string]bool{}
	for _, s := range rep.Streams {
		ok[s.Stream] = s.Status == report.Succeeded
	}
	run := m.history[len(m.history)-1]
	since, known := m.last, !m.last.IsZero()
	if !ok[simapi.Hooks] || !ok[simapi.Orders] || !ok[simapi.Charges] {
		return // the next run that succeeds has more to follow
	}
	m.last = run.begun
	if known && !m.plan.noFeed {
		m.told(since, run)
	}
	if known && ok[simapi.Payables] && m.runs%7 == 0 {
		m.updated(m.stream(simapi.Payables), run)
	}
}

// told looks at the hooks since a moment. Those of the newest minutes are read
// next time.
func (m *merchant) told(since time.Time, run moments) {
	const settle = 6 * time.Minute
	ids := map[string]*stream{}
	m.server.Each(simapi.Hooks, since.Add(-settle), run.begun.Add(-settle), func(r simapi.Record) bool {
		var hook struct {
			Event string
			Data  struct{ ID string }
		}
		require.NoError(m.t, json.Unmarshal(r.JSON, &hook))
		for prefix, name := range map[string]string{"or_": simapi.Orders, "ch_": simapi.Charges} {
			if strings.HasPrefix(hook.Data.ID, prefix) && strings.HasPrefix(hook.Event, strings.TrimSuffix(name, "s")+".") {
				ids[hook.Data.ID] = m.stream(name)
			}
		}
		return true
	})
	for _, s := range []*stream{m.stream(simapi.Orders), m.stream(simapi.Charges)} {
		first, last := m.records(s, ids, run.begun), m.records(s, ids, run.ended)
		for key, now := range first {
			then, there := last[key]
			if !there || now.created.After(s.watermark) {
				continue
			}
			p := s.parts[s.spec.Of(now.created)]
			require.NotNil(m.t, p, "run %d: a hook tells of %s of %s", m.runs, key, now.created)
			require.Contains(m.t, []uint64{now.print, then.print}, p.rows[key], "run %d: a hook tells of %s of %s, and the lake has another state", m.runs, key, now.created)
			m.hooked++
		}
	}
}

// state is a record at a moment.
type state struct {
	created time.Time
	print   uint64
}

// records finds records by their ids.
func (m *merchant) records(s *stream, ids map[string]*stream, at time.Time) map[string]state {
	found := map[string]state{}
	m.at(at, func() {
		for id, of := range ids {
			if of != s {
				continue
			}
			body, ok := m.server.Item(s.name, id)
			if !ok {
				continue
			}
			var r struct {
				CreatedAt time.Time `json:"created_at"`
			}
			require.NoError(m.t, json.Unmarshal(body, &r))
			found[id] = state{r.CreatedAt, s.decode([]string{string(body)})[id]}
		}
	})
	return found
}

// updated compares every row with the truth, but for those that are gone at the
// source: no update tells of that.
func (m *merchant) updated(s *stream, run moments) {
	for at := s.spec.Floor(m.plan.start); at.Before(s.watermark); at = s.spec.Next(at) {
		v := s.spec.Of(at)
		p := s.parts[v]
		if at.Before(run.begun.AddDate(0, -s.ep.HorizonMonths, 1)) {
			continue
		}
		require.NotNil(m.t, p)
		if digest, _ := m.digest(s, v, run.begun, s.watermark); digest == p.digest {
			continue
		}
		m.same(s, v, p, run)
	}
}

func (m *merchant) same(s *stream, v partitioning.Value, p *part, run moments) {
	first, last := m.truth(s, v, run.begun, s.watermark), m.truth(s, v, run.ended, s.watermark)
	if change := m.plan.config.ContractChange; p.read.Before(change) && m.changed() {
		p = m.truth(s, v, change, s.watermark) // in the form of before: then nothing has changed since
	}
	for key, f := range first.rows {
		then, there := last.rows[key]
		if there {
			require.Contains(m.t, []uint64{f, then}, p.rows[key], "run %d: payable %s of %s is not what the merchant has", m.runs, key, v)
		}
	}
}
