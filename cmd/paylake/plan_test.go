package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
)

func TestPlanSaysWhatIsUnknown(t *testing.T) {
	known := pipeline.Estimate{Connection: "loja", Stream: "orders", Sync: "full", Windows: 2, Requests: 1000, Minutes: 6.21, Rows: 30000}
	require.Equal(t, []string{"loja", "orders", "full", "", "", "2", "1000", "6.3", "30000"}, planRow(known))
	known.Rows = -1
	require.Equal(t, []string{"loja", "orders", "full", "", "", "unknown", "unknown", "unknown", "unknown"}, planRow(known))
	require.Equal(t, exitDone, planCode([]pipeline.Estimate{known}), "what cannot be known is no failure")
	known.Error = "x"
	require.Equal(t, exitFailed, planCode([]pipeline.Estimate{known}))
	require.Equal(t, exitIncomplete, planCode([]pipeline.Estimate{known, {}}))
}
