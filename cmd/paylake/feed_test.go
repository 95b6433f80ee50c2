package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

// A stream that can be read by key follows the feed of its own connection, if
// the connection copies it.
func TestStreamsFollowTheFeedOfTheirConnection(t *testing.T) {
	all := wire(t, false)
	require.Equal(t, "hooks", all["outra/orders"].Feed.Stream)
	require.Equal(t, "outra/hooks", all["outra/charges"].Feed.Lake.Root())
	require.Nil(t, all["outra/payables"].Feed)
	require.Nil(t, all["pagarme/orders"].Feed, "its connection does not copy hooks")
	require.True(t, all["outra/hooks"].KeepDeleted, "what the source forgets stays")
}

// What is excluded from orders is not in the bodies of hooks either.
func TestFeedHidesWhatOtherStreamsExclude(t *testing.T) {
	source, ep, err := findEndpoint("hooks")
	require.NoError(t, err)
	streams := []config.Stream{{Name: "orders", Exclude: []string{"customer.email", "items.status", "customer.id", "checkouts.credit_card.statement_descriptor"}}, {Name: "charges", Exclude: []string{"customer.email"}}, {Name: "hooks"}}
	c := choice{conn: config.Connection{Streams: streams}, stream: streams[2], source: source, ep: ep}
	table, err := c.table()
	require.NoError(t, err)
	require.NoError(t, table.Validate())
	require.Equal(t, []string{"email", "status", "statement_descriptor", "statementDescriptor"}, table.Hidden)
	require.Equal(t, ep.Table.Fields, table.Fields, "the feed keeps columns of its own")
}
