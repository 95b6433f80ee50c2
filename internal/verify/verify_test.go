package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/internal/verify"
)

func TestAHealthyLakeIsEqual(t *testing.T) {
	for _, stream := range []string{simapi.Charges, simapi.Orders, simapi.Payables, simapi.BalanceOperations, simapi.Recipients, simapi.RecipientBalance} {
		t.Run(stream, func(t *testing.T) {
			s := newScene(t, stream, 6, 500, simapi.Config{})
			s.requireEqual()
		})
	}
}

// damage is something that happened to a lake, and what must be said of it.
type damage struct {
	do     func(s *scene) (key string) // the key that must be named, "" for none
	source string                      // kind that a comparison by numbers must find, "" for none
	deep   string
	local  string
	fields []string // that must be named by deep
}

func damages() map[string]damage {
	return map[string]damage{
		"a row removed": {source: verify.Missing, deep: verify.Missing, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.foreign(f, picked(s, b, slices.DeleteFunc(upTo(b.NumRows()), func(i int) bool { return i == 2 })...))
			return text(b, "id", 2)
		}},
		"a row doubled": {source: verify.Doubled, deep: verify.Doubled, local: verify.Doubled, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.foreign(f, join(s, b, picked(s, b, 3)))
			return text(b, "id", 3)
		}},
		"a record that the source does not have": {source: verify.Extra, deep: verify.Extra, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.foreign(f, join(s, b, withText(picked(s, b, 3), "id", "ch_madeup")))
			return "ch_madeup"
		}},
		"an amount changed": {deep: verify.Changed, fields: []string{"amount"}, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.foreign(f, withInt(b, "amount", 1, 123_456_789))
			return text(b, "id", 1)
		}},
		"an amount changed in the file that the log describes": {deep: verify.Changed, local: verify.Tags, fields: []string{"amount"}, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.inPlace(f, withInt(b, "amount", 1, 123_456_789), nil)
			return text(b, "id", 1)
		}},
		"a row removed from the file that the log describes": {deep: verify.Missing, local: verify.RowCount, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			s.inPlace(f, picked(s, b, upTo(b.NumRows())[1:]...), nil)
			return text(b, "id", 0)
		}},
		"a file lost": {source: verify.Lost, deep: verify.Lost, local: verify.Lost, do: func(s *scene) string {
			require.NoError(s.t, s.store.Delete(s.t.Context(), s.root()+"/"+s.fileWith(5).Path))
			return ""
		}},
		"a file cut": {source: verify.Cut, deep: verify.Cut, local: verify.Cut, do: func(s *scene) string {
			f := s.fileWith(5)
			s.put(f.Path, make([]byte, f.Size/2))
			return ""
		}},
		"a file of its size that is no Parquet": {deep: verify.Missing, local: verify.Unreadable, do: func(s *scene) string {
			f := s.fileWith(5)
			s.put(f.Path, make([]byte, f.Size))
			return ""
		}},
		"statistics falsified": {local: verify.Statistics, do: func(s *scene) string {
			s.readd(s.fileWith(5), func(add action) {
				add["stats"] = strings.Replace(add["stats"].(string), `"amount":`, `"amount":1`, 1)
			})
			return ""
		}},
		"the number of nulls falsified": {local: verify.Statistics, do: func(s *scene) string {
			s.readd(s.fileWith(5), func(add action) {
				add["stats"] = strings.Replace(add["stats"].(string), `"nullCount":{"id":0`, `"nullCount":{"id":7`, 1)
			})
			return ""
		}},
		"the number of rows falsified": {source: verify.RowCount, local: verify.RowCount, do: func(s *scene) string {
			f := s.fileWith(5)
			s.readd(f, func(add action) {
				add["stats"] = strings.Replace(add["stats"].(string), `"numRecords":`, `"numRecords":1`, 1)
			})
			return ""
		}},
		"a row in the wrong partition": {source: verify.Misplaced, deep: verify.Misplaced, local: verify.Misplaced, do: func(s *scene) string {
			all := s.files()
			f, other := all[1], all[3]
			b := s.rowsOf(f)
			s.foreign(f, picked(s, b, upTo(b.NumRows())[1:]...))
			s.addForeign(string(other.Partition), picked(s, b, 0))
			return text(b, "id", 0)
		}},
		"a key in two partitions": {source: verify.Misplaced, deep: verify.Misplaced, local: verify.Doubled, do: func(s *scene) string {
			all := s.files()
			b := s.rowsOf(all[1])
			s.addForeign(string(all[3].Partition), picked(s, b, 0))
			return text(b, "id", 0)
		}},
		"a row in the partition of no time": {source: verify.Misplaced, deep: verify.Misplaced, local: verify.Misplaced, do: func(s *scene) string {
			s.addForeign("", picked(s, s.rowsOf(s.files()[1]), 0))
			return ""
		}},
		"a row at a time that has not come": {source: verify.Misplaced, deep: verify.Misplaced, local: verify.Misplaced, do: func(s *scene) string {
			s.addForeign("2199-01-01", picked(s, s.rowsOf(s.files()[1]), 0))
			return ""
		}},
		"order broken": {local: verify.Order, do: func(s *scene) string {
			f := s.fileWith(5)
			b := s.rowsOf(f)
			rows := upTo(b.NumRows())
			slices.Reverse(rows)
			s.inPlace(f, picked(s, b, rows...), nil)
			return ""
		}},
	}
}

