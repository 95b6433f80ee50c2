package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

// change replaces a part of the small file, which must have it.
func change(t *testing.T, old, with string) string {
	t.Helper()
	require.Contains(t, small, old)
	return strings.Replace(small, old, with, 1)
}

func TestMistakesNameLineAndRemedy(t *testing.T) {
	const streams = "    start: 2024-01-01\n"
	for _, c := range []struct{ name, old, with, want string }{
		{"unknown key at the top", "version: 1\n", "version: 1\nworkdir: x\n", `p.yaml:2: unknown key "workdir" in the file; did you mean "work_dir"?`},
		{"unknown key of nothing near", "version: 1\n", "version: 1\nxyzzy: x\n", `p.yaml:2: unknown key "xyzzy" in the file; valid are connections, delta, destination, maintenance, manifests, refresh_budget, version, work_dir`},
		{"unknown key in a connection", "    start:", "    lookbak: 4d\n    start:", `p.yaml:7: unknown key "lookbak" in connection; did you mean "lookback"?`},
		{"unknown key in the destination", "{url: /lake}", "{url: /lake, prefix: a}", `p.yaml:2: unknown key "prefix" in destination; valid are encryption, endpoint, folder, kms_key, layer, partition, path_style`},
		{"wrong version", "version: 1", "version: 2", `p.yaml:1: version must be 1, not "2"`},
		{"no version", "version: 1", "work_dir: x", `p.yaml:1: the file has no "version", which is required`},
		{"no url", "{url: /lake}", "{layer: raw}", `p.yaml:2: destination has no "url", which is required`},
		{"no start", streams, "", `p.yaml:4: connection has no "start", which is required`},
		{"s3a", "/lake", "s3a://bucket/x", "p.yaml:2: url \"s3a://bucket/x\": write s3:// in place of s3a://"},
		{"other scheme", "/lake", "gs://bucket", "p.yaml:2: url \"gs://bucket\": no destination has the form gs://; give a directory"},
		{"layer upwards", "{url: /lake}", "{url: /lake, layer: ../x}", `p.yaml:2: layer "../x": each name between slashes has letters`},
		{"layer that engines hide", "{url: /lake}", "{url: /lake, layer: _raw}", `p.yaml:2: layer "_raw": each name`},
		{"granularity", "{url: /lake}", "{url: /lake, partition: {granularity: days}}", `p.yaml:2: unknown granularity "days"; did you mean "day"?`},
		{"timezone", "{url: /lake}", "{url: /lake, partition: {timezone: America/SaoPaulo}}", `p.yaml:2: timezone "America/SaoPaulo": unknown time zone; did you mean "America/Sao_Paulo"?`},
		{"timezone of the machine", "{url: /lake}", "{url: /lake, partition: {timezone: Local}}", `p.yaml:2: timezone "Local": unknown time zone`},
		{"source", "source: pagarme", "source: pagame", `p.yaml:5: unknown source "pagame"; did you mean "pagarme"?`},
		{"name with a slash", "name: loja", "name: a/b", `p.yaml:4: name "a/b": a name has`},
		{"name that is a number", "name: loja", "name: 12", `p.yaml:4: name must be text, not a number; put it in quotes`},
		{"date", "2024-01-01", "01/02/2024", `p.yaml:7: start "01/02/2024": not a date like 2024-01-31`},
		{"no such date", "2024-01-01", "2024-02-30", `p.yaml:7: start "2024-02-30": not a date`},
		{"time without offset", "2024-01-01", "2024-01-01T00:00:00", `p.yaml:7: start "2024-01-01T00:00:00": not a date`},
		{"rate share of nothing", streams, streams + "    rate_share: 0\n", "p.yaml:8: rate_share must be above 0 and at most 1"},
		{"rate share in percent", streams, streams + "    rate_share: 80%\n", `p.yaml:8: rate_share must be a number, not "80%"`},
		{"rate share of NaN", streams, streams + "    rate_share: .nan\n", `p.yaml:8: rate_share must be a number, not ".nan"`},
		{"rate share above one", streams, streams + "    rate_share: 1.2\n", "p.yaml:8: rate_share must be above 0 and at most 1"},
		{"sync", streams, streams + "    sync: incrmental\n", `p.yaml:8: unknown sync "incrmental"; did you mean "incremental"?`},
		{"lookback without unit", streams, streams + "    lookback: 45\n", `p.yaml:8: lookback "45": not a duration like 45d, 2w or 36h`},
		{"lookback in months", streams, streams + "    lookback: 2mo\n", `p.yaml:8: lookback "2mo": not a duration`},
		{"lookback below zero", streams, streams + "    lookback: -3d\n", `p.yaml:8: lookback "-3d": not a duration`},
		{"lookback of ages", streams, streams + "    lookback: 9999w\n", `p.yaml:8: lookback "9999w": more than a hundred years`},
		{"lookback too big for numbers", streams, streams + "    lookback: 99999999999w\n", `p.yaml:8: lookback "99999999999w": too long; about 290 years is the most`},
		{"limit of an unknown stream", streams, streams + "    limits: {payable: 5/min}\n", `p.yaml:8: unknown key "payable" in limits; did you mean "payables"?`},
		{"limit without unit", streams, streams + "    limits: {all: 600}\n", `p.yaml:8: limit of all "600": not a limit like 700/min`},
		{"limit in days", streams, streams + "    limits: {all: 600/d}\n", `p.yaml:8: limit of all "600/d": unknown unit "d"; use s, min or h`},
		{"limit of nothing", streams, streams + "    limits: {all: 0/min}\n", `p.yaml:8: limit of all "0/min": not a limit`},
		{"limit too low", streams, streams + "    limits: {all: 30/h}\n", `p.yaml:8: limit of all "30/h": less than 60/h`},
		{"prefix", streams, streams + "    table_prefix: Loja-\n", `p.yaml:8: table_prefix "Loja-": a table's name has`},
		{"prefix that engines hide", streams, streams + "    table_prefix: _x\n", `p.yaml:8: table_prefix "_x": a table's name has`},
		{"long description", streams, streams + "    description: " + strings.Repeat("ã", 141) + "\n", "p.yaml:8: description has 141 characters; at most 140 are allowed"},
		{"plain http", streams, streams + "    base_url: http://api.example.com\n", "p.yaml:8: base_url: http would send the key in the open"},
		{"credentials in the address", streams, streams + "    base_url: https://u:p@api.example.com\n", "p.yaml:8: base_url: an address must not contain credentials"},
		{"address with a query", streams, streams + "    base_url: https://api.example.com/?a=b\n", "p.yaml:8: base_url: an address must end with its path"},
		{"address of no host", streams, streams + "    base_url: api.pagar.me/core/v5\n", "p.yaml:8: base_url: not an address"},
		{"unknown stream", streams, streams + "    streams: [orders, chargs]\n", `p.yaml:8: unknown stream "chargs" of source pagarme; did you mean "charges"?`},
		{"unknown stream in a mapping", streams, streams + "    streams:\n      - name: order\n", `p.yaml:9: unknown stream "order" of source pagarme; did you mean "orders"?`},
		{"stream twice", streams, streams + "    streams:\n      - orders\n      - {name: orders, table: o2}\n", `p.yaml:10: stream "orders" is named twice`},
		{"no streams", streams, streams + "    streams: []\n", "p.yaml:8: streams is an empty list"},
		{"streams without a value", streams, streams + "    streams:\n", `p.yaml:8: key "streams" has no value; give it one or remove it`},
		{"streams that are no list", streams, streams + "    streams: orders\n", "p.yaml:8: streams must be a list, not text"},
		{"key of a stream", streams, streams + "    streams: [{name: orders, excludes: [a]}]\n", `p.yaml:8: unknown key "excludes" in stream; did you mean "exclude"?`},
		{"excluded field", streams, streams + "    streams:\n      - name: charges\n        exclude:\n          - customer.email\n          - costumer\n", `p.yaml:12: exclude "costumer": unknown field; did you mean "customer"?`},
		{"table of a stream", streams, streams + "    streams: [{name: orders, table: Pedidos}]\n", `p.yaml:8: table "Pedidos": a table's name has`},
		{"same table twice", streams, streams + "    streams:\n      - orders\n      - {name: charges, table: orders}\n", `p.yaml:10: charges of connection "loja" would fill the same table as orders of connection "loja": pagarme/orders`},
		{"key twice", streams, streams + "    name: outra\n", `p.yaml:8: key "name" appears twice in connection`},
		{"key in the file", "{file: key.txt}", "sk_test_abcdef123456", "p.yaml:6: api_key must not be in the file; say where it is with {env: NAME}"},
		{"two places of the key", "{file: key.txt}", "{file: a, env: B}", "p.yaml:6: api_key must be exactly one of"},
		{"no place of the key", "{file: key.txt}", "{}", "p.yaml:6: api_key must be exactly one of"},
		{"unknown place of the key", "{file: key.txt}", "{environment: X}", `p.yaml:6: unknown key "environment" in api_key; valid are command, env, file`},
		{"key as the variable", "{file: key.txt}", "{env: sk_abcDEF123456}", "p.yaml:6: env must be the name of an environment variable"},
		{"command in one text", "{file: key.txt}", "{command: pass show x}", "p.yaml:6: command must be a list, not text"},
		{"connections that are no list", "connections:\n  - name: loja\n    source: pagarme", "connections:\n    name: loja\n    source: pagarme", "p.yaml:4: connections must be a list, not a mapping"},
		{"syntax", "version: 1", "version: [1", "p.yaml:"},
		{"second document", streams, streams + "---\nversion: 1\n", "p.yaml:8: a second document starts here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := config.Parse("p.yaml", []byte(change(t, c.old, c.with)), catalog())
			require.Nil(t, got)
			require.ErrorContains(t, err, c.want)
			var mistake *config.Error
			require.ErrorAs(t, err, &mistake)
			require.Equal(t, "p.yaml", mistake.File)
			require.NotContains(t, err.Error(), "abcdef123456")
			require.NotContains(t, err.Error(), "abcDEF123456")
		})
	}
}

