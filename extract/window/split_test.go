package window

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// days is a grid of days of a time zone.
type days struct{ loc *time.Location }

func (d days) Floor(t time.Time) time.Time {
	y, m, n := t.In(d.loc).Date()
	return time.Date(y, m, n, 0, 0, 0, 0, d.loc)
}

func (d days) Next(t time.Time) time.Time {
	y, m, n := t.In(d.loc).Date()
	return time.Date(y, m, n+1, 0, 0, 0, 0, d.loc)
}

var utcDays = days{time.UTC}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func win(since, until string) Window { return Window{at(since), at(until)} }

// requireRebuilt fails unless the pieces are the whole: no gap, no overlap, no
// empty piece, oldest first.
func requireRebuilt(t *testing.T, whole Window, pieces []Window) {
	t.Helper()
	from := whole.Since
	for _, p := range pieces {
		require.True(t, p.Since.Equal(from), "%v of %v", pieces, whole)
		require.True(t, p.Since.Before(p.Until))
		require.Equal(t, time.UTC, p.Since.Location())
		require.Equal(t, time.UTC, p.Until.Location())
		from = p.Until
	}
	require.True(t, from.Equal(whole.Until), "%v of %v", pieces, whole)
}

func TestSplit(t *testing.T) {
	tests := []struct {
		name       string
		w          Window
		n          int
		grid       Grid
		resolution time.Duration
		want       []Window
	}{
		{"days", win("2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z"), 2, utcDays, time.Second,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"), win("2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z")}},
		{"no more pieces than days", win("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"), 16, utcDays, time.Second,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), win("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")}},
		{"the one boundary, however near the end", win("2026-03-01T00:00:00Z", "2026-03-02T00:00:09Z"), 2, utcDays, time.Second,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), win("2026-03-02T00:00:00Z", "2026-03-02T00:00:09Z")}},
		{"a day by time", win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), 3, utcDays, time.Second,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-01T08:00:00Z"), win("2026-03-01T08:00:00Z", "2026-03-01T16:00:00Z"), win("2026-03-01T16:00:00Z", "2026-03-02T00:00:00Z")}},
		{"by time without a grid", win("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"), 2, nil, 24 * time.Hour,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), win("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")}},
		{"two seconds", win("2026-03-01T00:00:00Z", "2026-03-01T00:00:02Z"), 9, utcDays, time.Second,
			[]Window{win("2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z"), win("2026-03-01T00:00:01Z", "2026-03-01T00:00:02Z")}},
		{"one second", win("2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z"), 2, utcDays, time.Second, nil},
		{"a day by days", win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"), 2, utcDays, 24 * time.Hour, nil},
		{"one piece", win("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"), 1, utcDays, time.Second, nil},
		{"unbounded", Window{}, 4, utcDays, time.Second, nil},
		{"empty", win("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z"), 4, utcDays, time.Second, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, tt.w.Split(tt.n, tt.grid, tt.resolution))
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add(int64(1767225600), int64(90*86400), 16, uint8(0), int64(1))
	f.Add(int64(1767225601), int64(3), 2, uint8(1), int64(1))
	f.Add(int64(1772000000), int64(30*86400), 7, uint8(2), int64(86400))
	f.Add(int64(-5), int64(100_000), 1000, uint8(3), int64(3600))
	zone, err := time.LoadLocation("America/New_York") // days of 23 and 25 hours
	if err != nil {
		zone = time.FixedZone("-05", -5*60*60)
	}
	grids := []Grid{nil, utcDays, days{time.FixedZone("-03", -3*60*60)}, days{zone}}
	f.Fuzz(func(t *testing.T, since, length int64, n int, grid uint8, resolution int64) {
		if length < 0 || length > 4000*86400 || since < -1e10 || since > 1e11 || n > 5000 || resolution < 0 || resolution > 1e6 {
			return
		}
		w := Window{time.Unix(since, 0).UTC(), time.Unix(since+length, 0).UTC()}
		g, res := grids[int(grid)%len(grids)], time.Duration(resolution)*time.Second
		pieces := w.Split(n, g, res)
		spans := g != nil && g.Next(w.Since).Before(w.Until)
		if pieces == nil {
			require.False(t, spans && n >= 2, "%v spans partitions and was not cut", w)
			return
		}
		require.GreaterOrEqual(t, len(pieces), 2)
		require.LessOrEqual(t, len(pieces), n)
		requireRebuilt(t, w, pieces)
		for i, p := range pieces {
			if spans && i > 0 {
				require.True(t, g.Floor(p.Since).Equal(p.Since), "cut at %s, which is no boundary", p.Since)
			}
			if !spans {
				require.GreaterOrEqual(t, p.Length(), res)
			}
		}
	})
}

func TestWindow(t *testing.T) {
	w := win("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")
	require.False(t, Window{}.Empty())
	require.True(t, Window{w.Until, w.Since}.Empty())
	require.Equal(t, "[2026-03-01T00:00:00Z, 2026-03-02T00:00:00Z)", w.String())
	require.Equal(t, "[everything]", Window{}.String())
}
