package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

func TestFirstSyncHoldsTheTruth(t *testing.T) {
	t.Parallel()
	s := newScene(t, 8, 3_000, simapi.Config{NoLimits: true})
	rep := s.sync()
	for _, sr := range rep.Streams {
		t.Logf("%+v", *sr)
	}
	require.Equal(t, report.Succeeded, rep.Status)
	s.requireTruth(rep)
}
