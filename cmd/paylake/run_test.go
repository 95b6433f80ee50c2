package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

const testKey = "sk_live_Zx81QpLmN0aB"

// account is a simulated account and a configuration to read it.
type account struct {
	world  *simapi.World
	api    *simapi.Server
	lake   string
	config string
}

// serve starts the API with the given switches. The configuration reads the
// key from a file and leaves the limits to the API. streams is the text of the
// setting, empty for all.
func serve(t *testing.T, c simapi.Config, streams string) account {
	t.Helper()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	world := simapi.Merchant(7, today.AddDate(0, 0, -4), 3, 400)
	c.NoLimits = true
	api := simapi.New(world, c)
	return configured(t, world, api, api, streams)
}

// configured serves a world through a handler and writes the configuration to
// read it.
func configured(t *testing.T, world *simapi.World, api *simapi.Server, handler http.Handler, streams string) account {
	t.Helper()
	url, stop, err := simapi.Listen(context.Background(), handler)
	require.NoError(t, err)
	t.Cleanup(stop)
	dir := t.TempDir()
	a := account{world: world, api: api, lake: filepath.Join(dir, "lake"), config: filepath.Join(dir, "paylake.yaml")}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), []byte(testKey+"\n"), 0o600))
	text := fmt.Sprintf(`version: 1
destination: {url: ./lake, layer: raw}
connections:
  - name: loja
    source: pagarme
    api_key: {file: key}
    base_url: %s
    start: %s
    limits: {orders: unlimited, charges: unlimited, payables: unlimited, balance_operations: unlimited, recipients: unlimited, recipient_balance: unlimited, hooks: unlimited}
work_dir: ./work
`, url, world.Start().Format(time.DateOnly))
	if streams != "" {
		text = strings.Replace(text, "work_dir", "    streams: "+streams+"\nwork_dir", 1)
	}
	require.NoError(t, os.WriteFile(a.config, []byte(text), 0o600))
	return a
}

// nothingLeaks looks for the key and for what must never be stored in all
// output and in every file and file name below the account's folder.
func (a account) nothingLeaks(t *testing.T, results ...result) {
	t.Helper()
	secrets := []string{testKey, "Zx81QpLm", a.world.Canary()}
	look := func(where, text string) {
		for _, s := range secrets {
			require.NotContains(t, text, s, where)
		}
	}
	for _, r := range results {
		look("stdout", r.stdout)
		look("stderr", r.stderr)
	}
	dir := filepath.Dir(a.config)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		look("name of a file", path)
		if !d.IsDir() && path != filepath.Join(dir, "key") {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			look(path, string(data))
		}
		return nil
	}))
}

func (a account) waitForRequests(t *testing.T, n int64) {
	t.Helper()
	require.Eventually(t, func() bool { return int64(a.api.Total().Requests) >= n }, 30*time.Second, time.Millisecond)
}

func parseReport(t *testing.T, text string) report.Run {
	t.Helper()
	var run report.Run
	require.NoError(t, json.Unmarshal([]byte(text), &run), text)
	return run
}

