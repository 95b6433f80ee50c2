package pipeline_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// A full sync is what an operator runs when a data file is gone: it writes the
// partition anew though its rows did not change. A second one finds nothing to
// do.
func TestAFullSyncWritesAnewWhatIsGone(t *testing.T) {
	for _, stream := range []string{simapi.Payables, simapi.Recipients} {
		s := newScene(t, 4, 200, simapi.Config{NoLimits: true})
		s.streams = []string{stream}
		s.requireTruth(s.sync())
		for _, key := range s.keysBelow("") {
			if strings.HasSuffix(key, ".parquet") && !strings.Contains(key, "/_delta_log/") {
				require.NoError(t, s.store.Delete(t.Context(), key))
				break
			}
		}
		s.full = true
		rep := s.sync()
		require.Contains(t, strings.Join(of(rep, stream).Warnings, " "), "are gone from the store", stream)
		s.requireTruth(rep)
		require.Zero(t, of(s.sync(), stream).Commits, stream)
	}
}
