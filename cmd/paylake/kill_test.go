//go:build unix

package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store/local"
)

// victim is a simulated account whose reader is killed.
type victim struct {
	account
	server   *simapi.Server
	answered atomic.Int64
	kill     atomic.Int64     // after this answer; 0 = never
	process  chan *os.Process // the one that is running
	hold     atomic.Bool      // leave balances of recipients unanswered: no sync ends
}

func (v *victim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v.hold.Load() && strings.HasSuffix(r.URL.Path, "/balance") {
		<-r.Context().Done()
		return
	}
	v.server.ServeHTTP(w, r)
	if n := v.answered.Add(1); n == v.kill.Load() {
		http.NewResponseController(w).Flush() // the answer is on its way
		(<-v.process).Kill()
	}
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	today := time.Now().UTC().Truncate(24 * time.Hour)
	world := simapi.Merchant(11, today.AddDate(0, 0, -6), 5, 2_000)
	api := simapi.New(world, simapi.Config{NoLimits: true})
	v := &victim{server: api, process: make(chan *os.Process, 1)}
	v.account = configured(t, world, api, v, "")
	return v
}

// sync runs a sync as a process and tells whether it was killed.
func (v *victim) sync(t *testing.T) bool {
	t.Helper()
	cmd, stderr := program(t, "sync", "--config", v.config, "--quiet")
	select {
	case <-v.process: // of a sync that was not killed
	default:
	}
	v.answered.Store(0)
	require.NoError(t, cmd.Start())
	v.process <- cmd.Process
	err := cmd.Wait()
	if cmd.ProcessState.ExitCode() == -1 {
		return true // by a signal
	}
	require.Equal(t, exitDone, exitOf(t, err), stderr.String())
	return false
}

// Exactly once, atomic: whenever a sync is killed, every table that exists can
// be read and holds whole partitions, and the same sync again ends with the
// truth. What the killed run left behind is removed.
func TestPromiseExactlyOnceAndAtomicUnderKill(t *testing.T) {
	whole := newVictim(t)
	require.False(t, whole.sync(t))
	requests := whole.answered.Load()
	whole.requireLake(t, true)

	kills := []int64{1, requests / 3, requests / 2, requests * 3 / 4, requests - 4, requests - 2, requests - 1, requests}
	killed := 0
	for _, k := range kills {
		t.Run(fmt.Sprintf("after answer %d of %d", k, requests), func(t *testing.T) {
			v := newVictim(t)
			v.kill.Store(k)
			if v.sync(t) {
				killed++
				require.NotEmpty(t, v.leftovers(t), "the killed run left its work folder")
			}
			v.requireLake(t, false)
			v.kill.Store(0)
			require.False(t, v.sync(t))
			v.requireLake(t, true)
			require.Empty(t, v.leftovers(t), "the next run removes it")
			v.nothingLeaks(t)
		})
	}
	require.GreaterOrEqual(t, killed, len(kills)-3, "too few runs were killed in time")
}

// The same while tables are written: killed as soon as so many files of a kind
// are there.
func TestPromiseExactlyOnceAndAtomicUnderKillInCommits(t *testing.T) {
	for _, c := range []struct {
		files string
		n     int
	}{
		{"*/*=*/*.parquet", 1}, {"*/*=*/*.parquet", 12},
		{"*/_delta_log/*.json", 1}, {"*/_delta_log/*.json", 3}, {"*/_delta_log/*.json", 5},
	} {
		t.Run(fmt.Sprintf("%d of %s", c.n, filepath.Base(c.files)), func(t *testing.T) {
			v := newVictim(t)
			v.hold.Store(true)
			cmd, _ := program(t, "sync", "--config", v.config, "--quiet")
			require.NoError(t, cmd.Start())
			require.Eventually(t, func() bool {
				found, err := filepath.Glob(filepath.Join(v.lake, "raw", "pagarme", c.files))
				return err != nil || len(found) >= c.n
			}, 30*time.Second, 200*time.Microsecond)
			require.NoError(t, cmd.Process.Kill())
			require.Equal(t, -1, exitOf(t, cmd.Wait()), "it was killed before it ended")
			v.requireLake(t, false)
			v.hold.Store(false)
			require.False(t, v.sync(t))
			v.requireLake(t, true)
			require.Empty(t, v.leftovers(t))
		})
	}
}

