package schema

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"
)

func TestRowsAreSortedByTimeAndKey(t *testing.T) {
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	var records, want []string
	for i := range 60 {
		id, created := fmt.Sprintf("k%02d", i), at.Add(time.Duration(i/3)*time.Second).Format(time.RFC3339)
		records = append(records, fmt.Sprintf(`{"id":%q,"created_at":%q,"charges":[{"amount":%d},{"amount":%d,"meta":{"i":"%d"}}]}`, id, created, i, i, i))
		want = append(want, id)
	}
	newest := slices.Clone(records)
	slices.Reverse(newest)
	mixed := slices.Clone(records)
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	for _, order := range [][]string{records, newest, mixed} {
		d, mem := newChecked(t, shopTable())
		for part := range slices.Chunk(order, 7) {
			_, err := d.Page([]byte("["+strings.Join(part, ",")+"]"), Layout{}, "")
			require.NoError(t, err)
		}
		batch, err := d.Build()
		require.NoError(t, err)
		for row, id := range want {
			require.Equal(t, id, cell(batch.Column(0), row))
			list := cell(batch.Column(5), row).([]any)
			require.Equal(t, int64(row), list[0].(map[string]any)["amount"])
			require.Equal(t, []pair{{"i", fmt.Sprint(row)}}, list[1].(map[string]any)["meta"])
		}
		batch.Release()
		mem.AssertSize(t, 0)
	}
}

func TestNumericKeysAreSortedAsNumbers(t *testing.T) {
	d, mem := newChecked(t, &Table{Name: "t", Key: []string{"n", "s"}, Fields: []Field{Integer("n", ""), Text("s", "")}})
	defer mem.AssertSize(t, 0)
	_, err := d.Page([]byte(`[{"n":10,"s":"a"},{"n":9,"s":"b"},{"n":9,"s":"a"},{"n":-1,"s":"z"},{"n":9,"s":"a"}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, []string{`{"n":-1,"s":"z",`, `{"n":9,"s":"a",`, `{"n":9,"s":"b",`, `{"n":10,"s":"a",`}, cutLines(lines(t, d), `"_extracted_at"`))
}

func TestBatchSharesNothingWithTheDecoder(t *testing.T) {
	d, mem := newChecked(t, shopTable())
	defer mem.AssertSize(t, 0)
	decode := func(id string) {
		_, err := d.Page([]byte(`[`+recordText(id, "2024-01-01", "", len(id))+`]`), Layout{}, "")
		require.NoError(t, err)
	}
	decode("first")
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	before := string(EncodeRow(nil, batch, 0))
	for range 3 {
		decode("other")
		d.Reset(time.Time{}, time.Time{}, time.Now())
	}
	require.Equal(t, before, string(EncodeRow(nil, batch, 0)))
}

func TestAbsentColumnsCostNothing(t *testing.T) {
	var fields []Field
	for i := range 500 {
		fields = append(fields, Text(fmt.Sprintf("t%d", i), ""), ListOf(fmt.Sprintf("l%d", i), "", Number("e", "")))
	}
	d, mem := newChecked(t, &Table{Name: "wide", Key: []string{"id"}, Fields: append(fields, ID("id", ""))})
	defer mem.AssertSize(t, 0)
	var records []string
	for i := range 2000 {
		records = append(records, fmt.Sprintf(`{"id":"%d"}`, i))
	}
	_, err := d.Page([]byte("["+strings.Join(records, ",")+"]"), Layout{}, "")
	require.NoError(t, err)
	require.Less(t, d.Bytes(), 100*len(records))
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	require.Less(t, mem.CurrentAlloc(), 100*len(records), "a column of nulls has no memory of its own")
	for i := range 1000 {
		require.Equal(t, len(records), batch.Column(i).NullN())
	}
}

func TestSystemColumns(t *testing.T) {
	d, mem := newChecked(t, shopTable())
	defer mem.AssertSize(t, 0)
	at := time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.FixedZone("", -3*3600))
	d.Reset(time.Time{}, time.Time{}, at)
	_, err := d.Page([]byte(`[{"id":"a","_connection":"theirs"},{"id":"b"}]`), Layout{}, "")
	require.NoError(t, err)
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	n := int(batch.NumCols())
	for row := range 2 {
		require.Equal(t, at.UnixMicro(), cell(batch.Column(n-3), row))
		require.Equal(t, "shop", cell(batch.Column(n-2), row))
	}
	require.Equal(t, `{"_connection":"theirs"}`, cell(batch.Column(n-1), 0))
	require.Zero(t, batch.Column(0).(*array.String).NullN())
}

func TestInjectedFields(t *testing.T) {
	table := &Table{Name: "balance", Key: []string{"recipient", "snapshot_at"}, Time: "snapshot_at", Fields: []Field{
		Integer("amount", ""), ID("recipient", "").Inject(), Instant("snapshot_at", "").Inject(), Day("snapshot_date", "").Inject(), Integer("n", "").Inject()}}
	d, mem := newChecked(t, table)
	defer mem.AssertSize(t, 0)
	at := time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
	d.Inject("snapshot_at", at)
	d.Inject("snapshot_date", at)
	d.Inject("n", int64(7))
	for _, recipient := range []string{"r,2", `r\1`} {
		d.Inject("recipient", recipient)
		page, err := d.Page([]byte(`{"amount":5,"recipient":"theirs"}`), Layout{Single: true}, "")
		require.NoError(t, err)
		require.Equal(t, strings.NewReplacer(`,`, `\,`, `\`, `\\`).Replace(recipient)+",2026-11-21T23:00:00Z", page.First)
	}
	require.Equal(t, []string{
		`{"amount":5,"recipient":"r,2","snapshot_at":"2026-11-21T23:00:00.000000Z","snapshot_date":"2026-11-21","n":7,`,
		`{"amount":5,"recipient":"r\\1","snapshot_at":"2026-11-21T23:00:00.000000Z","snapshot_date":"2026-11-21","n":7,`,
	}, cutLines(lines(t, d), `"_extracted_at"`))
	require.Equal(t, map[string]int64{"recipient": 2}, d.Extra())

	d.Reset(time.Time{}, time.Time{}, at)
	_, err := d.Page([]byte(`{"amount":5}`), Layout{Single: true}, "")
	require.NoError(t, err)
	require.Equal(t, "no key", d.Rejects()[0].Reason, "injected values end with Reset")
	for _, wrong := range []func(){func() { d.Inject("amount", int64(1)) }, func() { d.Inject("recipient", 5) }, func() { d.Inject("n", "7") }} {
		d.Reset(time.Time{}, time.Time{}, at)
		wrong()
		_, err := d.Page([]byte(`{}`), Layout{Single: true}, "")
		require.ErrorContains(t, err, "inject")
	}
}

func cutLines(lines []string, at string) []string {
	for i := range lines {
		lines[i], _, _ = strings.Cut(lines[i], at)
	}
	return lines
}
