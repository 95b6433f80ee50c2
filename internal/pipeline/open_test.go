package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// Open: every table asks for reader version 1 and writer version 2 and for no
// feature, and a reader that knows nothing of us finds its rows. That the
// engines read them is what make interop shows.
func TestPromiseOpen(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 1_000, simapi.Config{NoLimits: true})
	rep := s.sync()
	for _, sr := range rep.Streams {
		log, err := store.ReadAll(t.Context(), s.store, sr.Table+"/_delta_log/00000000000000000000.json")
		require.NoError(t, err)
		protocols := 0
		for line := range strings.Lines(string(log)) {
			var action struct{ Protocol map[string]any }
			require.NoError(t, json.Unmarshal([]byte(line), &action))
			if action.Protocol != nil {
				protocols++
				require.Equal(t, map[string]any{"minReaderVersion": 1.0, "minWriterVersion": 2.0}, action.Protocol)
			}
		}
		require.Equal(t, 1, protocols)
		snapshot, err := delta.ReadSnapshot(t.Context(), s.store, sr.Table)
		require.NoError(t, err)
		require.Equal(t, sr.RowsAdded, snapshot.Rows())
	}
}

// A table that cannot be read is the trouble of its stream alone.
func TestABrokenTableStopsOnlyItsStream(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 1_000, simapi.Config{NoLimits: true})
	log := "pagarme/orders/_delta_log/00000000000000000000.json"
	require.NoError(t, s.store.Create(t.Context(), log, []byte("{broken")))
	rep := s.sync()
	require.Equal(t, report.Incomplete, rep.Status)
	require.Contains(t, of(rep, simapi.Orders).Error, "pagarme/orders")
	s.requireStream(simapi.Charges)
}

// A watermark that a wrong clock left in the future is an error that says how to
// heal it, and a full sync heals it.
func TestAWatermarkInTheFuture(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 1_000, simapi.Config{NoLimits: true})
	s.streams = []string{simapi.Orders}
	right := s.now
	s.now = right.AddDate(3, 0, 0)
	s.world.Now = nowOf(right)
	s.sync()
	s.now = right
	rep := s.sync()
	require.Contains(t, of(rep, simapi.Orders).Error, "sync --full")
	s.full = true
	require.Equal(t, report.Succeeded, s.sync().Status)
	s.full = false
	s.now = right.AddDate(0, 0, 2)
	s.world.Now = nowOf(s.now)
	require.Equal(t, report.Succeeded, s.sync().Status)
}
