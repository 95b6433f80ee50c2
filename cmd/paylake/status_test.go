package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store/local"
)

// synced runs a sync, which puts itself into the history.
func (a account) synced(t *testing.T, code int, args ...string) report.Run {
	t.Helper()
	got := paylake(t, append([]string{"sync", "--config", a.config, "--json"}, args...)...)
	require.Equal(t, code, got.code, got.stderr)
	return parseReport(t, got.stdout)
}

func (a account) recorded(t *testing.T, run *report.Run) {
	t.Helper()
	st, err := local.New(a.lake)
	require.NoError(t, err)
	o := ledger.Options{Store: st, Engine: engine(), WorkDir: t.TempDir(), Trigger: "schedule"}
	require.NoError(t, ledger.Record(t.Context(), o, run))
}

func (a account) status(t *testing.T, code int, args ...string) (statusResult, result) {
	t.Helper()
	got := paylake(t, append([]string{"status", "--config", a.config, "--json"}, args...)...)
	require.Equal(t, code, got.code, got.stdout+got.stderr)
	var r statusResult
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r), got.stdout)
	return r, got
}

func (r statusResult) of(t *testing.T, stream string) tableStatus {
	t.Helper()
	for _, one := range r.Tables {
		if one.Stream == stream {
			return one
		}
	}
	require.Fail(t, "no such stream", stream)
	return tableStatus{}
}

func TestStatusOfASyncedLake(t *testing.T) {
	a := serve(t, simapi.Config{}, "")
	before, _ := a.status(t, exitDone)
	require.Len(t, before.Tables, 7)
	for _, one := range before.Tables {
		require.False(t, one.Exists)
		require.Nil(t, one.LagSeconds)
	}
	run := a.synced(t, exitDone)

	r, asJSON := a.status(t, exitDone, "--max-lag", "1h")
	require.EqualValues(t, 3600, r.MaxLagSeconds)
	for _, one := range r.Tables {
		require.Equal(t, "raw/pagarme/"+one.Stream, one.Table)
		require.Equal(t, a.api.Truth(one.Stream, time.Time{}, time.Time{}).Rows, one.Rows, one.Stream)
		require.Positive(t, one.Files, one.Stream)
		require.Positive(t, one.Bytes, one.Stream)
		require.Zero(t, one.OldestVersion, one.Stream)
		require.GreaterOrEqual(t, one.Version, int64(0))
		require.Equal(t, run.ID, one.LastRun.RunID)
		require.Equal(t, report.Succeeded, one.LastRun.Status)
		require.Nil(t, one.LastError)
		require.WithinDuration(t, *one.Watermark, *one.ReadUntil, time.Second)
		require.Less(t, *one.LagSeconds, int64(600), "the newest minutes are left out")
		require.False(t, one.Old)
	}
	text := paylake(t, "status", "--config", a.config, "--streams", "orders")
	require.Equal(t, exitDone, text.code, text.stderr)
	require.Regexp(t, `loja +orders +\S+Z +\S+Z +\d+[ms] +\d+ +\d+ +\d+ \S+ +0-\d+ +0 +succeeded +\S+Z\n`, text.stdout)
	require.Len(t, strings.Split(strings.TrimSpace(text.stdout), "\n"), 2)
	a.nothingLeaks(t, asJSON, text)
}

// A run that finds nothing changed does not move the watermark, and yet the
// table is fresh.
func TestStatusCountsRunsThatFoundNothingNew(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients]")
	a.synced(t, exitDone)
	second := a.synced(t, exitDone)
	r, _ := a.status(t, exitDone)
	orders, recipients := r.of(t, "orders"), r.of(t, "recipients")
	require.True(t, orders.ReadUntil.After(*orders.Watermark) || orders.ReadUntil.Equal(*second.Streams[0].Until))
	require.True(t, recipients.ReadUntil.After(*recipients.Watermark), "read again by the second run")
	require.WithinDuration(t, second.Started, *recipients.ReadUntil, time.Microsecond)

	require.NoError(t, os.RemoveAll(filepath.Join(a.lake, "_paylake")))
	r, _ = a.status(t, exitDone)
	require.Equal(t, r.of(t, "recipients").Watermark, r.of(t, "recipients").ReadUntil, "without a history the watermark counts")
	require.Nil(t, r.of(t, "orders").LastRun)
}

func TestStatusOfTablesThatAreTooOld(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients, charges]")
	a.synced(t, exitDone, "--streams", "orders,recipients")
	_, got := a.status(t, exitDifference, "--max-lag", "2d")
	require.Contains(t, got.stdout, `"older_than_max_lag": true`)
	text := paylake(t, "status", "-q", "--config", a.config, "--max-lag", "2d")
	require.Equal(t, exitDifference, text.code)
	require.Contains(t, text.stderr, "loja/charges: older than 2d0h: it is not known that anything was read")
	require.NotContains(t, text.stderr, "loja/orders")

	r, _ := a.status(t, exitDone, "--max-lag", "2d", "--streams", "orders,recipients")
	require.False(t, r.of(t, "orders").Old)
	_, _ = a.status(t, exitDifference, "--max-lag", "1s", "--streams", "orders")
	_, _ = a.status(t, exitDone, "--streams", "charges")
}

