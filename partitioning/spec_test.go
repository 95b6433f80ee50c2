package partitioning_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/partitioning"
)

var zones = []string{"UTC", "America/Sao_Paulo", "America/St_Johns", "Pacific/Apia", "Europe/Lisbon", "Asia/Manila", "Africa/Cairo"}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	require.NoError(t, err)
	return loc
}

func instant(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		zone  string
		size  partitioning.Granularity
		at    string
		want  partitioning.Value
		start string
		next  string
	}{
		{"UTC", partitioning.Day, "2026-11-21T23:59:59Z", "2026-11-21", "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"},
		{"UTC", partitioning.Month, "2026-12-31T23:59:59Z", "2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"America/Sao_Paulo", partitioning.Day, "2026-11-21T02:59:59Z", "2026-11-20", "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z"},
		{"America/Sao_Paulo", partitioning.Month, "2026-12-01T02:59:59Z", "2026-11", "2026-11-01T03:00:00Z", "2026-12-01T03:00:00Z"},
		// The clock went from midnight to 01:00: the day has 23 hours and no midnight.
		{"America/Sao_Paulo", partitioning.Day, "2018-11-04T03:00:00Z", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},
		{"America/Sao_Paulo", partitioning.Day, "2018-11-04T02:59:59Z", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"},
		// The clock went from midnight back to 23:00: the day has 25 hours.
		{"America/Sao_Paulo", partitioning.Day, "2018-02-18T02:30:00Z", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},
		// The clock went from 00:01 back to 23:01: the new day had begun, the hour repeated belongs to it.
		{"America/St_Johns", partitioning.Day, "2009-11-01T02:30:30Z", "2009-11-01", "2009-11-01T02:30:00Z", "2009-11-02T03:30:00Z"},
		{"America/St_Johns", partitioning.Day, "2009-11-01T02:31:00Z", "2009-11-01", "2009-11-01T02:30:00Z", "2009-11-02T03:30:00Z"},
		{"America/St_Johns", partitioning.Month, "2009-11-01T02:31:00Z", "2009-11", "2009-11-01T02:30:00Z", "2009-12-01T03:30:00Z"},
		// 2011-12-30 was skipped.
		{"Pacific/Apia", partitioning.Day, "2011-12-30T09:59:59Z", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"},
		{"Pacific/Apia", partitioning.Day, "2011-12-30T10:00:00Z", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
	} {
		spec := partitioning.Spec{Column: "created", Source: "at", Granularity: c.size, Location: zone(t, c.zone)}
		at := instant(t, c.at)
		require.Equal(t, c.want, spec.Of(at), "%s %s", c.zone, c.at)
		require.Equal(t, instant(t, c.start), spec.Floor(at), "%s %s", c.zone, c.at)
		require.Equal(t, instant(t, c.next), spec.Next(at), "%s %s", c.zone, c.at)
		start, err := spec.Start(c.want)
		require.NoError(t, err)
		require.Equal(t, instant(t, c.start), start)
	}
}

func TestStartOfSkippedDay(t *testing.T) {
	spec := partitioning.Spec{Column: "created", Location: zone(t, "Pacific/Apia")}
	skipped, err := spec.Start("2011-12-30")
	require.NoError(t, err)
	after, err := spec.Start("2011-12-31")
	require.NoError(t, err)
	require.Equal(t, after, skipped)
}

func TestStartRefusesOtherValues(t *testing.T) {
	day := partitioning.Spec{Column: "created_date"}
	month := partitioning.Spec{Column: "created_month", Granularity: partitioning.Month}
	for _, v := range []partitioning.Value{"", "2026-11", "2026-11-31", "2026-1-1", "x", "2026-11-21T00:00:00Z"} {
		_, err := day.Start(v)
		require.Error(t, err, v)
		require.Contains(t, err.Error(), "created_date")
	}
	for _, v := range []partitioning.Value{"", "2026-13", "2026-11-21"} {
		_, err := month.Start(v)
		require.Error(t, err, v)
	}
	_, err := partitioning.Spec{}.Start("")
	require.Error(t, err)
}

func TestUnpartitioned(t *testing.T) {
	spec := partitioning.Spec{}
	now := instant(t, "2026-11-21T12:00:00Z")
	require.Equal(t, partitioning.Value(""), spec.Of(now))
	require.True(t, spec.Floor(now).Before(now))
	require.True(t, spec.Next(now).After(now))
	require.Equal(t, "", spec.Dir(""))
}

// requireConsistent checks what every instant and zone must satisfy.
func requireConsistent(t *testing.T, spec partitioning.Spec, at time.Time) {
	t.Helper()
	v := spec.Of(at)
	start, err := spec.Start(v)
	require.NoError(t, err)
	next := spec.Next(at)
	require.Equal(t, start, spec.Floor(at))
	require.False(t, start.After(at), "%s starts %s, after %s", v, start, at)
	require.True(t, next.After(at), "the partition after %s starts %s, not after %s", v, next, at)
	require.Equal(t, v, spec.Of(start))
	require.Equal(t, v, spec.Of(next.Add(-time.Microsecond)))
	require.Greater(t, spec.Of(next), v)
	require.Equal(t, next, spec.Floor(next))
	require.Equal(t, time.UTC, start.Location())
	require.Equal(t, time.UTC, next.Location())
}

func TestOfStartAndNextAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range zones {
		for _, size := range []partitioning.Granularity{partitioning.Day, partitioning.Month} {
			spec := partitioning.Spec{Column: "created", Granularity: size, Location: zone(t, name)}
			for range 300 {
				requireConsistent(t, spec, time.UnixMicro(r.Int64N(150*365*86400e6)-80*365*86400e6))
			}
			for at := instant(t, "2006-01-01T00:00:00Z"); at.Year() < 2020; at = at.Add(5*time.Hour + 17*time.Minute) {
				require.LessOrEqual(t, spec.Of(at), spec.Of(at.Add(5*time.Hour+17*time.Minute)))
			}
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add(int64(1_700_000_000_000_000), uint8(1), false)
	f.Add(int64(-1), uint8(3), true)
	f.Add(int64(1_325_239_200_000_000), uint8(3), false)
	f.Add(int64(1_257_042_660_000_000), uint8(2), true)
	f.Fuzz(func(t *testing.T, micros int64, which uint8, month bool) {
		at := time.UnixMicro(micros)
		if y := at.UTC().Year(); y < 2 || y > 9998 {
			return
		}
		spec := partitioning.Spec{Column: "created", Location: zone(t, zones[int(which)%len(zones)])}
		if month {
			spec.Granularity = partitioning.Month
		}
		requireConsistent(t, spec, at)
	})
}
