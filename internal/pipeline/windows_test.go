package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// fakeLake is a table as planning sees it.
type fakeLake struct {
	oldest   string
	position string // of a sync that did not end
	at       string // when that was written
}

func (f fakeLake) Oldest() (partitioning.Value, bool) {
	return partitioning.Value(f.oldest), f.oldest != ""
}

func (f fakeLake) Mark(string) (int64, bool) {
	if f.position == "" {
		return 0, false
	}
	return at(f.position).UnixMicro(), true
}

func (f fakeLake) MarkedAt(string) time.Time {
	if f.at == "" {
		return time.Time{}
	}
	return at(f.at)
}

func (f fakeLake) TableID() string { return "" }

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestPlanRange(t *testing.T) {
	const settle = 5 * time.Minute
	paulo, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(t, err)
	now := at("2026-11-21T15:30:00Z")
	cases := []struct {
		name      string
		full      bool
		horizon   int
		zone      *time.Location
		start     string
		watermark string
		oldest    string
		want      [2]string
	}{
		{"first sync reads from the start to the settled end", false, 0, time.UTC, "2026-01-01T00:00:00Z", "", "",
			[2]string{"2026-01-01T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"a start inside a partition reads the whole partition", false, 0, time.UTC, "2026-01-01T10:00:00Z", "", "",
			[2]string{"2026-01-01T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"later syncs read the lookback again, by whole partitions", false, 0, time.UTC, "2026-01-01T00:00:00Z", "2026-11-20T15:00:00Z", "2026-01-01",
			[2]string{"2026-10-06T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"partitions begin at local midnight", false, 0, paulo, "2026-01-01T03:00:00Z", "2026-11-20T15:00:00Z", "2026-01-01",
			[2]string{"2026-10-06T03:00:00Z", "2026-11-21T15:25:00Z"}},
		{"a full sync ignores the watermark", true, 0, time.UTC, "2026-01-01T00:00:00Z", "2026-11-20T15:00:00Z", "2026-01-01",
			[2]string{"2026-01-01T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"the first sync reads the partition that the horizon cuts", false, 24, time.UTC, "2020-01-01T00:00:00Z", "", "",
			[2]string{"2024-11-21T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"a partition that the horizon cuts is never replaced", true, 24, time.UTC, "2020-01-01T00:00:00Z", "", "2024-11-21",
			[2]string{"2024-11-23T00:00:00Z", "2026-11-21T15:25:00Z"}},
		{"a clock that was set back does not go behind the watermark", false, 0, time.UTC, "2026-01-01T00:00:00Z", "2026-11-25T12:00:00Z", "2026-01-01",
			[2]string{"2026-10-11T00:00:00Z", "2026-11-25T12:00:00Z"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := Stream{
				Endpoint: extract.Endpoint{HorizonMonths: c.horizon, Table: &schema.Table{Name: "t"}},
				Spec:     partitioning.Spec{Column: "created_date", Source: "created_at", Location: c.zone},
				Full:     c.full, Start: at(c.start), Lookback: 45 * 24 * time.Hour,
			}
			var watermark time.Time
			if c.watermark != "" {
				watermark = at(c.watermark)
			}
			got := planRange(s, fakeLake{oldest: c.oldest}, watermark, now, Options{Settle: settle})
			require.Equal(t, window.Window{Since: at(c.want[0]), Until: at(c.want[1])}, got)
		})
	}
}

// A sync that did not end goes on where it came to, for a day. After that its
// rows are as old as those of any other sync.
func TestPlanRangeOfASyncThatDidNotEnd(t *testing.T) {
	now := at("2026-11-21T15:30:00Z")
	s := Stream{
		Endpoint: extract.Endpoint{Table: &schema.Table{Name: "t"}},
		Spec:     partitioning.Spec{Column: "created_date", Source: "created_at", Location: time.UTC},
		Start:    at("2020-01-01T00:00:00Z"), Lookback: 45 * 24 * time.Hour,
	}
	for name, c := range map[string]struct {
		lake      fakeLake
		watermark string
		since     string
	}{
		"within its lookback":          {fakeLake{position: "2026-10-30T00:00:00Z", at: "2026-11-21T14:00:00Z"}, "2026-11-20T15:00:00Z", "2026-10-30T00:00:00Z"},
		"the first one, in years past": {fakeLake{position: "2022-03-01T00:00:00Z", at: "2026-11-20T16:00:00Z"}, "2022-03-01T00:00:00Z", "2022-03-01T00:00:00Z"},
		"a day later":                  {fakeLake{position: "2026-10-30T00:00:00Z", at: "2026-11-20T15:00:00Z"}, "2026-11-20T15:00:00Z", "2026-10-06T00:00:00Z"},
		"written in the future":        {fakeLake{position: "2026-10-30T00:00:00Z", at: "2026-11-22T15:00:00Z"}, "2026-11-20T15:00:00Z", "2026-10-06T00:00:00Z"},
		"one that ended":               {fakeLake{position: "1970-01-01T00:00:00Z", at: "2026-11-21T14:00:00Z"}, "2026-11-20T15:00:00Z", "2026-10-06T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			got := planRange(s, c.lake, at(c.watermark), now, Options{Settle: 5 * time.Minute})
			require.Equal(t, at(c.since), got.Since)
			require.Equal(t, at("2026-11-21T15:25:00Z"), got.Until)
		})
	}
}

// A backfill reads whole partitions, none of the future and none behind the
// horizon.
func TestPlanRangeOfABackfill(t *testing.T) {
	now := at("2026-11-21T15:30:00Z")
	for name, c := range map[string]struct {
		since, until string
		horizon      int
		want         [2]string
	}{
		"whole days stay":      {"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 0, [2]string{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"}},
		"parts are widened":    {"2026-01-01T10:00:00Z", "2026-01-31T00:00:01Z", 0, [2]string{"2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"}},
		"the future is cut":    {"2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z", 0, [2]string{"2026-11-01T00:00:00Z", "2026-11-21T15:25:00Z"}},
		"the horizon is older": {"2020-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 24, [2]string{"2024-11-23T00:00:00Z", "2026-02-01T00:00:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := Stream{
				Endpoint: extract.Endpoint{HorizonMonths: c.horizon, Table: &schema.Table{Name: "t"}},
				Spec:     partitioning.Spec{Column: "created_date", Source: "created_at", Location: time.UTC},
				Start:    at("2026-11-10T00:00:00Z"), Lookback: 45 * 24 * time.Hour,
			}
			rng := &window.Window{Since: at(c.since), Until: at(c.until)}
			got := planRange(s, fakeLake{oldest: "2024-11-21"}, at("2026-11-20T00:00:00Z"), now, Options{Settle: 5 * time.Minute, Backfill: rng})
			require.Equal(t, window.Window{Since: at(c.want[0]), Until: at(c.want[1])}, got)
		})
	}
}

func TestGroupReplacesWholePartitionsOnly(t *testing.T) {
	spec := partitioning.Spec{Column: "created_date", Source: "created_at", Location: time.UTC}
	g := newGroup(at("2026-01-01T00:00:00Z"), at("2026-01-05T00:00:00Z"))
	g.extend(at("2026-01-02T00:00:00Z"))
	g.spoil(spec, at("2026-01-02T06:00:00Z"), at("2026-01-02T12:00:00Z"))
	g.extend(at("2026-01-04T00:00:00Z"))
	g.unchanged["2026-01-03"] = true
	require.Equal(t, []partitioning.Value{"2026-01-01"}, g.replaced(spec))
	require.Equal(t, at("2026-01-02T00:00:00Z"), g.prefix, "the watermark stops before the window that failed")
}