func TestSyncThenQuietThenFiles(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	first := paylake(t, "sync", "--config", a.config, "--json")
	require.Equal(t, exitDone, first.code, first.stderr)
	run := parseReport(t, first.stdout)
	require.Equal(t, report.Succeeded, run.Status)
	require.Len(t, run.Streams, 7)
	for _, s := range run.Streams {
		want := a.api.Truth(s.Stream, time.Time{}, time.Time{}).Rows
		require.Equal(t, want, s.Records, s.Stream)
		require.Equal(t, want, s.RowsAdded, s.Stream)
		require.Equal(t, "raw/pagarme/"+s.Stream, s.Table)
	}

	second := paylake(t, "sync", "--config", a.config, "--streams", "orders,charges,payables,balance_operations,recipients")
	require.Equal(t, exitDone, second.code, second.stderr)
	require.Contains(t, second.stdout, "RECORDS/S")
	require.Regexp(t, `total +succeeded .* 0 B +0 `, second.stdout, "nothing changed, nothing is committed")
	require.Contains(t, second.stderr, "level=INFO msg=progress", "plain log lines where there is no terminal")

	files := paylake(t, "files", "orders", "--config", a.config)
	require.Equal(t, exitDone, files.code, files.stderr)
	for line := range strings.Lines(files.stdout) {
		require.FileExists(t, strings.TrimSuffix(line, "\n"))
		require.True(t, strings.HasPrefix(line, filepath.Join(a.lake, "raw", "pagarme", "orders", "created_date=")), line)
	}
	var infos []fileInfo
	require.NoError(t, json.Unmarshal([]byte(paylake(t, "files", "orders", "--config", a.config, "--json").stdout), &infos))
	var total int64
	for _, f := range infos {
		total += f.Rows
	}
	require.Equal(t, a.api.Truth("orders", time.Time{}, time.Time{}).Rows, total)
	a.nothingLeaks(t, first, second, files)
}

func TestSyncChosenStreams(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	got := paylake(t, "sync", "--config", a.config, "--streams", "recipients", "--streams", "recipient_balance", "--quiet", "--connection", "loja")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.NotContains(t, got.stderr, "progress")
	require.NoDirExists(t, filepath.Join(a.lake, "raw", "pagarme", "orders"))
	require.DirExists(t, filepath.Join(a.lake, "raw", "pagarme", "recipient_balance"))

	for flag, want := range map[string]string{
		"--streams=order":   `the configuration has no stream "order"; did you mean "orders"?`,
		"--connection=loha": `the configuration has no connection "loha"; did you mean "loja"?`,
	} {
		got := paylake(t, "sync", "--config", a.config, flag)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, want)
	}
	none := paylake(t, "files", "orders", "--config", a.config)
	require.Equal(t, exitFailed, none.code)
	require.Contains(t, none.stderr, "there is none yet; `paylake sync` makes it")
}

func TestSyncExitCodes(t *testing.T) {
	const streams = "--streams=orders,recipients,balance_operations"
	gone := serve(t, simapi.Config{BalanceGone: true}, "")
	byDefault := paylake(t, "sync", "--config", gone.config, "--quiet")
	require.Equal(t, exitDone, byDefault.code, byDefault.stderr)
	require.Contains(t, byDefault.stderr, "balance_operations: warning")
	require.Contains(t, byDefault.stderr, "2026-08-28")
	byName := paylake(t, "sync", "--config", gone.config, "--quiet", streams)
	require.Equal(t, exitIncomplete, byName.code, byName.stderr)
	require.Contains(t, byName.stderr, "balance_operations: error")

	require.NotContains(t, byName.stderr, "balance_operations: error: balance_operations", "a stream is named once")
	alone := paylake(t, "sync", "--config", gone.config, "--quiet", "--streams=balance_operations")
	require.Equal(t, exitIncomplete, alone.code, alone.stderr)

	bad := serve(t, simapi.Config{Shape: simapi.Shape{BadEvery: 5}}, "[orders]")
	rejects := paylake(t, "sync", "--config", bad.config, "--quiet")
	require.Equal(t, exitIncomplete, rejects.code, rejects.stderr)
	require.Contains(t, rejects.stderr, "do not fit the table and are kept in [_paylake/quarantine/raw/pagarme/orders/")

	denied := serve(t, simapi.Config{Status: map[string]int{"*": 401}}, "")
	refused := paylake(t, "sync", "--config", denied.config, "--quiet")
	require.Equal(t, exitFailed, refused.code, refused.stderr)
	for _, a := range []account{gone, bad, denied} {
		a.nothingLeaks(t, byDefault, byName, rejects, refused)
	}
}

