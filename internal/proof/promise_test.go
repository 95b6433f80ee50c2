package proof_test

import (
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/partitioning"
)

// slack is what comes on top of a tier: the time to the next run, and the time
// that runs take.
const slack = day + 2*time.Hour

// promises checks that every partition was read as lately as the policy of the
// stream says. It counts the due dates by itself, from the ages of the
// partitions and the tiers.
func (c *checking) promises() {
	s := c.s
	if !s.windowed() || c.rep.Status != report.Succeeded {
		return
	}
	if r := c.rep.Refresh; r != nil {
		require.Zero(c.t, r.Left, "run %d, %s: partitions that were due and not read: %+v", c.runs, s.name, r)
	}
	for at := s.spec.Floor(c.plan.start); at.Before(c.end); at = s.spec.Next(at) {
		if s.ep.HorizonMonths > 0 && at.Before(c.horizon().AddDate(0, 0, 1)) {
			continue
		}
		c.promise(s.spec.Of(at), s.spec.Next(at))
	}
}

// horizon is how far back the source answers.
func (c *checking) horizon() time.Time {
	if c.s.name == simapi.Payables && !c.changed() {
		return time.Time{}
	}
	return c.begun.AddDate(0, -c.s.ep.HorizonMonths, 0)
}

func (c *checking) promise(v partitioning.Value, end time.Time) {
	p := c.s.parts[v]
	require.NotNil(c.t, p, "run %d, %s: partition %s was never read", c.runs, c.s.name, v)
	if end.After(c.s.watermark.Add(-c.s.ep.Lookback)) {
		require.False(c.t, p.read.Before(c.begun), "run %d, %s: partition %s of the lookback was read last at %s", c.runs, c.s.name, v, p.read)
		return
	}
	tier, ok := tierOf(c.s.ep.Refresh, c.begun.Sub(end))
	if !ok {
		return
	}
	age := c.begun.Sub(p.read)
	if age <= tier.Every+slack {
		return
	}
	if tier.Settled > tier.Every && age <= tier.Settled+slack && c.settled(v, p) {
		return
	}
	require.Fail(c.t, "a promise is broken", "run %d at %s, %s: partition %s was read last at %s, the tier says every %s", c.runs, c.begun, c.s.name, v, p.read, tier.Every)
}

// tierOf is the tier of an age.
func tierOf(tiers []extract.Tier, age time.Duration) (extract.Tier, bool) {
	for _, t := range tiers {
		if t.YoungerThan == 0 || age < t.YoungerThan {
			return t, true
		}
	}
	return extract.Tier{}, false
}

// settled tells whether every record of the lake's partition is in a final state.
func (c *checking) settled(v partitioning.Value, p *part) bool {
	if p.states == nil {
		p.states = map[string]bool{}
		lake := c.s.lake
		for f := range c.snapshot.Files() {
			if f.Partition != v {
				continue
			}
			require.NoError(c.t, lake.ReadFile(c.t.Context(), f, []string{"status"}, func(b arrow.RecordBatch) error {
				for i := range int(b.NumRows()) {
					p.states[text(b, "status", i)] = true
				}
				return nil
			}))
		}
	}
	for state := range p.states {
		if !slices.Contains(c.s.ep.Final, state) {
			return false
		}
	}
	return true
}
