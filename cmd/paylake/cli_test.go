package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink"
)

// result is what a run of the program left.
type result struct {
	code           int
	stdout, stderr string
}

// paylake runs the program in this process.
func paylake(t *testing.T, args ...string) result {
	t.Helper()
	return paylakeWith(t, t.Context(), "", args...)
}

func paylakeWith(t *testing.T, ctx context.Context, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(ctx, append([]string{"paylake"}, args...), strings.NewReader(stdin), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// write makes a file in a folder of the test and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func commandNames() []string {
	return []string{"init", "check", "streams", "plan", "sync", "verify", "optimize", "vacuum", "files", "decode", "schema", "demo", "version"}
}

func TestWrongUse(t *testing.T) {
	cfg := write(t, "paylake.yaml", "version: 1\nconections: []\n")
	for _, c := range []struct {
		args string
		want string
	}{
		{"snyc", `unknown command "snyc"; did you mean "sync"?`},
		{"--quiet", "unknown flag --quiet; valid are help, version"},
		{"sync --confg x", `unknown flag --confg; did you mean "config"?`},
		{"sync -config=absent.yaml", "read configuration absent.yaml: there is no such file"},
		{"sync --config absent.yaml", "hint: `paylake init` writes a configuration"},
		{"sync --config " + cfg, `paylake.yaml:2: unknown key "conections" in the file; did you mean "connections"?`},
		{"sync orders --config absent.yaml", "there is no such file"},
		{"check --config absent.yaml", "there is no such file"},
		{"plan --config absent.yaml", "there is no such file"},
		{"files orders --config absent.yaml", "there is no such file"},
		{"files", "files needs an argument: files STREAM"},
		{"streams orders", "streams has too many arguments"},
		{"schema", "schema needs an argument: schema STREAM"},
		{"schema order", `unknown stream "order"; did you mean "orders"?`},
		{"schema orders --format sprak", `unknown format "sprak"; did you mean "spark"?`},
		{"schema orders --format", "flag needs an argument: -format"},
		{"decode", "decode needs an argument: decode STREAM [FILE...|-]"},
		{"decode ordres", `unknown stream "ordres"; did you mean "orders"?`},
		{"decode orders absent.json", "read answers: open absent.json"},
		{"decode recipient_balance", "decode recipient_balance needs --parent"},
		{"init a b", "init has too many arguments"},
		{"version x", "version has too many arguments"},
		{"demo --size 0", "--size must be at least 1"},
		{"demo --size many", `invalid value "many" for flag -size`},
		{"demo --days-later -1", "--days-later must not be negative"},
		{"demo --streams order", `no stream "order"; did you mean "orders"?`},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := paylake(t, strings.Fields(c.args)...)
			require.Equal(t, exitUsage, got.code, got.stderr)
			require.Contains(t, got.stderr, c.want)
			require.Empty(t, got.stdout, "errors go to stderr")
			for line := range strings.Lines(got.stderr) {
				require.True(t, strings.HasPrefix(line, "paylake: "), line)
			}
		})
	}
}

func TestHelpIsReadableAlone(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"help"}} {
		got := paylake(t, args...)
		require.Equal(t, exitDone, got.code)
		require.Empty(t, got.stderr)
		for _, name := range commandNames() {
			require.Contains(t, got.stdout, "   "+name+" ")
		}
		require.Contains(t, got.stdout, "EXIT CODES:")
	}
	for _, name := range commandNames() {
		got := paylake(t, name, "--help")
		require.Equal(t, exitDone, got.code, name)
		require.Empty(t, got.stderr, name)
		for _, want := range []string{"paylake " + name, "DESCRIPTION:", "--json", "EXIT CODES:", "130  interrupted"} {
			require.Contains(t, got.stdout, want, name)
		}
		require.Equal(t, got.stdout, paylake(t, "help", name).stdout)
	}
}

func TestErrorsAreJSONWhenAsked(t *testing.T) {
	got := paylake(t, "sync", "--json", "--config", "absent.yaml")
	require.Equal(t, exitUsage, got.code)
	require.Empty(t, got.stdout)
	var e struct {
		Error, Hint string
		Code        int
	}
	require.NoError(t, json.Unmarshal([]byte(got.stderr), &e))
	require.Equal(t, "read configuration absent.yaml: there is no such file", e.Error)
	require.Contains(t, e.Hint, "paylake init")
	require.Equal(t, exitUsage, e.Code)

	got = paylake(t, "sync", "--json", "--confg", "x")
	require.NoError(t, json.Unmarshal([]byte(got.stderr), &e))
	require.Contains(t, e.Error, "unknown flag --confg")
}

