package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/store/mem"
)

const wired = `version: 1
destination: {url: ./lake, partition: {granularity: month, timezone: America/Sao_Paulo}}
connections:
  - name: loja
    source: pagarme
    description: Loja principal
    api_key: {env: X}
    start: 2024-01-01
    lookback: 10d
    streams:
      - orders
      - {name: charges, table: cobrancas, sync: full, lookback: 3d, exclude: [customer.email]}
      - recipients
      - recipient_balance
  - {name: outra, source: pagarme, folder: outra, api_key: {env: Y}, start: 2024-01-01}
`

// wire makes the streams of the configuration by their table's path.
func wire(t *testing.T, full bool, streams ...string) map[string]pipeline.Stream {
	t.Helper()
	cfg, err := config.Parse("paylake.yaml", []byte(wired), catalog())
	require.NoError(t, err)
	chosen, err := choose(cfg, nil, streams)
	require.NoError(t, err)
	w := wiring{cfg: cfg, store: mem.New(), full: full}
	all := map[string]pipeline.Stream{}
	for _, c := range chosen {
		conn, err := connectWith(c.conn, config.NewKey("sk_test_x"), extract.Options{})
		require.NoError(t, err)
		s, err := w.stream(conn, c)
		require.NoError(t, err)
		all[s.Path] = s
	}
	return all
}

func TestConfigurationReachesTheStreams(t *testing.T) {
	const day = 24 * time.Hour
	all := wire(t, false)
	require.Len(t, all, 11)

	orders := all["pagarme/orders"]
	require.Equal(t, "loja", orders.Connection)
	require.True(t, orders.Named)
	require.False(t, orders.Full)
	require.Equal(t, 10*day, orders.Lookback)
	require.Equal(t, time.Date(2024, 1, 1, 3, 0, 0, 0, time.UTC), orders.Start)
	require.Equal(t, "created_month", orders.Spec.Column)
	require.Equal(t, partitioning.Month, orders.Spec.Granularity)
	require.Equal(t, "created_at", orders.Spec.Source)
	require.Equal(t, map[string]string{
		"paylake.source": "pagarme", "paylake.connection": "loja", "paylake.mode": "test", "paylake.stream": "orders",
		"paylake.timezone": "America/Sao_Paulo", "paylake.granularity": "month", "paylake.schemaVersion": "1",
	}, properties(orders, config.ModeTest))

	charges := all["pagarme/cobrancas"]
	require.True(t, charges.Full)
	require.Equal(t, 3*day, charges.Lookback)
	require.NotSame(t, charges.Endpoint.Table, charges.Table, "fields are excluded")

	recipients := all["pagarme/recipients"]
	require.Empty(t, recipients.Spec.Column)
	require.NotContains(t, properties(recipients, config.ModeTest), "paylake.timezone", "a table without partitions has no zone")

	balance := all["pagarme/recipient_balance"]
	require.Equal(t, "snapshot_date", balance.Spec.Column, "snapshots are by day always")
	require.Equal(t, "recipients", balance.Parent.Endpoint.Table.Name)

	other := all["outra/orders"]
	require.False(t, other.Named)
	require.Equal(t, 45*day, other.Lookback, "the stream's own")
	require.NotSame(t, orders.Client, other.Client)
}

func TestFlagsReachTheStreams(t *testing.T) {
	all := wire(t, true, "orders")
	require.Len(t, all, 2)
	for _, s := range all {
		require.True(t, s.Full)
		require.True(t, s.Named, "chosen by the flag")
	}
}

func TestStreamInSeveralConnections(t *testing.T) {
	cfg, err := config.Parse("paylake.yaml", []byte(wired), catalog())
	require.NoError(t, err)
	_, err = chooseOne(cfg, "", "orders")
	require.EqualError(t, err, `stream "orders" is in several connections; choose one with --connection: loja, outra`)
	one, err := chooseOne(cfg, "outra", "orders")
	require.NoError(t, err)
	require.Equal(t, "outra/orders", one.key)
	require.Equal(t, []string{"a", "b", "c"}, list([]string{"a, b", ",c"}))
}

func TestKeyOfUnusualFormIsAWarningOnly(t *testing.T) {
	conn := config.Connection{Name: "loja", Source: "pagarme", APIKey: config.Secret{Env: "X"}}
	for key, warnings := range map[string]int{"sk_live_1": 0, "sk_test_1": 0, "ak_live_1": 1, "whatever": 1} {
		got, err := connectWith(conn, config.NewKey(key), extract.Options{})
		require.NoError(t, err)
		require.Len(t, got.warnings, warnings)
	}
	_, err := connectWith(conn, config.NewKey("pk_live_1"), extract.Options{})
	require.ErrorIs(t, err, config.ErrPublicKey)
}