// A sync that is killed again and again ends with the truth once it is left
// alone.
func TestPromiseExactlyOnceUnderManyKills(t *testing.T) {
	v := newVictim(t)
	for k := int64(5); k < 80; k += 20 {
		v.kill.Store(k)
		v.sync(t)
		v.requireLake(t, false)
	}
	v.kill.Store(0)
	require.False(t, v.sync(t))
	v.requireLake(t, true)
}

// leftovers are the folders of runs below the work folder.
func (v *victim) leftovers(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(filepath.Dir(v.config), "work", "run-*"))
	require.NoError(t, err)
	return found
}

// requireLake compares the tables that exist with the truth: each partition is
// there in whole or not at all, and when the lake is complete, all are there.
func (v *victim) requireLake(t *testing.T, complete bool) {
	t.Helper()
	for _, ep := range pagarme.Source().Streams {
		name := ep.Table.Name
		have := v.table(t, name, ep.Table.Key[0])
		want := map[string]map[string]int64{}
		v.api.Each(name, time.Time{}, time.Time{}, func(r simapi.Record) bool {
			day := ""
			if ep.Partition == "created" {
				day = r.Created.UTC().Format(time.DateOnly)
			}
			if want[day] == nil {
				want[day] = map[string]int64{}
			}
			want[day][r.Key] = r.Amount
			return true
		})
		if ep.Partition == "snapshot" {
			for _, rows := range have {
				require.Equal(t, want[""], rows, "%s: a snapshot is whole", name)
			}
			require.True(t, !complete || len(have) > 0, name)
			continue
		}
		for day, rows := range have {
			require.Equal(t, want[day], rows, "%s: partition %s is whole", name, day)
		}
		if complete {
			require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(have)), "%s: partitions", name)
		}
	}
}

// table loads a table and reads the amounts by key, by partition; a snapshot
// stream by snapshot. No key stands twice in one of those.
func (v *victim) table(t *testing.T, name, key string) map[string]map[string]int64 {
	t.Helper()
	st, err := local.New(v.lake)
	require.NoError(t, err)
	snapshot, err := delta.ReadSnapshot(t.Context(), st, "raw/pagarme/"+name)
	require.NoError(t, err)
	out := map[string]map[string]int64{}
	for f := range snapshot.Files() {
		path := filepath.Join(v.lake, "raw", "pagarme", name, filepath.FromSlash(f.Path))
		columns := readColumns(t, path)
		keys, amounts, times := columns[key].(*array.String), columns["amount"], columns["snapshot_at"]
		if a, ok := columns["available_amount"]; ok {
			amounts = a
		}
		require.Equal(t, f.Rows, int64(keys.Len()))
		for i := range keys.Len() {
			group, amount := string(f.Partition), int64(0)
			if at, ok := times.(*array.Timestamp); ok {
				group = fmt.Sprint(at.Value(i))
			}
			if a, ok := amounts.(*array.Int64); ok {
				amount = a.Value(i)
			}
			if out[group] == nil {
				out[group] = map[string]int64{}
			}
			require.NotContains(t, out[group], keys.Value(i), "%s: a key stands twice", name)
			out[group][keys.Value(i)] = amount
		}
	}
	return out
}

// readColumns reads the columns of a file that are not nested.
func readColumns(t *testing.T, path string) map[string]arrow.Array {
	t.Helper()
	pf, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	defer pf.Close()
	reader, err := pqarrow.NewFileReader(pf, pqarrow.ArrowReadProperties{BatchSize: 1 << 20}, memory.DefaultAllocator)
	require.NoError(t, err)
	var flat []int
	for i := range pf.MetaData().Schema.NumColumns() {
		if len(pf.MetaData().Schema.Column(i).ColumnPath()) == 1 {
			flat = append(flat, i)
		}
	}
	records, err := reader.GetRecordReader(t.Context(), flat, nil)
	require.NoError(t, err)
	defer records.Release()
	batch, err := records.Read() // all rows: a batch is larger than these files
	require.NoError(t, err)
	out := map[string]arrow.Array{}
	for i, column := range batch.Columns() {
		column.Retain()
		out[batch.ColumnName(i)] = column
	}
	return out
}
