package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
)

func TestStatusOfARun(t *testing.T) {
	well := func(*report.Stream) {}
	rejects := func(s *report.Stream) { s.Rejects = 1 }
	gap := func(s *report.Stream) { s.Failures = []report.Window{{Error: "rows moved"}} }
	failed := func(s *report.Stream) { s.Error = "status 401" }
	missing := func(s *report.Stream) { s.Missing("status 404", false) }
	missed := func(s *report.Stream) { s.Missing("status 404", true) }
	type streams []func(*report.Stream)
	cases := []struct {
		name        string
		interrupted bool
		streams     streams
		want        string
	}{
		{"all is well", false, streams{well, well}, report.Succeeded},
		{"nothing to do", false, streams{}, report.Succeeded},
		{"records were rejected", false, streams{well, rejects}, report.Incomplete},
		{"a window failed", false, streams{gap}, report.Incomplete},
		{"a stream failed", false, streams{well, failed}, report.Incomplete},
		{"every stream failed", false, streams{failed, failed}, report.Failed},
		{"one is missing that nobody named", false, streams{well, missing}, report.Succeeded},
		{"one is missing that was named", false, streams{well, missed}, report.Incomplete},
		{"the only one is missing", false, streams{missed}, report.Incomplete},
		{"all are missing", false, streams{missing, missing}, report.Incomplete},
		{"what is not missing failed", false, streams{missing, missed, failed}, report.Failed},
		{"stopped", true, streams{well, well}, report.Interrupted},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			run := &report.Run{}
			for _, happened := range c.streams {
				s := &report.Stream{}
				happened(s)
				s.Settle(c.interrupted)
				run.Streams = append(run.Streams, s)
			}
			run.Settle(c.interrupted)
			require.Equal(t, c.want, run.Status)
		})
	}
}

func TestMissingStreamIsAFailureByNameOnly(t *testing.T) {
	var byDefault, byName report.Stream
	byDefault.Missing("status 404", false)
	byName.Missing("status 404", true)
	byDefault.Settle(false)
	byName.Settle(false)
	require.Equal(t, report.Unavailable, byDefault.Status)
	require.Equal(t, []string{"status 404"}, byDefault.Warnings)
	require.Empty(t, byDefault.Error)
	require.Equal(t, report.Failed, byName.Status)
	require.Equal(t, "status 404", byName.Error)
}