func TestExitCodesOfErrors(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want int
		hint string
	}{
		{t.Context(), nil, exitDone, ""},
		{t.Context(), errors.New("x"), exitFailed, ""},
		{t.Context(), usagef("x"), exitUsage, ""},
		{t.Context(), said(exitIncomplete), exitIncomplete, ""},
		{t.Context(), said(exitDone), exitDone, ""},
		{t.Context(), &config.Error{Text: "x"}, exitUsage, ""},
		{t.Context(), fmt.Errorf("open: %w", &sink.SettingsError{}), exitUsage, ""},
		{t.Context(), fmt.Errorf("open: %w", &sink.UnsupportedError{}), exitUsage, ""},
		{t.Context(), fmt.Errorf("open: %w", &sink.SchemaError{}), exitUsage, ""},
		{t.Context(), fmt.Errorf("put: %w", syscall.ENOSPC), exitFailed, "free some space"},
		{t.Context(), fmt.Errorf("put: %w", syscall.EACCES), exitFailed, "permissions"},
		{t.Context(), fmt.Errorf("put: %w", syscall.EROFS), exitFailed, "read-only"},
		{t.Context(), context.Canceled, exitFailed, ""},
		{cancelled, fmt.Errorf("read: %w", context.Canceled), exitInterrupted, ""},
	} {
		require.Equal(t, c.want, exitCode(c.ctx, c.err), "%v", c.err)
		if c.hint != "" {
			require.Contains(t, advise(c.err), c.hint)
		}
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	app := (&env{}).app()
	for _, c := range []struct{ args, want string }{
		{"paylake schema orders --format spark", "paylake schema --format spark orders"},
		{"paylake schema orders --format=spark --json", "paylake schema --format=spark --json orders"},
		{"paylake decode orders - --json", "paylake decode --json orders -"},
		{"paylake decode --json orders a -- --b", "paylake decode --json orders a -- --b"},
		{"paylake files orders -c x", "paylake files -c x orders"},
		{"paylake schema orders --format", "paylake schema --format"},
		{"paylake unknown a --b", "paylake unknown a --b"},
		{"paylake", "paylake"},
	} {
		require.Equal(t, c.want, strings.Join(flagsFirst(app, strings.Fields(c.args)), " "))
	}
}

func TestInit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "paylake.yaml")
	got := paylake(t, "init", file)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, file)
	cfg, err := config.Load(file, catalog())
	require.NoError(t, err, "what init writes is valid")
	require.Equal(t, "PAGARME_API_KEY", cfg.Connections[0].APIKey.Env)

	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	got = paylake(t, "init", file)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stderr, "--force replaces it")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine", string(text))

	got = paylake(t, "init", file, "--force", "--json")
	require.Equal(t, exitDone, got.code)
	require.JSONEq(t, fmt.Sprintf(`{"file":%q}`, file), got.stdout)
	_, err = config.Load(file, catalog())
	require.NoError(t, err)
}

// The lines that init writes commented out must be valid, too.
func TestInitCommentsAreValidSettings(t *testing.T) {
	text := string(initText)
	for _, off := range []string{"layer: raw", "folder: psp", "folder: pagarme", `table_prefix: ""`, "description:", "base_url:", "sync: incremental",
		"lookback: 45d", "rate_share:", "limits:", "streams:", "  - orders", "  - {name: charges", "work_dir:"} {
		require.Contains(t, text, "# "+off)
		text = strings.Replace(text, "# "+off, off, 1)
	}
	_, err := config.Parse("init.yaml", []byte(text), catalog())
	require.NoError(t, err)
}

func TestVersion(t *testing.T) {
	got := paylake(t, "version")
	require.Equal(t, exitDone, got.code)
	require.True(t, strings.HasPrefix(got.stdout, "paylake dev"), got.stdout)
	require.Equal(t, got, paylake(t, "--version"))
	var info versionInfo
	require.NoError(t, json.Unmarshal([]byte(paylake(t, "version", "--json").stdout), &info))
	require.Equal(t, "dev", info.Version)
	require.NotEmpty(t, info.Platform)
}

func TestStreams(t *testing.T) {
	got := paylake(t, "streams")
	require.Equal(t, exitDone, got.code)
	require.Len(t, strings.Split(strings.TrimSpace(got.stdout), "\n"), 8)
	require.Regexp(t, `pagarme +orders +id +created_date +replace partitions +200 +45d +on`, got.stdout)
	require.Regexp(t, `pagarme +recipient_balance .*snapshot_date +append snapshot .*one request per record of recipients`, got.stdout)

	var all []streamInfo
	require.NoError(t, json.Unmarshal([]byte(paylake(t, "streams", "--json").stdout), &all))
	require.Len(t, all, 7)
	for _, s := range all {
		require.NotEmpty(t, s.Key)
		require.NotEmpty(t, s.Description)
		require.True(t, s.Default)
		require.Positive(t, s.PerMinute)
	}
}
