package crash_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/faultproxy"
	"github.com/paylake/paylake/internal/simapi"
)

// Several writers: eight processes sync overlapping windows into the same
// tables at once while records change under them, and the network is bad. Each
// ends well or says what failed, no version of a table is wrong, and after a
// quiet sync the lake holds the truth.
func TestEightWritersOnDisk(t *testing.T) {
	eightWriters(t, onDisk(t), nil)
}

// eightWriters runs the processes at a place. front gives the place as it is
// seen through a proxy; nil for none.
func eightWriters(t *testing.T, at place, front *faultproxy.Proxy) {
	a := smallAccount(t)
	a.place = at
	st, err := at.open(t.Context())
	require.NoError(t, err)
	l := newLake(st)
	api, err := faultproxy.Start(t.Context(), a.url)
	require.NoError(t, err)
	defer api.Close()
	w := watch(l, a.streams)
	for round := range 2 {
		a.ticking(30 * time.Minute)
		api.Set(faultproxy.Plan{Chance: faultproxy.Chance{Seed: uint64(round), Share: 0.05, Kinds: apiKinds()}})
		if front != nil {
			front.Set(faultproxy.Plan{Chance: faultproxy.Chance{Seed: uint64(round), Share: 0.05, Kinds: storeKinds()}})
		}
		eightAtOnce(t, a, api, front, round)
		a.ticking(0)
		a.pass(day)
	}
	a.sync(a.order())
	w.stop(t)
	requireTruth(t, l, a.streams, a.truths())
	requireForward(t, a, l)
}

// eightAtOnce starts the processes: in the second round some read less far back
// and some replace the tables in whole.
func eightAtOnce(t *testing.T, a *account, api, front *faultproxy.Proxy, round int) {
	t.Helper()
	var children []*process
	for i := range 8 {
		o := a.order()
		o.API = api.URL() + simapi.BasePath
		o.Now = o.Now.Add(time.Duration(i) * time.Second) // a snapshot of its own
		o.Once = i%2 > 0                                  // it commits long after it read
		if front != nil {
			o.Place.Endpoint = front.URL()
		}
		if round > 0 {
			o.Lookback, o.Full = time.Duration(i+1)*day, i >= 6
		}
		children = append(children, a.begin(o))
	}
	for _, c := range children {
		requireNamed(t, c.wait(t))
	}
}

// requireForward reads every version of every table: no key is lost from one to
// the next, no row becomes older or what it was before, and days that were over
// when the writers began are whole wherever they are there.
func requireForward(t *testing.T, a *account, l *lake) {
	t.Helper()
	for _, s := range a.streams {
		truth := a.truth(s)
		last, err := l.newest(t.Context(), s)
		require.NoError(t, err)
		past, gone := &version{}, map[string]bool{}
		for n := int64(0); n <= last.number; n++ {
			v, err := l.at(t.Context(), s, n)
			require.NoError(t, err)
			for id, r := range past.rows {
				now, ok := v.rows[id]
				require.True(t, ok, "table %s version %d lost key %s", s, n, id)
				require.False(t, now.updated.Before(r.updated), "table %s version %d: key %s went back from %s to %s", s, n, id, r.updated, now.updated)
				if now.facts != r.facts {
					gone[id+" "+r.facts] = true
					require.False(t, gone[id+" "+now.facts], "table %s version %d: key %s went back from %q to %q", s, n, id, r.facts, now.facts)
				}
			}
			for where, have := range v.content {
				if endpoint(s).Partition == "created" && where < a.world.End().Format(time.DateOnly) {
					require.Equal(t, sortedKeys(truth[where]), sortedKeys(have), "table %s version %d: partition %s is not whole", s, n, where)
				}
			}
			past = v
		}
	}
}

// apiKinds are the faults in front of the API.
func apiKinds() []faultproxy.Kind {
	return []faultproxy.Kind{
		faultproxy.LostAnswer, faultproxy.CutBefore, faultproxy.CutAnswer, faultproxy.SlowBytes, faultproxy.TooLong, faultproxy.TooShort,
		faultproxy.Stall, faultproxy.ServerError, faultproxy.Unavailable, faultproxy.Throttle,
	}
}

// storeKinds are the faults in front of the S3 server.
func storeKinds() []faultproxy.Kind {
	return append(apiKinds(), faultproxy.CutRequest, faultproxy.SlowDown, faultproxy.Conflict)
}
