//go:build proof

package proof_test

import (
	"flag"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// Eighteen months in the life of a merchant that existed a year before: each day
// a sync.
func TestLongLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := born(t, longLife())
		m.live(m.plan.days)
		m.end()
		require.Greater(t, m.hooked, 1000, "records that hooks told of")
		t.Logf("staleness of the lake\n%s", m.stale.table())
		t.Logf("requests of a run\n%s", m.spent.table())
	})
}

// days is how long the long life is.
var days = flag.Int("days", 548, "days of the long life")

func longLife() plan {
	debug.SetGCPercent(400)
	first := date("2025-12-01").Add(4 * time.Hour)
	from := func(days int) time.Time { return first.AddDate(0, 0, days) }
	return plan{
		born: date("2024-12-01"), start: date("2025-03-01"), first: first, days: *days, size: 90_000 * (*days + 365) / 913, late: simapi.LateLife(),
		config: simapi.Config{
			Faults:         simapi.Faults{Latency: 50 * time.Millisecond},
			Outages:        []simapi.Outage{{Since: from(131).Add(-2 * time.Hour), Until: from(134).Add(-2 * time.Hour)}, {Since: from(400).Add(-time.Hour), Until: from(400).Add(time.Hour), Hang: true}},
			ContractChange: date("2026-08-28"),
			Feed:           simapi.Feed{HooksMissingSince: from(191), HooksMissingUntil: from(198), HooksMissing: 5, HooksLie: 10, HooksFor: 90 * day},
		},
	}
}
