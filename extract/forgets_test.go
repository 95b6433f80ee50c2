package extract_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/simapi"
)

// A source that forgets the oldest entries of its change feed while they are read
// makes no window fail. Of other lists a total that falls is no proof.
func TestAFeedForgetsWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := simapi.Merchant(5, monday, 10, 60_000)
		start := time.Now()
		w.Now = func() time.Time { return w.End().Add(time.Since(start)) }
		s := simapi.New(w, simapi.Config{Feed: simapi.Feed{HooksFor: 120 * time.Hour}})
		since := w.End().Add(-120 * time.Hour)
		read := func(feed bool) (extract.Result, error) {
			ep := endpoint(t, simapi.Hooks)
			ep.Feed = feed
			c := client(t, s)
			return extract.NewReader(c, ep, extract.ReaderOptions{Grid: utcDays}).Read(t.Context(), window.Window{Since: since.Truncate(time.Hour), Until: since.Add(10 * time.Hour)}, nil)
		}
		result, err := read(true)
		require.NoError(t, err)
		require.Equal(t, 1, result.Attempts)
		now := w.Now()
		require.GreaterOrEqual(t, int64(result.Kept), s.Truth(simapi.Hooks, since, since.Add(10*time.Hour)).Rows, "what is still there at %s", now)
		result.Rows.Release()

		var incomplete *extract.IncompleteError
		_, err = read(false)
		require.ErrorAs(t, err, &incomplete)
		require.Contains(t, incomplete.Detail, "the total fell from")
	})
}
