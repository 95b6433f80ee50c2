package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

const day = 24 * time.Hour

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("p.yaml", []byte(text), catalog())
	require.NoError(t, err)
	return c
}

func TestRefreshOfAConnectionAndOfAStream(t *testing.T) {
	c := parse(t, small+`    refresh: [{younger_than: 30d, every: run}, {younger_than: 400d, every: 30d, settled: 120d}, {every: 90d}]
    full_every: 30d
    deletes: keep
    include_updated: false
    streams:
      - orders
      - {name: charges, lookback: 7d, full_every: 60d, deletes: remove, include_updated: true}
      - {name: payables, refresh: [{younger_than: 1d, every: run}]}
      - {name: balance_operations, refresh: off}
`)
	orders, charges, payables := c.Connections[0].Streams[0], c.Connections[0].Streams[1], c.Connections[0].Streams[2]
	tiers := []config.Tier{{YoungerThan: 400 * day, Every: 30 * day, Settled: 120 * day}, {Every: 90 * day}}
	require.Equal(t, 30*day, *orders.Lookback, "the tier of every run is the lookback")
	require.Equal(t, tiers, orders.Refresh)
	require.Equal(t, 30*day, orders.FullEvery)
	require.True(t, orders.KeepDeleted)
	require.False(t, orders.IncludeUpdated)

	require.Equal(t, 7*day, *charges.Lookback)
	require.Equal(t, tiers, charges.Refresh, "a stream takes from its connection what it does not say itself")
	require.Equal(t, 60*day, charges.FullEvery)
	require.False(t, charges.KeepDeleted)
	require.True(t, charges.IncludeUpdated)

	require.Equal(t, []config.Tier{}, c.Connections[0].Streams[3].Refresh)
	require.Equal(t, 30*day, *c.Connections[0].Streams[3].Lookback)
	require.Equal(t, day, *payables.Lookback)
	require.NotNil(t, payables.Refresh)
	require.Empty(t, payables.Refresh, "only what every run reads: nothing older is refreshed")
}

func TestRefreshIsTheStreamsOwnByDefault(t *testing.T) {
	c := parse(t, small)
	for _, s := range c.Connections[0].Streams {
		require.Nil(t, s.Refresh, s.Name)
		require.Nil(t, s.Lookback, s.Name)
		require.Zero(t, s.FullEvery, s.Name)
		require.False(t, s.KeepDeleted, s.Name)
		require.True(t, s.IncludeUpdated, s.Name)
	}
	require.Equal(t, 30*time.Minute, c.RefreshFor)
	require.Zero(t, c.RefreshRequests)
}

func TestRefreshBudget(t *testing.T) {
	for text, want := range map[string]struct {
		d time.Duration
		n int64
	}{"2h": {2 * time.Hour, 0}, "2000": {0, 2000}, "off": {0, 0}} {
		c := parse(t, strings.Replace(small, "version: 1\n", "version: 1\nrefresh_budget: "+text+"\n", 1))
		require.Equal(t, want.d, c.RefreshFor, text)
		require.Equal(t, want.n, c.RefreshRequests, text)
	}
}

func TestMistakesOfRefresh(t *testing.T) {
	for name, c := range map[string]struct{ add, want string }{
		"both":               {"    lookback: 4d\n    refresh: [{every: 9d}]\n", "p.yaml:9: refresh and lookback exclude each other"},
		"everything always":  {"    refresh: [{every: run}]\n", "p.yaml:8: a tier of every run needs younger_than"},
		"old before young":   {"    refresh: [{younger_than: 9d, every: 1d}, {younger_than: 9d, every: 2d}]\n", "p.yaml:8: the tiers of refresh must go from young to old"},
		"after every age":    {"    refresh: [{every: 1d}, {younger_than: 9d, every: 2d}]\n", "p.yaml:8: a tier of refresh comes after one without younger_than"},
		"run is not first":   {"    refresh: [{younger_than: 9d, every: 1d}, {younger_than: 19d, every: run}]\n", "p.yaml:8: only the first tier of refresh may be of every run"},
		"no interval":        {"    refresh: [{younger_than: 9d}]\n", `p.yaml:8: tier has no "every", which is required`},
		"bad interval":       {"    refresh: [{every: monthly}]\n", `p.yaml:8: every "monthly": not a duration like 45d`},
		"no time at all":     {"    refresh: [{every: 0d}]\n", `p.yaml:8: every "0d": it must be more than nothing`},
		"settled more often": {"    refresh: [{every: 9d, settled: 1d}]\n", "p.yaml:8: settled is less than every"},
		"unknown key":        {"    refresh: [{every: 9d, younger: 1d}]\n", `p.yaml:8: unknown key "younger" in tier; valid are every, settled, younger_than`},
		"not a list":         {"    refresh: 9d\n", "p.yaml:8: refresh must be a list"},
		"full too often":     {"    full_every: 0d\n", `p.yaml:8: full_every "0d": it must be more than nothing`},
		"deletes":            {"    deletes: kep\n", `p.yaml:8: unknown deletes "kep"; did you mean "keep"?`},
		"include":            {"    include_updated: maybe\n", "p.yaml:8: include_updated must be true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("p.yaml", []byte(small+c.add), catalog())
			require.ErrorContains(t, err, c.want)
		})
	}
	for _, text := range []string{"0", "-3", "30", "2x", "0m"} {
		_, err := config.Parse("p.yaml", []byte(strings.Replace(small, "version: 1\n", "version: 1\nrefresh_budget: "+text+"\n", 1)), catalog())
		if text == "30" {
			require.NoError(t, err, "a number is requests")
			continue
		}
		require.ErrorContains(t, err, `p.yaml:2: refresh_budget "`+text+`": not a duration like 30m`)
	}
}
