package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/internal/verify"
)

func parseVerified(t *testing.T, text string) verify.Report {
	t.Helper()
	var rep verify.Report
	require.NoError(t, json.Unmarshal([]byte(text), &rep), text)
	return rep
}

// dataFiles lists the data files of a table, whatever its log says.
func (a account) dataFiles(t *testing.T, stream string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(a.lake, "raw", "pagarme", stream, "*", "*.parquet"))
	require.NoError(t, err)
	files = slices.DeleteFunc(files, func(path string) bool { return strings.Contains(path, "_delta_log") })
	require.NotEmpty(t, files)
	return files
}

func TestVerifyFindsNamesAndRepairs(t *testing.T) {
	a := serve(t, simapi.Config{}, "[charges, payables, recipients]")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)

	for _, mode := range [][]string{nil, {"--deep"}, {"--local"}, {"--deep", "--local"}, {"payables"}, {"--deep", "--streams", "charges", "payables"}} {
		got := paylake(t, append([]string{"verify", "--config", a.config, "-q"}, mode...)...)
		require.Equal(t, exitDone, got.code, "%v: %s%s", mode, got.stdout, got.stderr)
		require.Contains(t, got.stdout, "DIFFERENCES")
		require.Contains(t, got.stdout, "equal")
	}
	lost := a.dataFiles(t, "charges")[1]
	require.NoError(t, os.Remove(lost))
	day := strings.TrimPrefix(filepath.Base(filepath.Dir(lost)), "created_date=")
	for _, mode := range []string{"", "--deep", "--local"} {
		got := paylake(t, slices.DeleteFunc([]string{"verify", "--config", a.config, "-q", mode}, func(s string) bool { return s == "" })...)
		require.Equal(t, exitDifference, got.code, got.stderr)
		require.Contains(t, got.stdout, "charges: lost 1; partition "+day+"; file created_date="+day+"/"+filepath.Base(lost))
		require.NotContains(t, got.stdout, "payables: ")
	}
	repaired := paylake(t, "verify", "--config", a.config, "--repair", "--json")
	require.Equal(t, exitDone, repaired.code, repaired.stderr)
	rep := parseVerified(t, repaired.stdout)
	require.Equal(t, verify.Repaired, rep.Status)
	require.Equal(t, []string{day}, rep.Streams[0].Repair.Partitions)
	require.Positive(t, rep.Streams[0].Repair.RowsAdded)
	require.Nil(t, rep.Streams[1].Repair)

	after := paylake(t, "verify", "--config", a.config, "-q", "--deep", "--local")
	require.Equal(t, exitDone, after.code, after.stdout)
	status := paylake(t, "status", "--config", a.config, "--json")
	require.Contains(t, status.stdout, rep.Streams[0].Repair.RunID, "the repair stands in the history")
	a.nothingLeaks(t, repaired, after)
}

func TestVerifyLocallyNeedsNoSource(t *testing.T) {
	a := serve(t, simapi.Config{}, "[charges]")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(a.config), "key")))
	before := a.api.Total().Requests
	got := paylake(t, "verify", "--local", "--config", a.config, "-q")
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Equal(t, before, a.api.Total().Requests)
	require.Equal(t, exitUsage, paylake(t, "verify", "--config", a.config, "-q").code)
}

func TestVerifyTellsWhatItCannot(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	none := paylake(t, "verify", "--config", a.config, "-q", "orders")
	require.Equal(t, exitIncomplete, none.code, none.stderr)
	require.Contains(t, none.stderr, "orders: error: not verified: there is no table yet")

	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q", "--streams", "recipients,recipient_balance").code)
	some := paylake(t, "verify", "--config", a.config, "-q")
	require.Equal(t, exitDone, some.code, some.stderr)
	require.Regexp(t, `orders +skipped`, some.stdout)
	require.Contains(t, some.stderr, "snapshots of the past cannot be asked for again")
	both := paylake(t, "verify", "--config", a.config, "-q", "recipients", "orders")
	require.Equal(t, exitIncomplete, both.code, both.stderr)

	for _, file := range a.dataFiles(t, "recipient_balance") {
		require.NoError(t, os.Truncate(file, 100))
	}
	cut := paylake(t, "verify", "--config", a.config, "-q", "--repair", "recipient_balance")
	require.Equal(t, exitDifference, cut.code, cut.stderr)
	require.Contains(t, cut.stderr, "not repaired: snapshots of the past")
}

func TestVerifyWrongUse(t *testing.T) {
	a := serve(t, simapi.Config{}, "[charges]")
	for args, want := range map[string]string{
		"verify order":                                 `no stream "order"`,
		"verify --since yesterday":                     `--since "yesterday" is not a date`,
		"verify --since 2026-02-01 --until 2026-01-01": "is not before",
		"verify --repair --books":                      "--books repairs nothing",
		"verify --accept-shrink":                       "--accept-shrink is for --repair",
		"verify --repair --if-running=now":             "use skip, wait or go",
	} {
		got := paylake(t, append(strings.Fields(args), "--config", a.config)...)
		require.Equal(t, exitUsage, got.code, "%s: %s", args, got.stderr)
		require.Contains(t, got.stderr, want)
	}
	require.Zero(t, a.api.Total().Requests)
	denied := serve(t, simapi.Config{}, "[charges]")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", denied.config, "-q").code)
	text, err := os.ReadFile(denied.config)
	require.NoError(t, err)
	other := serve(t, simapi.Config{Status: map[string]int{"*": 401}}, "[charges]")
	broken, err := os.ReadFile(other.config)
	require.NoError(t, err)
	url := func(s string) string {
		return strings.TrimSpace(strings.SplitN(strings.SplitN(s, "base_url:", 2)[1], "\n", 2)[0])
	}
	require.NoError(t, os.WriteFile(denied.config, []byte(strings.Replace(string(text), url(string(text)), url(string(broken)), 1)), 0o600))
	got := paylake(t, "verify", "--config", denied.config, "-q")
	require.Equal(t, exitFailed, got.code, got.stderr)
	require.Contains(t, got.stderr, "charges: error: not verified")
}