func TestSyncRefusesOtherSettings(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients, orders]")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	edit := func(old, with string) {
		text, err := os.ReadFile(a.config)
		require.NoError(t, err)
		require.Contains(t, string(text), old)
		require.NoError(t, os.WriteFile(a.config, []byte(strings.Replace(string(text), old, with, 1)), 0o600))
	}
	key := filepath.Join(filepath.Dir(a.config), "key")

	require.NoError(t, os.WriteFile(key, []byte("sk_test_abcdef12345"), 0o600))
	got := paylake(t, "sync", "--config", a.config, "-q")
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "paylake.mode")
	got = paylake(t, "check", "--config", a.config)
	require.Equal(t, exitUsage, got.code, got.stdout)
	require.Regexp(t, `stream +loja/orders +failed .*paylake.mode`, got.stdout)
	require.NoError(t, os.WriteFile(key, []byte(testKey), 0o600))

	edit("layer: raw", "layer: raw, partition: {timezone: America/Sao_Paulo}")
	got = paylake(t, "sync", "--config", a.config, "-q")
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "destination.partition.timezone")
	edit(", partition: {timezone: America/Sao_Paulo}", "")

	edit("name: loja", "name: outra")
	got = paylake(t, "sync", "--config", a.config, "-q")
	require.Equal(t, exitUsage, got.code, got.stderr)
	require.Contains(t, got.stderr, "connection (connections, name)")
}

func TestKeyTroubleIsConfigurationTrouble(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	key := filepath.Join(filepath.Dir(a.config), "key")
	for _, command := range []string{"sync", "plan"} {
		require.NoError(t, os.WriteFile(key, []byte("pk_test_abcdef12345"), 0o600))
		got := paylake(t, command, "--config", a.config)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, "public key")
		require.NotContains(t, got.stderr, "abcdef12345")

		require.NoError(t, os.Remove(key))
		got = paylake(t, command, "--config", a.config)
		require.Equal(t, exitUsage, got.code)
		require.Contains(t, got.stderr, "read api_key")
	}
	require.Zero(t, a.api.Total().Requests, "nothing is asked with a key that cannot work")

	require.NoError(t, os.WriteFile(key, []byte(testKey), 0o644))
	require.NoError(t, os.Chmod(key, 0o644))
	got := paylake(t, "plan", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Contains(t, got.stderr, "can be read by other users")
}

func TestStartInTheFuture(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	text, err := os.ReadFile(a.config)
	require.NoError(t, err)
	later := strings.Replace(string(text), a.world.Start().Format(time.DateOnly), "2999-01-01", 1)
	require.NoError(t, os.WriteFile(a.config, []byte(later), 0o600))
	got := paylake(t, "sync", "--config", a.config)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, `paylake.yaml:4: connection "loja": start 2999-01-01T00:00:00Z lies in the future`)
}

func TestInterruptedBeforeTheStart(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, command := range []string{"sync", "check", "plan"} {
		got := paylakeWith(t, ctx, "", command, "--config", a.config)
		require.Equal(t, exitInterrupted, got.code, "%s: %s", command, got.stderr)
	}
}

func TestInterruptedSyncEndsWithItsCode(t *testing.T) {
	a := serve(t, simapi.Config{Faults: simapi.Faults{Latency: 50 * time.Millisecond}}, "[orders, charges]")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan result, 1)
	go func() { done <- paylakeWith(t, ctx, "", "sync", "--config", a.config, "--json") }()
	a.waitForRequests(t, 3)
	cancel()
	got := <-done
	require.Equal(t, exitInterrupted, got.code, got.stderr)
	require.Equal(t, report.Interrupted, parseReport(t, got.stdout).Status)

	again := paylake(t, "sync", "--config", a.config, "--json")
	require.Equal(t, exitDone, again.code, again.stderr)
	files := paylake(t, "files", "orders", "--config", a.config, "--json")
	var infos []fileInfo
	require.NoError(t, json.Unmarshal([]byte(files.stdout), &infos))
	var total int64
	for _, f := range infos {
		total += f.Rows
	}
	require.Equal(t, a.api.Truth("orders", time.Time{}, time.Time{}).Rows, total)
}

