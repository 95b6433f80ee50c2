package pipeline_test

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
)

// Complete: days that are too dense to be held, of a list whose filter cannot
// cut a day, go through files and are in the lake once.
func TestPromiseCompleteOnDenseDays(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]simapi.Config{
		"no filter":               {Filters: simapi.Filters{IgnoreFilters: true}},
		"filter by days, rejects": {Filters: simapi.Filters{WholeDays: time.UTC}, Shape: simapi.Shape{BadEvery: 40}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config.NoLimits = true
			s := newScene(t, 2, 2_500, config)
			s.streams = []string{simapi.Orders, simapi.Payables}
			s.opts.Chunk = 64 << 10
			rep := s.sync()
			require.Greater(t, of(rep, simapi.Orders).FilesAdded, 5, "the days were spilled in pieces")
			s.requireTruth(rep)
			again := s.sync()
			require.Zero(t, of(again, simapi.Orders).Commits+of(again, simapi.Payables).Commits, "quiet")
		})
	}
}

// Every row lies in the partition of its time, by the zone and the granularity
// of the table.
func TestPartitionsByZoneAndGranularity(t *testing.T) {
	t.Parallel()
	paulo, err := time.LoadLocation("America/Sao_Paulo")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		zone   *time.Location
		month  bool
		layout string
	}{
		"days of São Paulo":   {paulo, false, "2006-01-02"},
		"months":              {time.UTC, true, "2006-01"},
		"months of São Paulo": {paulo, true, "2006-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, 12, 2_000, simapi.Config{NoLimits: true})
			s.streams, s.zone, s.month = []string{simapi.Orders, simapi.Payables}, c.zone, c.month
			rep := s.sync()
			require.Equal(t, report.Succeeded, rep.Status)
			s.requireTruth(rep)
			for _, stream := range s.streams {
				truth := map[string]int64{}
				s.server.Each(stream, s.start, s.now.Add(-5*time.Minute), func(r simapi.Record) bool {
					truth[r.Created.In(c.zone).Format(c.layout)]++
					return true
				})
				require.Equal(t, truth, s.partitions(stream), stream)
			}
			s.now = s.now.Add(30 * time.Hour)
			s.lookback = 90 * 24 * time.Hour
			s.requireTruth(s.sync())
		})
	}
}

// partitions counts the rows of a table by the partition in the log, and checks
// that the directory is the partition's.
func (s *scene) partitions(name string) map[string]int64 {
	s.t.Helper()
	spec := s.spec(s.endpoint(name))
	out := map[string]int64{}
	s.eachBatch(name, func(path string, b arrow.RecordBatch) {
		for i := range int(b.NumRows()) {
			v := spec.Of(instant(b, spec.Source, i))
			require.True(s.t, strings.HasPrefix(path, spec.Dir(v)+"/"), "%s: a row in a wrong directory", path)
			out[string(v)]++
		}
	})
	snapshot, err := s.lake(s.endpoint(name)).Load(s.t.Context())
	require.NoError(s.t, err)
	for f := range snapshot.Files() {
		require.True(s.t, strings.HasPrefix(f.Path, spec.Dir(f.Partition)+"/"), "%s: the log says %s", f.Path, f.Partition)
	}
	return out
}

// eachBatch reads the rows of a table's live files.
func (s *scene) eachBatch(name string, do func(path string, b arrow.RecordBatch)) {
	s.t.Helper()
	snapshot, err := s.lake(s.endpoint(name)).Load(s.t.Context())
	require.NoError(s.t, err)
	for f := range snapshot.Files() {
		data, err := store.ReadAll(s.t.Context(), s.store, "pagarme/"+name+"/"+f.Path)
		require.NoError(s.t, err)
		for _, b := range readParquet(s.t, data) {
			do(f.Path, b)
			b.Release()
		}
	}
}

// filled counts the rows of a table that have a value in a column.
func (s *scene) filled(name, columnName string) int {
	n := 0
	s.eachBatch(name, func(_ string, b arrow.RecordBatch) {
		if c := column(b, columnName); c != nil {
			n += c.Len() - c.NullN()
		}
	})
	return n
}

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// missing is a transport that answers 404 for one path.
type missing struct{ path string }

