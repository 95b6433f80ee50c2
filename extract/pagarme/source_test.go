package pagarme_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/schema"
)

// statisticsColumns is how many leaf columns Delta keeps statistics for.
const statisticsColumns = 32

func TestSourceHasItsStreams(t *testing.T) {
	var names []string
	for _, ep := range pagarme.Source().Streams {
		names = append(names, ep.Table.Name)
	}
	require.Equal(t, []string{"orders", "charges", "payables", "balance_operations", "recipients", "recipient_balance", "hooks"}, names)
	require.Equal(t, "https://api.pagar.me/core/v5", pagarme.Source().BaseURL)
}

// The published limits of https://docs.pagar.me/reference/rate-limit, a
// minute. Asking faster than these gets a merchant's own checkout throttled.
func TestLimitsAreThePublishedOnes(t *testing.T) {
	published := map[string]int{
		"/orders": 200, "/charges": 200, "/payables": 700, "/balance/operations": 300, "/recipients": 100, "/recipients/*": 150,
		"/hooks": 50, "/orders/*": 200, "/charges/*": 200,
	}
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		require.Equal(t, published[ep.Limit.Row], ep.Limit.PerMinute)
		require.Equal(t, published[ep.ItemLimit.Row], ep.ItemLimit.PerMinute)
	})
}

func TestTablesAreValid(t *testing.T) {
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		require.NoError(t, ep.Table.Validate())
	})
}

// A reader prunes files by the statistics of the first columns, so what people
// filter by must be among them.
func TestColumnsToFilterByHaveStatistics(t *testing.T) {
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		var first []string
		for _, leaf := range ep.Table.Leaves()[:min(statisticsColumns, len(ep.Table.Leaves()))] {
			first = append(first, leaf.Path)
		}
		wanted := append([]string{ep.Table.Time, ep.Table.Updated}, ep.Table.Key...)
		for _, f := range ep.Table.Fields {
			if f.Type == schema.Timestamp || f.Type == schema.Int64 || f.Name == "status" {
				wanted = append(wanted, f.Name)
			}
		}
		for _, name := range wanted {
			if name != "" {
				require.Contains(t, first, name)
			}
		}
	})
}

// What a stream says of itself must fit together, or the reader would ask for
// windows of a list without a filter, or partition a table without a time.
func TestEndpointsFitTogether(t *testing.T) {
	var before []string
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		windowed := ep.SinceParam != ""
		require.Equal(t, windowed, ep.UntilParam != "")
		require.Equal(t, windowed, ep.Write == extract.ReplacePartitions)
		require.Equal(t, windowed, ep.Partition == "created")
		require.Equal(t, windowed, ep.Lookback > 0)
		require.Equal(t, ep.Partition != "", ep.Table.Time != "", "a partition comes from the time")
		require.Equal(t, ep.Paging == extract.ForwardCursor, ep.CursorParam != "" && ep.CursorPath != "")
		require.Equal(t, ep.StateParam != "", len(ep.States) > 0)
		require.Equal(t, ep.Paging == extract.SingleObject, ep.AskSize == 0)
		if ep.MaxSize > 0 {
			require.LessOrEqual(t, ep.AskSize, ep.MaxSize)
		}
		require.Equal(t, ep.Parent != "", strings.Contains(ep.Path, "{id}"))
		require.Equal(t, ep.ItemPath != "", strings.Contains(ep.ItemPath, "{id}"))
		require.Equal(t, ep.ItemPath != "", len(ep.Objects) > 0, "the feed calls the records that can be read by key")
		require.Equal(t, ep.UpdatedSince != "", ep.UpdatedUntil != "")
		if ep.Parent != "" {
			require.Contains(t, before, ep.Parent, "a parent comes before its children")
			require.True(t, field(t, ep.Table, ep.ParentColumn).Injected)
			require.True(t, field(t, ep.Table, ep.SnapshotTime).Injected)
		}
		before = append(before, ep.Table.Name)
	})
}

// Two callers must not see each other's changes, e.g. of one that excludes
// fields by hand.
func TestSourcesShareNothing(t *testing.T) {
	one, other := pagarme.Source(), pagarme.Source()
	one.Streams[0].Table.Fields[0].Name = "changed"
	require.Equal(t, "id", other.Streams[0].Table.Fields[0].Name)
}

func field(t *testing.T, table *schema.Table, name string) schema.Field {
	t.Helper()
	i := slices.IndexFunc(table.Fields, func(f schema.Field) bool { return f.Name == name })
	require.GreaterOrEqual(t, i, 0, "no field %s", name)
	return table.Fields[i]
}
