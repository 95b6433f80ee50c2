//go:build proof

package proof_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/simapi"
)

// costs is what a sync of one stream costs a day, in requests.
type costs struct {
	stream                                string
	news, lookback, updates, feed, tiered float64
	perMinute                             float64
}

func (c costs) all() float64 { return c.news + c.lookback + c.updates + c.feed + c.tiered }

// settledAfter is the age from which every payable of a day is paid, a little
// more than the twelve months of the longest instalment plan.
const settledAfter = 395 * day

// tiersADay counts the pages that the tiers of a stream need a day in the long
// run, for an account with so many records a day for so long.
func tiersADay(ep extract.Endpoint, rows float64, size int, history time.Duration) float64 {
	if ep.HorizonMonths > 0 {
		history = min(history, time.Duration(ep.HorizonMonths)*30*day)
	}
	pages := 0.0
	for age := ep.Lookback; age < history; age += day {
		tier, ok := tierOf(ep.Refresh, age)
		if !ok {
			continue
		}
		every := tier.Every
		if tier.Settled > 0 && age > settledAfter {
			every = tier.Settled
		}
		pages += rows / float64(size) * float64(day) / float64(every)
	}
	return pages
}

// costsOf scales what was measured to another number of orders a day.
func (m *merchant) costsOf(orders, measured float64, rows func(stream string) float64) []costs {
	var list []costs
	for _, s := range m.streams {
		of := func(purpose string) float64 {
			return float64(m.spent.sum[s.name][purpose]) / float64(m.spent.runs) * orders / measured
		}
		size := min(s.ep.AskSize, 30)
		if s.name == simapi.Payables {
			size = s.ep.AskSize
		}
		aDay := rows(s.name) * orders / measured
		news := aDay / float64(size) // a window holds whole days: what of it is new is not told apart by requests
		list = append(list, costs{
			stream: s.name, news: news, lookback: of(forNew) + of(forLookback) - news, feed: of(forFeed),
			updates:   of(forUpdates) + of(forTiers), // days that an update named and that could not be merged are read again; no tier is due yet
			tiered:    tiersADay(s.ep, aDay, size, 3*365*day),
			perMinute: 0.8 * float64(s.ep.Limit.PerMinute),
		})
	}
	return list
}

// priceTable is a table in Markdown.
func priceTable(orders float64, list []costs) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %.0f orders a day | new | lookback | updates | feed | tiers | requests a day | hours |\n|---|---|---|---|---|---|---|---|\n", orders)
	for _, c := range list {
		fmt.Fprintf(&b, "| %s | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f |\n",
			c.stream, c.news, c.lookback, c.updates, c.feed, c.tiered, c.all(), c.all()/c.perMinute/60)
	}
	return b.String()
}
