package crash_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/faultproxy"
	"github.com/paylake/paylake/internal/simapi"
)

// Under each fault of the API alone, and under all at once by seed, a sync ends
// right or says what failed, and the next sync completes it.
func TestSyncSurvivesFaultsOfTheAPI(t *testing.T) {
	for _, k := range apiKinds() {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			faultyAPI(t, faultproxy.Chance{Seed: 1, Share: 0.2, Kinds: []faultproxy.Kind{k}, Max: 5})
		})
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			faultyAPI(t, faultproxy.Chance{Seed: seed, Share: 0.3, Kinds: apiKinds(), Max: 12})
		})
	}
}

func faultyAPI(t *testing.T, c faultproxy.Chance) {
	a := smallAccount(t)
	api, err := faultproxy.Start(t.Context(), a.url)
	require.NoError(t, err)
	defer api.Close()
	a.streams = []string{simapi.Orders}
	bad(t, a, 1, func(o *order) {
		o.API = api.URL() + simapi.BasePath
		api.Set(faultproxy.Plan{Chance: c})
	}, func() { require.NotEmpty(t, api.Faults(), "nothing went wrong") })
}

// bad runs a first sync and later ones under faults, each followed by a quiet one
// that must complete it.
func bad(t *testing.T, a *account, rounds int, faults func(o *order), happened func()) {
	t.Helper()
	st, err := a.place.open(t.Context())
	require.NoError(t, err)
	l := newLake(st)
	w := watch(l, a.streams)
	var times []map[string]content
	for range rounds {
		o := a.order()
		o.Tries = 3
		faults(&o)
		e := a.run(o)
		requireNamed(t, e)
		happened()
		times = append(times, a.truths())
		if e.code == 0 {
			requireTruth(t, l, a.streams, a.truths())
		}
		a.sync(a.order())
		requireTruth(t, l, a.streams, a.truths())
		a.pass(2 * day)
	}
	w.stop(t)
	requireHistory(t, l, a.streams, times...)
}
