package proof_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/paylake/paylake/internal/simapi"
)

func date(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return t
}

// A few days in the life of a merchant, with what the long life has: the
// contract changes, the API is down for two days, hooks are missing.
func TestShortLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := date("2026-08-24").Add(4 * time.Hour)
		from := func(days int) time.Time { return first.AddDate(0, 0, days).Add(-time.Hour) }
		m := born(t, plan{
			born: date("2026-06-01"), start: date("2026-07-01"), first: first, days: 9, size: 5_000, late: simapi.LateLife(),
			config: simapi.Config{
				Outages: []simapi.Outage{{Since: from(2), Until: from(4)}}, ContractChange: date("2026-08-28"),
				Feed: simapi.Feed{HooksMissingSince: from(6), HooksMissingUntil: from(7), HooksLie: 30},
			},
		})
		m.live(9)
		m.inventory()
	})
}

// live runs a sync each day and checks it.
func (m *merchant) live(days int) {
	for i := range days {
		if i > 0 || m.runs > 0 {
			m.tomorrow(1)
		}
		m.day()
		m.progress()
	}
}

// day is a sync, and a second one where the first found so much test data removed
// that the operator was asked.
func (m *merchant) day() {
	m.accept, m.refused = false, false
	m.check(m.sync())
	if m.refused {
		m.accept = true
		m.check(m.sync())
		m.t.Logf("run %d: the operator let records go", m.runs)
	}
}

// progress shows how a long life goes.
func (m *merchant) progress() {
	if m.runs%60 == 0 {
		m.inventory()
		m.t.Logf("run %d on %s: %d requests so far", m.runs, m.history[len(m.history)-1].begun.Format(time.DateOnly), m.server.Total().Requests)
	}
}