// kinds are those of a stream's findings.
func kinds(s *verify.Stream) []string {
	var out []string
	for _, f := range s.Findings {
		out = append(out, f.Kind)
	}
	return out
}

// requireFound checks that a kind was found, that its key is named and that the
// place of it is.
func requireFound(t *testing.T, got *verify.Stream, kind, key string) verify.Finding {
	t.Helper()
	require.Equal(t, verify.Different, got.Status, "%+v", got)
	at := slices.IndexFunc(got.Findings, func(f verify.Finding) bool { return f.Kind == kind })
	require.GreaterOrEqual(t, at, 0, "want %s of %v", kind, got.Findings)
	f := got.Findings[at]
	require.NotEmpty(t, f.Partitions)
	if key != "" && f.File == "" {
		require.Contains(t, f.Keys, key, "%+v", f)
	}
	return f
}

// What was damaged is found, named and repaired.
func TestDamageIsFoundNamedAndRepaired(t *testing.T) {
	small := newScene(t, simapi.Payables, 6, 700, simapi.Config{})
	large := newScene(t, simapi.Charges, 12, 700, simapi.Config{}) // so many records that they are counted
	for name, d := range damages() {
		for mode, want := range map[string]string{"source": d.source, "deep": d.deep, "local": d.local} {
			if want == "" {
				continue
			}
			t.Run(name+" by "+mode, func(t *testing.T) {
				s := small.fork(t)
				if mode == "source" {
					s = large.fork(t)
				}
				key := d.do(s)
				o := map[string]verify.Options{"source": bySource, "deep": byDeep, "local": byLocal}[mode]
				got := s.verify(o)
				f := requireFound(t, got, want, key)
				if mode == "deep" && d.fields != nil {
					require.Equal(t, d.fields, f.Fields)
				}
				done := s.repair(got)
				require.Equal(t, report.Succeeded, done.Status, "%+v", done)
				both := s.verify(verify.Options{Deep: true, Local: true})
				require.Equal(t, verify.Equal, both.Status, "%+v", both)
			})
		}
	}
}

// A row that is missing and one too many in the lists of the lake are found also
// where the windows are so large that only a part of a partition is held.
func TestDamageIsFoundInBoundedMemory(t *testing.T) {
	small := verify.Options{Deep: true, IndexRows: 10, Chunk: 8 << 10}
	passes := verify.Options{Local: true, PassKeys: 20}
	healthy := newScene(t, simapi.Payables, 6, 900, simapi.Config{Paging: simapi.Paging{MaxSize: map[string]int{simapi.Payables: 10}}})
	for _, name := range []string{"a row removed", "a row doubled", "an amount changed", "a row in the wrong partition"} {
		s := healthy.fork(t)
		got := s.verify(small)
		require.Equal(t, verify.Equal, got.Status, "%+v", got)
		require.Greater(t, got.Windows, 6, "windows are as small as the chunks")
		key := damages()[name].do(s)
		requireFound(t, s.verify(small), damages()[name].deep, key)
		if kind := damages()[name].local; kind != "" {
			requireFound(t, s.verify(passes), kind, key)
		}
	}
}

// Records that the source changed after they were read are told from those that
// the lake has wrong.
func TestStaleRecordsAreTold(t *testing.T) {
	s := newScene(t, simapi.Charges, 14, 900, simapi.Config{})
	s.now = s.now.AddDate(0, 0, 9)
	for _, o := range []verify.Options{byDeep, bySource} {
		got := s.verify(o)
		f := requireFound(t, got, verify.Stale, "")
		require.NotEmpty(t, f.Keys)
		require.Contains(t, f.Fields, "status")
		require.NotContains(t, kinds(got), verify.Missing)
		require.NotContains(t, kinds(got), verify.Extra)
	}
	require.Equal(t, verify.Equal, s.verify(byLocal).Status)
	s.sync()
	s.requireEqual()
}

// A range that the lake lost as a whole is named without reading its records.
func TestLostDaysAreCountedNotRead(t *testing.T) {
	s := newScene(t, simapi.Charges, 48, 8000, simapi.Config{})
	var gone []action
	var want int64
	for _, f := range s.files()[20:32] {
		gone = append(gone, s.removeOf(f))
		want += f.Rows
	}
	s.commit(gone...)
	got := s.verify(bySource)
	requireFound(t, got, verify.Missing, "")
	require.Equal(t, want, got.Differences[verify.Missing])
	require.Len(t, got.Damaged(), 12)
	require.Less(t, got.Windows, 8)
	require.Equal(t, report.Succeeded, s.repair(got).Status)
	require.Equal(t, verify.Equal, s.verify(bySource).Status)
}

// k differing days out of n cost about k log n requests.
func TestRequestsGrowWithWhatDiffers(t *testing.T) {
	s := newScene(t, simapi.Charges, 256, 12_000, simapi.Config{})
	base := s.verify(bySource)
	require.Equal(t, verify.Equal, base.Status)
	require.Less(t, base.Requests, int64(40), "ranges, states and what finds out how exact the filter is")
	all := s.files()
	for i, at := range []int{10, 77, 130, 201} {
		f := all[at]
		b := s.rowsOf(f)
		s.foreign(f, picked(s, b, upTo(b.NumRows())[1:]...))
		got := s.verify(bySource)
		require.Equal(t, map[string]int64{verify.Missing: int64(i + 1)}, got.Differences)
		require.Less(t, got.Requests-base.Requests, int64((i+1)*3*8), "log2(256) is 8: %d differing days took %d requests", i+1, got.Requests)
	}
}