func TestPlanWritesNothing(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	got := paylake(t, "plan", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.NoDirExists(t, a.lake)
	require.Regexp(t, `loja +orders +incremental .*Z +\d+ +\d+ +[\d.]+ +\d+`, got.stdout)
	require.Regexp(t, `loja +recipients +full +- +- +1 +1 `, got.stdout)
	var plans []pipeline.Estimate
	asJSON := paylake(t, "plan", "--config", a.config, "--json")
	require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &plans))
	require.Len(t, plans, 7)
	a.nothingLeaks(t, got, asJSON)

	denied := serve(t, simapi.Config{Status: map[string]int{"orders": 403}}, "")
	got = paylake(t, "plan", "--config", denied.config)
	require.Equal(t, exitIncomplete, got.code)
	require.Contains(t, got.stderr, "loja/orders")
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		api     simapi.Config
		streams string
		code    int
		want    string
	}{
		{"all is well", simapi.Config{}, "", exitDone, `stream +loja/recipient_balance +ok`},
		{"gone by default", simapi.Config{BalanceGone: true}, "", exitDone, `stream +loja/balance_operations +unavailable .*2026-08-28`},
		{"gone by name", simapi.Config{BalanceGone: true}, "[orders, balance_operations]", exitIncomplete, `stream +loja/balance_operations +failed`},
		{"forbidden by default", simapi.Config{Status: map[string]int{"orders": 403}}, "", exitDone, `stream +loja/orders +unavailable`},
		{"forbidden by name", simapi.Config{Status: map[string]int{"orders": 403}}, "[orders, charges]", exitIncomplete, `stream +loja/orders +failed`},
		{"wrong key", simapi.Config{Keys: []string{"sk_other"}}, "", exitFailed, `stream +loja/orders +failed .*401`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := serve(t, c.api, c.streams)
			got := paylake(t, "check", "--config", a.config)
			require.Equal(t, c.code, got.code, got.stdout+got.stderr)
			require.Regexp(t, c.want, got.stdout)
			require.Regexp(t, `destination +./lake +ok`, got.stdout)
			asJSON := paylake(t, "check", "--config", a.config, "--json")
			require.Equal(t, c.code, asJSON.code)
			var r checkResult
			require.NoError(t, json.Unmarshal([]byte(asJSON.stdout), &r))
			require.Equal(t, "live", r.Connections[0].Mode)
			a.nothingLeaks(t, got, asJSON)
			require.Empty(t, filesBelow(t, a.lake), "the probe is gone")
		})
	}
}

func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	}))
	return found
}

func TestCheckOfADestinationThatCannotBeWritten(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	require.NoError(t, os.WriteFile(a.lake, []byte("a file in the way"), 0o600))
	got := paylake(t, "check", "--config", a.config)
	require.Equal(t, exitUsage, got.code)
	require.Regexp(t, `destination +./lake +failed .*is not a directory; the destination must be one\n`, got.stdout)
	require.Regexp(t, `stream +loja/recipients +ok`, got.stdout)
	require.Len(t, strings.Split(strings.TrimSpace(got.stdout), "\n"), 4, "one line each")

	before := a.api.Total().Requests
	got = paylake(t, "sync", "--config", a.config)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, "is not a directory; the destination must be one")
	require.Equal(t, before, a.api.Total().Requests, "nothing is read that cannot be written")
}

func TestCheckOfAKeyThatIsMissing(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(a.config), "key")))
	got := paylake(t, "check", "--config", a.config)
	require.Equal(t, exitUsage, got.code)
	require.Regexp(t, `connection +loja +failed .*read api_key`, got.stdout)

	got = paylake(t, "check", "--config", a.config, "--json")
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stdout, `"streams": []`)
	var e struct {
		Error string
		Code  int
	}
	require.NoError(t, json.Unmarshal([]byte(got.stderr), &e), got.stderr)
	require.Contains(t, e.Error, "read api_key")
	require.Equal(t, exitUsage, e.Code)
}