func TestStatusTellsTheLastError(t *testing.T) {
	a := serve(t, simapi.Config{Status: map[string]int{"orders": 401}}, "[orders, recipients]")
	run := a.synced(t, exitIncomplete)
	for i := range 2 {
		later := report.Run{ID: "later", Status: report.Succeeded, Started: run.Ended, Ended: run.Ended}
		one := *run.Streams[i]
		one.Error, one.Status = "", report.Succeeded
		later.Streams = append(later.Streams, &one)
		a.recorded(t, &later)
	}
	text := paylake(t, "status", "--config", a.config)
	require.Equal(t, exitDone, text.code)
	require.Regexp(t, `loja/orders: last error, run `+run.ID+` of \S+: .*401`, text.stderr)
	require.NotContains(t, text.stderr, "recipients: last error")
	r, _ := a.status(t, exitDone)
	require.Equal(t, "later", r.of(t, "orders").LastRun.RunID)
	require.Equal(t, report.Failed, r.of(t, "orders").LastError.Status)
}

func TestStatusOfAStreamThatTheAccountDoesNotHave(t *testing.T) {
	a := serve(t, simapi.Config{BalanceGone: true}, "")
	a.synced(t, exitDone)
	r, _ := a.status(t, exitDone, "--max-lag", "1h")
	require.True(t, r.of(t, "balance_operations").Unavailable)
	_, _ = a.status(t, exitDifference, "--max-lag", "1h", "--streams", "balance_operations")
}

// RESTORE of another engine keeps the watermark and puts back the rows.
func TestStatusOfATableThatWasPutBack(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients]")
	a.synced(t, exitDone)
	for _, stream := range []string{"orders", "recipients"} {
		log := filepath.Join(a.lake, "raw", "pagarme", stream, "_delta_log")
		first, err := os.ReadFile(filepath.Join(log, "00000000000000000000.json"))
		require.NoError(t, err)
		var file struct{ Add struct{ Path string } }
		for line := range strings.Lines(string(first)) {
			if strings.HasPrefix(line, `{"add"`) && file.Add.Path == "" {
				require.NoError(t, json.Unmarshal([]byte(line), &file))
			}
		}
		require.NotEmpty(t, file.Add.Path)
		restore := `{"commitInfo":{"timestamp":1,"operation":"RESTORE","operationParameters":{"version":"0"},"engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0"}}` + "\n" +
			`{"remove":{"path":"` + file.Add.Path + `","deletionTimestamp":1,"dataChange":true}}` + "\n"
		require.NoError(t, os.WriteFile(filepath.Join(log, "00000000000000000001.json"), []byte(restore), 0o600))
	}
	r, got := a.status(t, exitDifference, "--max-lag", "1h")
	orders := r.of(t, "orders")
	require.True(t, orders.Old)
	require.Equal(t, a.world.Start(), *orders.ReadUntil, "the first day is the one that was put back")
	require.True(t, orders.Watermark.After(*orders.ReadUntil))
	require.Nil(t, r.of(t, "recipients").ReadUntil, "of a table without partitions nothing is known")
	require.Contains(t, got.stdout, "RESTORE")

	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	r, _ = a.status(t, exitDone, "--max-lag", "1h")
	require.Empty(t, r.of(t, "orders").Warnings)
}

func TestStatusOfATableThatCannotBeRead(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients]")
	a.synced(t, exitDone)
	log := filepath.Join(a.lake, "raw", "pagarme", "orders", "_delta_log")
	require.NoError(t, os.WriteFile(filepath.Join(log, "00000000000000000099.json"), []byte("{}\n"), 0o600))
	r, _ := a.status(t, exitIncomplete)
	require.Contains(t, r.of(t, "orders").Error, "the log is not whole")
	require.NotEmpty(t, r.of(t, "recipients").Rows)
	_, _ = a.status(t, exitFailed, "--streams", "orders")
	_, _ = a.status(t, exitDifference, "--max-lag", "1h")

	runs := filepath.Join(a.lake, "_paylake", "runs", "_delta_log", "00000000000000000099.json")
	require.NoError(t, os.WriteFile(runs, []byte("{}\n"), 0o600))
	_, got := a.status(t, exitDone, "--streams", "recipients", "--max-lag", "1h")
	require.Contains(t, got.stderr, "the history of runs cannot be read")

	nothing := paylake(t, "status", "--config", a.config, "--streams", "orders", "--max-lag", "1h")
	require.Equal(t, exitFailed, nothing.code)
	require.Len(t, strings.Split(strings.TrimSpace(nothing.stderr), "\n"), 1, "one cause, told once")
}

func TestStatusWantsADurationThatCanBe(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders]")
	for _, text := range []string{"26", "0h", "-1h", "1.5d", "soon"} {
		got := paylake(t, "status", "--config", a.config, "--max-lag="+text)
		require.Equal(t, exitUsage, got.code, text)
		require.Contains(t, got.stderr, "--max-lag", text)
	}
	got := paylake(t, "status", "--config", a.config, "--max-lag=999999d")
	require.Contains(t, got.stderr, `--max-lag "999999d": too long`)
}

