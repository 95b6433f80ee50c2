package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

func catalog() config.Catalog {
	return config.Catalog{
		Streams: map[string][]string{
			"pagarme": {"orders", "charges", "payables", "balance_operations", "recipients", "recipient_balance"},
			"stripe":  {"charges", "payouts"},
		},
		CheckExclude: func(_, stream, path string) error {
			if stream == "charges" && !strings.HasPrefix(path, "customer.") {
				return errors.New("unknown field; did you mean \"customer\"?")
			}
			return nil
		},
	}
}

const whole = `
version: 1
destination:
  url: ./lake                 # a directory
  layer: raw
  partition: {granularity: day, timezone: America/Sao_Paulo}
connections:
  - name: loja
    source: pagarme
    folder: pagarme
    table_prefix: ""
    description: Loja principal, PSP
    api_key: {env: PAGARME_API_KEY}
    base_url: https://api.pagar.me/core/v5
    start: 2024-01-01
    sync: incremental
    lookback: 45d
    rate_share: 0.8
    limits: {payables: 700/min, all: 600/min, orders: unlimited}
    streams:
      - orders
      - {name: charges, table: cobrancas, sync: full, exclude: [customer.document, customer.email]}
work_dir: ./paylake-work
`

func TestWholeFile(t *testing.T) {
	dir := t.TempDir()
	c, err := config.Parse(filepath.Join(dir, "paylake.yaml"), []byte(whole), catalog())
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "lake"), c.Destination.Dir, "relative to the file, not to the shell")
	require.Equal(t, filepath.Join(dir, "paylake-work"), c.WorkDir)
	require.Equal(t, config.Day, c.Destination.Granularity)
	require.Equal(t, "America/Sao_Paulo", c.Destination.Location.String())
	require.Len(t, c.Connections, 1)

	conn := c.Connections[0]
	require.Equal(t, "loja", conn.Name)
	require.Equal(t, "pagarme", conn.Source)
	require.Equal(t, "Loja principal, PSP", conn.Description)
	require.Equal(t, "PAGARME_API_KEY", conn.APIKey.Env)
	require.Equal(t, "https://api.pagar.me/core/v5", conn.BaseURL)
	require.Equal(t, time.Date(2024, 1, 1, 3, 0, 0, 0, time.UTC), conn.Start)
	require.InDelta(t, 0.8, conn.RateShare, 0)
	require.Equal(t, map[string]int{"payables": 700, "all": 600, "orders": config.Unlimited}, conn.Limits)

	require.Len(t, conn.Streams, 2)
	orders, charges := conn.Streams[0], conn.Streams[1]
	require.Equal(t, "raw/pagarme/orders", c.TableKey(conn, orders))
	require.Equal(t, config.Incremental, orders.Sync)
	require.Equal(t, 45*24*time.Hour, *orders.Lookback)
	require.True(t, orders.Named)
	require.Equal(t, "raw/pagarme/cobrancas", c.TableKey(conn, charges))
	require.Equal(t, config.Full, charges.Sync)
	require.Equal(t, []string{"customer.document", "customer.email"}, charges.Exclude)
	require.Equal(t, 22, charges.Line)
}

const small = `version: 1
destination: {url: /lake}
connections:
  - name: loja
    source: pagarme
    api_key: {file: key.txt}
    start: 2024-01-01
`

func TestDefaults(t *testing.T) {
	c, err := config.Parse("/etc/paylake/paylake.yaml", []byte(small), catalog())
	require.NoError(t, err)
	conn := c.Connections[0]
	require.Equal(t, "/lake", c.Destination.Dir)
	require.Equal(t, time.UTC, c.Destination.Location)
	require.Empty(t, c.WorkDir)
	require.Equal(t, "pagarme", conn.Folder)
	require.Equal(t, "/etc/paylake/key.txt", conn.APIKey.File)
	require.InDelta(t, 0.8, conn.RateShare, 0)
	require.Equal(t, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), conn.Start)
	require.Len(t, conn.Streams, 6)
	for i, s := range conn.Streams {
		require.Equal(t, catalog().Streams["pagarme"][i], s.Name)
		require.Equal(t, s.Name, s.Table)
		require.Equal(t, config.Incremental, s.Sync)
		require.Nil(t, s.Lookback)
		require.False(t, s.Named)
	}
	require.Equal(t, "pagarme/orders", c.TableKey(conn, conn.Streams[0]))
}

func TestFolderOfDestinationIsTheDefault(t *testing.T) {
	text := strings.Replace(small, "{url: /lake}", "{url: /lake, folder: psp, layer: bronze}", 1)
	c, err := config.Parse("p.yaml", []byte(text), catalog())
	require.NoError(t, err)
	require.Equal(t, "bronze/psp/orders", c.TableKey(c.Connections[0], c.Connections[0].Streams[0]))
}

func TestBareDatesAreMidnightInTheZone(t *testing.T) {
	for _, c := range []struct{ zone, start, want string }{
		{"UTC", "2024-01-31", "2024-01-31T00:00:00Z"},
		{"America/Sao_Paulo", "2024-01-31", "2024-01-31T03:00:00Z"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"}, // 00:00 does not exist, the day begins at 01:00-02:00
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // the day before has 25 hours
		{"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"},    // 00:00 comes twice, the first counts
		{"Asia/Amman", "2020-10-30", "2020-10-29T21:00:00Z"},        // the same, east of Greenwich
		{"America/Sao_Paulo", "2024-01-31T12:00:00Z", "2024-01-31T12:00:00Z"},
		{"UTC", "2024-01-31T00:00:00-03:00", "2024-01-31T03:00:00Z"},
		{"UTC", `"2024-01-31"`, "2024-01-31T00:00:00Z"},
	} {
		text := strings.Replace(small, "{url: /lake}", "{url: /lake, partition: {timezone: "+c.zone+"}}", 1)
		text = strings.Replace(text, "2024-01-01", c.start, 1)
		got, err := config.Parse("p.yaml", []byte(text), catalog())
		require.NoError(t, err)
		require.Equal(t, c.want, got.Connections[0].Start.Format(time.RFC3339), "%s in %s", c.start, c.zone)
	}
}

func TestAnchorsWork(t *testing.T) {
	text := `
version: 1
destination: {url: /lake}
connections:
  - {name: a, source: pagarme, folder: a, api_key: &key {env: K}, start: &start 2024-01-01, streams: &s [orders]}
  - {name: b, source: pagarme, folder: b, api_key: *key, start: *start, streams: *s}
`
	c, err := config.Parse("p.yaml", []byte(text), catalog())
	require.NoError(t, err)
	require.Equal(t, c.Connections[0].Start, c.Connections[1].Start)
	require.Equal(t, "K", c.Connections[1].APIKey.Env)
	require.Len(t, c.Connections[1].Streams, 1)
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "paylake.yaml")
	_, err := config.Load(file, catalog())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(file, []byte(small), 0o600))
	c, err := config.Load(file, catalog())
	require.NoError(t, err)
	require.Equal(t, file, c.File)
	require.NoError(t, os.WriteFile(file, make([]byte, 2<<20), 0o600))
	_, err = config.Load(file, catalog())
	require.ErrorContains(t, err, "longer than")
}