func (m missing) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, m.path) {
		return &http.Response{StatusCode: http.StatusNotFound, Proto: "HTTP/1.1", Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	return http.DefaultTransport.RoundTrip(r)
}

// Each run appends one snapshot of all balances, and never two of one time. A
// parent that is not found is a warning.
func TestRecipientBalanceIsASnapshotPerRun(t *testing.T) {
	t.Parallel()
	s := newScene(t, 20, 3_000, simapi.Config{NoLimits: true})
	s.streams = []string{simapi.RecipientBalance} // the parents' keys come from the source
	var first string
	count := func() int {
		n := 0
		s.server.Each(simapi.Recipients, time.Time{}, time.Time{}, func(r simapi.Record) bool {
			first = r.Key
			n++
			return true
		})
		return n
	}
	rep := s.sync()
	recipients := count()
	require.Equal(t, report.Succeeded, rep.Status)
	require.Equal(t, map[string]int{micros(s.now): recipients}, s.snapshots())
	s.requireBalances(s.now)

	require.Equal(t, report.Succeeded, s.sync().Status)
	require.Equal(t, map[string]int{micros(s.now): recipients}, s.snapshots(), "never twice for the same time")

	earlier := s.now
	s.now = s.now.Add(26 * time.Hour)
	s.streams = []string{simapi.Recipients, simapi.RecipientBalance} // the keys come from the run
	require.Equal(t, report.Succeeded, s.sync().Status)
	require.Equal(t, map[string]int{micros(earlier): recipients, micros(s.now): count()}, s.snapshots())
	s.requireBalances(s.now)

	s.now = s.now.Add(time.Hour)
	s.rt = missing{"/" + first + "/balance"}
	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status)
	require.True(t, warned(of(rep, simapi.RecipientBalance), "1 of recipients answered not found"), "%v", of(rep, simapi.RecipientBalance).Warnings)
	require.Equal(t, count()-1, s.snapshots()[micros(s.now)])
}

// requireBalances compares the snapshot of a time with the truth of now.
func (s *scene) requireBalances(at time.Time) {
	s.t.Helper()
	have := s.rows(simapi.RecipientBalance)
	s.server.Each(simapi.RecipientBalance, time.Time{}, time.Time{}, func(r simapi.Record) bool {
		row, ok := have[r.Key+"/"+micros(at)]
		require.True(s.t, ok, "no balance of %s", r.Key)
		require.Equal(s.t, r.Amount, row.amount, r.Key)
		return true
	})
}

// Secret: what the user excludes is in no byte of the lake, not in _extra and
// not in the quarantine either.
func TestPromiseSecretForExcludedColumns(t *testing.T) {
	t.Parallel()
	s := newScene(t, 4, 1_000, simapi.Config{NoLimits: true, Shape: simapi.Shape{BadEvery: 15, UnknownFields: true}})
	s.onLocalDisk()
	s.streams = []string{simapi.Orders, simapi.Charges}
	documents := map[string]bool{}
	s.wire() // starts the server
	for _, name := range s.streams {
		s.server.Each(name, time.Time{}, time.Time{}, func(r simapi.Record) bool {
			for _, m := range document.FindAllSubmatch(r.JSON, -1) {
				documents[string(m[1])] = true
			}
			return true
		})
	}
	require.NotEmpty(t, documents)
	s.exclude = []string{"customer.document", "charges.customer.document"}
	rep := s.sync()
	require.NotZero(t, of(rep, simapi.Orders).Rejects)
	s.requireTruth(rep)
	for _, name := range s.streams {
		s.eachBatch(name, func(_ string, b arrow.RecordBatch) {
			text, err := b.MarshalJSON()
			require.NoError(t, err)
			requireNone(t, documents, string(text))
		})
		for _, key := range of(rep, name).Quarantine {
			data, err := store.ReadAll(t.Context(), s.store, key)
			require.NoError(t, err)
			requireNone(t, documents, string(data))
		}
	}
}

// document matches the document numbers of simulated customers.
var document = regexp.MustCompile(`"document":"(\d{11,14})"`)

func requireNone(t *testing.T, secrets map[string]bool, text string) {
	t.Helper()
	for secret := range secrets {
		require.False(t, strings.Contains(text, secret), "%s is stored", secret)
	}
}

// A column that a newer declaration adds is added to the table; the rows of
// older partitions have none, those that are read again have it.
func TestANewColumnIsAddedToTheTable(t *testing.T) {
	t.Parallel()
	s := newScene(t, 6, 1_500, simapi.Config{NoLimits: true})
	s.streams = []string{simapi.Charges}
	newest := s.endpoint(simapi.Charges).Table
	s.tables = map[string]*schema.Table{simapi.Charges: without(newest, "paid_amount")}
	s.requireTruth(s.sync())
	require.Zero(t, s.filled(simapi.Charges, "paid_amount"))

	s.tables = nil
	s.lookback = 3 * 24 * time.Hour
	s.now = s.now.Add(20 * time.Hour)
	rep := s.sync()
	require.Equal(t, report.Succeeded, rep.Status)
	require.NotZero(t, s.filled(simapi.Charges, "paid_amount"))
	s.full = true
	rep = s.sync()
	require.Equal(t, report.Succeeded, rep.Status)
	s.requireTruth(rep)
	s.full = false
	require.Zero(t, of(s.sync(), simapi.Charges).Commits)
}

func without(t *schema.Table, name string) *schema.Table {
	old := *t
	old.Fields = nil
	for _, f := range t.Fields {
		if f.Name != name {
			old.Fields = append(old.Fields, f)
		}
	}
	return &old
}