func TestReadUntil(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
	proven := func(since, until int) ledger.Stream {
		return ledger.Stream{Status: report.Succeeded, Since: day(since), Until: day(until), Watermark: day(5), TableVersion: 3}
	}
	with := func(s ledger.Stream, change func(*ledger.Stream)) ledger.Stream { change(&s); return s }
	for _, c := range []struct {
		name    string
		mark    time.Time
		list    bool
		history []ledger.Stream // the newest first
		want    time.Time
	}{
		{"no watermark", time.Time{}, false, []ledger.Stream{proven(1, 9)}, time.Time{}},
		{"no history", day(5), false, nil, day(5)},
		{"a range on top", day(5), false, []ledger.Stream{proven(1, 9)}, day(9)},
		{"a range that touches", day(5), false, []ledger.Stream{proven(5, 9)}, day(9)},
		{"an older range", day(5), false, []ledger.Stream{proven(1, 4)}, day(5)},
		{"a gap", day(5), false, []ledger.Stream{proven(6, 9)}, day(5)},
		{"a gap that another run closed", day(5), false, []ledger.Stream{proven(6, 9), proven(4, 7)}, day(9)},
		{"failed", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status = report.Failed })}, day(5)},
		{"interrupted", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status = report.Interrupted })}, day(5)},
		{"unavailable", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status = report.Unavailable })}, day(5)},
		{"a status of a later version", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status = "new" })}, day(5)},
		{"rejects are in the quarantine", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status = report.Incomplete })}, day(9)},
		{"a window failed", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Status, s.FailedWindows = report.Incomplete, 1 })}, day(5)},
		{"of a table that was made again", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.TableVersion = 8 })}, day(5)},
		{"whose commit is gone", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Watermark = day(9) })}, day(5)},
		{"before there was a watermark", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.Watermark = time.Time{} })}, day(5)},
		{"before there was a table", day(5), false, []ledger.Stream{with(proven(1, 9), func(s *ledger.Stream) { s.TableVersion = -1 })}, day(5)},
		{"nothing was read", day(5), false, []ledger.Stream{{Status: report.Succeeded, Watermark: day(4), TableVersion: 3}}, day(5)},
		{"a list", day(5), true, []ledger.Stream{{Status: report.Succeeded, Watermark: day(4), TableVersion: 3}}, day(20)},
		{"a list that failed", day(5), true, []ledger.Stream{{Status: report.Failed, Watermark: day(4), TableVersion: 3}}, day(5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var entries []entry
			for i, s := range c.history {
				entries = append(entries, entry{ledger.Run{Started: day(20).Add(-time.Duration(i) * time.Hour)}, s})
			}
			require.Equal(t, c.want, readUntil(c.mark, 7, c.list, entries))
		})
	}
}

func TestLagOfAWatermarkInTheFuture(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	var t1, t2 tableStatus
	require.NoError(t, t1.lag(now.Add(time.Minute), now))
	require.Zero(t, *t1.LagSeconds, "clocks differ a little")
	require.ErrorContains(t, t2.lag(now.Add(time.Hour), now), "lies in the future")
	require.Nil(t, t2.LagSeconds)
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		40 * time.Second: "40s", 7 * time.Minute: "7m", 3*time.Hour + 5*time.Minute: "3h05m", 26 * time.Hour: "1d2h", 50 * 24 * time.Hour: "50d0h",
	} {
		require.Equal(t, want, age(d))
	}
}

func TestRecordTellsWhatWentWrong(t *testing.T) {
	e := &env{stdin: strings.NewReader(""), stderr: new(strings.Builder)}
	st, err := local.New(t.TempDir())
	require.NoError(t, err)
	run := &report.Run{ID: "x", Started: time.Now(), Ended: time.Now()}
	e.record(t.Context(), pipeline.Options{Store: st, WorkDir: t.TempDir()}, run)
	require.Empty(t, e.stderr.(*strings.Builder).String())
	e.record(t.Context(), pipeline.Options{Store: st, WorkDir: filepath.Join(t.TempDir(), "none")}, run)
	require.Contains(t, e.stderr.(*strings.Builder).String(), "warning: the history of this run is not complete: record the run in _paylake/runs")
	_, err = os.Stat(filepath.Join(st.Dir(), "_paylake", "runs", "_delta_log"))
	require.False(t, errors.Is(err, os.ErrNotExist))
}

func TestTrigger(t *testing.T) {
	e := &env{stdin: strings.NewReader(""), stderr: new(strings.Builder)}
	require.Equal(t, "schedule", e.trigger())
	t.Setenv(triggerVariable, "airflow")
	require.Equal(t, "airflow", e.trigger())
	t.Setenv(triggerVariable, strings.Repeat("x", 3*longestTrigger))
	require.Len(t, e.trigger(), longestTrigger)
}