func TestAllMistakesAreReportedInTheirOrder(t *testing.T) {
	text := `connections:
  - {name: a, source: stripe, api_key: {env: A}, start: never, streams: [payout]}
version: 3
`
	_, err := config.Parse("p.yaml", []byte(text), catalog())
	require.EqualError(t, err, `p.yaml:1: the file has no "destination", which is required
p.yaml:2: start "never": not a date like 2024-01-31 or a time with its offset like 2024-01-31T00:00:00-03:00
p.yaml:2: unknown stream "payout" of source stripe; did you mean "payouts"?
p.yaml:3: version must be 1, not "3"`)
	var joined interface{ Unwrap() []error }
	require.True(t, errors.As(err, &joined))
	require.Len(t, joined.Unwrap(), 4)
}

func TestConnectionsThatFillOneTable(t *testing.T) {
	const two = `version: 1
destination: {url: /lake, folder: psp}
connections:
  - {name: a, source: pagarme, api_key: {env: A}, start: 2024-01-01, streams: [orders]}
  - {name: b, source: pagarme, api_key: {env: B}, start: 2024-01-01, streams: [charges, orders]OWN}
`
	_, err := config.Parse("p.yaml", []byte(strings.Replace(two, "OWN", "", 1)), catalog())
	require.EqualError(t, err, `p.yaml:5: orders of connection "b" would fill the same table as orders of connection "a": psp/orders; give one of them a table, table_prefix or folder of its own`)
	for _, own := range []string{", folder: b", ", table_prefix: b_"} {
		_, err := config.Parse("p.yaml", []byte(strings.Replace(two, "OWN", own, 1)), catalog())
		require.NoError(t, err, own)
	}
	for _, same := range []string{", folder: PSP"} {
		_, err := config.Parse("p.yaml", []byte(strings.Replace(two, "OWN", same, 1)), catalog())
		require.ErrorContains(t, err, "same table", "file systems may ignore case")
	}
	_, err = config.Parse("p.yaml", []byte(strings.Replace(two, "OWN", ", folder: psp/orders", 1)), catalog())
	require.ErrorContains(t, err, `would lie inside the table of orders of connection "a": psp/orders/charges`)
	_, err = config.Parse("p.yaml", []byte(strings.NewReplacer("name: b", "name: a", "OWN", "").Replace(two)), catalog())
	require.ErrorContains(t, err, `name "a" is the name of the connection in line 4, too`)
}

