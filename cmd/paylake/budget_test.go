package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// The bill: a sync that finds nothing new asks the store at most three times per
// table, from the second sync on and whatever the length of the log. (Balances
// are snapshots: each sync adds one.)
func TestSyncWithNothingNewAsksLittle(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, charges, payables, balance_operations, recipients]")
	a.synced(t, exitDone)
	for range 2 {
		run := a.synced(t, exitDone)
		for _, s := range run.Streams {
			require.Zero(t, s.Commits, s.Stream)
			require.LessOrEqual(t, s.StoreRequests, int64(3), s.Stream)
		}
		require.NotEmpty(t, run.StoreRequests, "the report counts by kind")
	}
}
