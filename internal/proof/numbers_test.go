//go:build proof

package proof_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// What a sync costs a merchant of about 2,000 orders a day: the requests of new
// data, lookback, updates and feed are counted, in virtual time under the
// documented limits; those of the tiers follow from the rows a day.
func TestNumbers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const history, runs = 52, 3
		first := date("2026-10-05").Add(4 * time.Hour)
		m := born(t, plan{
			born: date("2026-10-05").AddDate(0, 0, -history), start: date("2026-10-05").AddDate(0, 0, -history), first: first, days: runs,
			size: 11_000 * (history + runs), late: simapi.LateLife(),
			config: simapi.Config{Faults: simapi.Faults{Latency: 50 * time.Millisecond}},
		})
		m.keep(simapi.Orders, simapi.Charges, simapi.Payables, simapi.Hooks)
		m.stream(simapi.Hooks).start = first.AddDate(0, 0, -5)
		for range runs + 1 {
			if m.runs > 0 {
				m.tomorrow(1)
			}
			rep := m.sync()
			last := m.history[len(m.history)-1]
			t.Logf("run %d took %s", m.runs, last.ended.Sub(last.begun).Round(time.Second))
			for _, s := range rep.Streams {
				require.Equal(t, report.Succeeded, s.Status, "%s: %s %v", s.Stream, s.Error, s.Failures)
				m.stream(s.Stream).watermark = *s.Watermark
			}
			if m.runs > 1 {
				m.spent.add(&m.watch.tally)
			}
		}
		week := func(stream string) float64 {
			now := m.now()
			return float64(m.server.Truth(stream, now.AddDate(0, 0, -5), now).Rows) / 5
		}
		t.Logf("rows a day: orders %.0f, charges %.0f, payables %.0f, hooks %.0f", week(simapi.Orders), week(simapi.Charges), week(simapi.Payables), week(simapi.Hooks))
		t.Logf("requests of a run\n%s", m.spent.table())
		for _, orders := range []float64{2_000, 50_000} {
			t.Logf("a history of three years\n%s", priceTable(orders, m.costsOf(orders, week(simapi.Orders), week)))
		}
	})
}

// keep leaves only some streams.
func (m *merchant) keep(names ...string) {
	var list []*stream
	for _, name := range names {
		list = append(list, m.stream(name))
	}
	m.streams = list
}