func TestLoopbackMayUseHTTP(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:8080/core/v5/", "http://localhost:1/x", "http://[::1]:9"} {
		c, err := config.Parse("p.yaml", []byte(small+"    base_url: "+url+"\n"), catalog())
		require.NoError(t, err, url)
		require.Equal(t, strings.TrimRight(url, "/"), c.Connections[0].BaseURL)
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, text := range []string{"", "# nothing yet\n"} {
		_, err := config.Parse("p.yaml", []byte(text), catalog())
		require.EqualError(t, err, "p.yaml: the file is empty; `paylake init` writes one to start from")
	}
	for _, text := range []string{"---\n", "null", "42", "[]", "text"} {
		_, err := config.Parse("p.yaml", []byte(text), catalog())
		require.ErrorContains(t, err, "the file must be a mapping", text)
	}
}

func TestKeyAtAnyPlaceStaysHidden(t *testing.T) {
	const key = "sk_live_Zx81QpLmN0aB"
	for _, where := range []string{"name: loja", "source: pagarme", "{file: key.txt}", "2024-01-01", "version: 1", "/lake", "api_key", "env"} {
		text := small
		for _, with := range []string{key, "{env: " + key + "}", "{" + key + ": x}", "{file: " + key + "}", "[" + key + "]", "*" + key} {
			_, err := config.Parse("p.yaml", []byte(strings.Replace(text, where, with, 1)), catalog())
			if err != nil {
				require.NotContains(t, err.Error(), "Zx81", "%s in place of %s", with, where)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{whole, small, "", "---", "a: &a [*a]", "version: !!int x", "{", "- - -", "connections: [{streams: [{}]}]", "&a *a", "<<: *x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := config.Parse("p.yaml", data, catalog())
		if (c == nil) == (err == nil) {
			t.Fatalf("either a configuration or an error, not %v and %v", c, err)
		}
	})
}
