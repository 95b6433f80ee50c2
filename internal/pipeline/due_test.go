package pipeline

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/partitioning"
)

// step is the grain of the readings in these tests: no zone has finer offsets.
const step = 15 * time.Minute

// A partition was last read when the longest unread of its instants was; it is
// unread when one of them was never. Whatever the history, zone and granularity.
func TestLastReadIsThatOfTheLongestUnreadInstant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"UTC", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for _, granularity := range []partitioning.Granularity{partitioning.Day, partitioning.Month} {
			spec := partitioning.Spec{Column: "created", Granularity: granularity, Location: zone}
			for range 12 {
				checkLastReads(t, r, spec)
			}
		}
	}
}

func checkLastReads(t *testing.T, r *rand.Rand, spec partitioning.Spec) {
	span := 12 * 24 * time.Hour
	if spec.Granularity == partitioning.Month {
		span *= 8
	}
	begin := time.Date(2011, 12, 1+r.IntN(60), 0, 0, 0, 0, time.UTC) // clocks change, and a day is missing in Apia
	rng := window.Window{Since: spec.Floor(begin), Until: spec.Floor(begin.Add(span))}
	now := begin.Add(span)
	list := grid(spec, rng)
	newest := make([]time.Time, int(rng.Until.Sub(rng.Since)/step)+1)
	var reads []report.WindowRead
	for range r.IntN(40) {
		since := rng.Since.Add(time.Duration(r.Int64N(int64(span/step))-200) * step)
		until := since.Add(time.Duration(1+r.Int64N(900)) * step)
		if r.IntN(2) == 0 {
			since, until = spec.Floor(since), spec.Next(until)
		}
		read := report.WindowRead{Since: since, Until: until, ReadAt: now.Add(-time.Duration(r.IntN(60)) * 24 * time.Hour), Version: int64(r.IntN(9)) - 1}
		if r.IntN(8) == 0 {
			read.ReadAt = now.Add(48 * time.Hour) // a clock that jumped
		}
		reads = append(reads, read)
		for i := range newest {
			at := rng.Since.Add(time.Duration(i) * step)
			if counts := read.Version >= 0 && read.Version <= 6 && !read.ReadAt.After(now); counts && !at.Before(since) && at.Before(until) && read.ReadAt.After(newest[i]) {
				newest[i] = read.ReadAt
			}
		}
	}
	lastReads(list, countable(reads, 6, now))
	at := rng.Since
	for _, a := range list {
		require.Equal(t, at, a.window.Since, "partitions follow each other")
		require.Equal(t, spec.Of(at), a.value)
		want := now
		for ; at.Before(a.window.Until); at = at.Add(step) {
			if read := newest[at.Sub(rng.Since)/step]; read.Before(want) {
				want = read
			}
		}
		require.Equal(t, want, a.last, "%s of %v", a.value, spec)
	}
	require.Equal(t, rng.Until, at)
}

// What is due is due by its tier, and by nothing else.
func TestWhatIsDue(t *testing.T) {
	const day = 24 * time.Hour
	now := at("2026-11-21T02:00:00Z")
	tiers := []extract.Tier{{YoungerThan: 400 * day, Every: 30 * day, Settled: 90 * day}, {YoungerThan: 800 * day, Every: 90 * day}}
	for name, c := range map[string]struct {
		age, read time.Duration // before now; a read of 0 is none
		settled   bool
		due       bool
	}{
		"never read":                       {100 * day, 0, false, true},
		"never read, settled":              {100 * day, 0, true, true},
		"read a month ago":                 {100 * day, 30 * day, false, true},
		"a job that begins a little early": {100 * day, 30*day - 2*time.Hour, false, true},
		"read the day after":               {100 * day, 29 * day, false, false},
		"settled, a month ago":             {100 * day, 30 * day, true, false},
		"settled, a quarter ago":           {100 * day, 90 * day, true, true},
		"the next tier":                    {401 * day, 30 * day, false, false},
		"the next tier, a quarter ago":     {401 * day, 90 * day, false, true},
		"just not the next tier":           {400*day - time.Second, 30 * day, false, true},
		"settled where that is no matter":  {401 * day, 90 * day, true, true},
		"older than all tiers":             {801 * day, 0, false, false},
		"read by a clock that was ahead":   {100 * day, -time.Minute, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := aged{window: window.Window{Since: now.Add(-c.age - day), Until: now.Add(-c.age)}, settled: c.settled}
			if c.read != 0 {
				a.last = now.Add(-c.read)
			}
			a.place(tiers, now)
			require.Equal(t, c.due, a.due(now))
		})
	}
}

// A daily job whose start wobbles reads a daily tier every day, and one at every
// run at every run.
func TestADailyTierIsDueDaily(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	base := at("2026-01-01T02:00:00Z")
	for _, every := range []time.Duration{24 * time.Hour, 0} {
		a := aged{tiered: true, every: every, last: base}
		for n := 1; n < 100; n++ {
			now := base.Add(time.Duration(n)*24*time.Hour + time.Duration(r.IntN(60)-30)*time.Minute)
			require.True(t, a.due(now), "run %d", n)
			a.last = now
		}
	}
}

// The longest unread come first; what was read side by side stays side by side.
func TestOldestReadFirst(t *testing.T) {
	var list []aged
	for i, read := range []string{"2026-01-05T10:00:07Z", "2026-01-05T10:00:03Z", "", "2026-01-04T10:00:00Z", ""} {
		a := aged{window: window.Window{Since: at("2025-01-01T00:00:00Z").AddDate(0, 0, i)}}
		if a.value = partitioning.Value(a.window.Since.Format(time.DateOnly)); read != "" {
			a.last = at(read)
		}
		list = append(list, a)
	}
	oldestRead(list)
	require.Equal(t, []partitioning.Value{"2025-01-03", "2025-01-05", "2025-01-04", "2025-01-01", "2025-01-02"}, values(list))
}
