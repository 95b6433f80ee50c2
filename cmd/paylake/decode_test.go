package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

const (
	payableA = `{"id": "pay_a", "status": "paid", "amount": 1200, "created_at": "2026-03-01T10:00:00Z", "novel": {"x": 1}}`
	payableB = `{"id": "pay_b", "status": "waiting_funds", "amount": 3400, "created_at": "2026-03-02T10:00:00Z"}`
	payableX = `{"id": "pay_x", "amount": "much", "created_at": "2026-03-02T10:00:00Z"}`
)

// rows parses JSON lines.
func rows(t *testing.T, text string) []map[string]any {
	t.Helper()
	all := []map[string]any{}
	for line := range strings.Lines(text) {
		var row map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &row), line)
		all = append(all, row)
	}
	return all
}

func ids(rows []map[string]any) []any {
	all := []any{}
	for _, r := range rows {
		all = append(all, r["id"])
	}
	return all
}

func TestDecodeTakesEveryForm(t *testing.T) {
	pretty := strings.ReplaceAll(strings.ReplaceAll(payableA, ", ", ",\n  "), "{", "{\n  ")
	for name, input := range map[string]string{
		"envelope":           `{"data": [` + payableA + `, ` + payableB + `], "paging": {"total": 2}}`,
		"array":              `[` + payableA + `,` + payableB + `]`,
		"JSON lines":         payableA + "\n" + payableB + "\n",
		"lines with CRLF":    payableA + "\r\n\r\n" + payableB,
		"one after another":  payableA + payableB,
		"pretty records":     pretty + "\n" + payableB,
		"several envelopes":  `{"data":[` + payableA + `]}` + "\n" + `{"data":[` + payableB + `]}`,
		"byte order mark":    "\xef\xbb\xbf" + payableA + "\n" + payableB,
		"the same row twice": payableA + "\n" + payableA + "\n" + payableB,
		"newest first":       payableB + "\n" + payableA,
	} {
		t.Run(name, func(t *testing.T) {
			got := paylakeWith(t, t.Context(), input, "decode", "payables")
			require.Equal(t, exitDone, got.code, got.stderr)
			require.Empty(t, got.stderr)
			all := rows(t, got.stdout)
			require.Equal(t, []any{"pay_a", "pay_b"}, ids(all), "rows are in the table's order")
			require.EqualValues(t, 1200, all[0]["amount"])
			require.Equal(t, "2026-03-01T10:00:00.000000Z", all[0]["created_at"])
			require.Contains(t, all[0]["_extra"], "novel")
			require.Contains(t, all[0], "fee", "columns without a value are there, too")
		})
	}
	one := paylakeWith(t, t.Context(), payableB, "decode", "pagarme/payables", "-", "--connection", "loja")
	require.Equal(t, "loja", rows(t, one.stdout)[0]["_connection"])
	empty := paylakeWith(t, t.Context(), `{"data": [], "paging": {}}`, "decode", "payables")
	require.Equal(t, result{code: exitDone, stderr: "paylake: no records in the input\n"}, empty)
}

func TestDecodeTellsOfAnotherStream(t *testing.T) {
	order := `{"id": "or_1", "created_at": "2026-03-01T10:00:00Z", "code": "x", "closed": true, "items": [], "charges": [], "customer": {}, "currency": "BRL"}`
	for _, input := range []string{order, "[" + order + "]", `{"data": [` + order + `]}`} {
		got := paylakeWith(t, t.Context(), input, "decode", "payables")
		require.Contains(t, got.stderr, "these look like another stream", input)
		require.NotContains(t, paylakeWith(t, t.Context(), input, "decode", "orders").stderr, "another stream")
	}
}

func TestDecodeWritesNoParquetWithoutRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.parquet")
	got := paylakeWith(t, t.Context(), "", "decode", "payables", "--parquet", path)
	require.Equal(t, exitFailed, got.code)
	require.Empty(t, got.stdout)
	require.Contains(t, got.stderr, "out.parquet: there are no rows, so no file was written")
	require.NoFileExists(t, path)
}

func TestDecodeReadsFiles(t *testing.T) {
	a, b := write(t, "a.json", payableA), write(t, "b.json", payableB)
	got := paylakeWith(t, t.Context(), payableX, "decode", "payables", a, b)
	require.Equal(t, exitDone, got.code, got.stderr)
	require.Len(t, rows(t, got.stdout), 2)

	got = paylakeWith(t, t.Context(), payableX, "decode", "payables", a, "-")
	require.Equal(t, exitIncomplete, got.code)
	require.Equal(t, "-:1", rows(t, got.stderr)[0]["source"])
}

func TestDecodeTellsRejects(t *testing.T) {
	got := paylakeWith(t, t.Context(), payableA+"\n"+payableX+"\n42\n", "decode", "payables")
	require.Equal(t, exitIncomplete, got.code)
	require.Equal(t, []any{"pay_a"}, ids(rows(t, got.stdout)))
	rejects := rows(t, got.stderr)
	require.Len(t, rejects, 2)
	require.Equal(t, "pay_x", rejects[0]["key"])
	require.Equal(t, "/amount", rejects[0]["pointer"])
	require.Equal(t, "-:2", rejects[0]["source"])
	require.NotEmpty(t, rejects[0]["reason"])
	require.Equal(t, "much", rejects[0]["record"].(map[string]any)["amount"])
	require.Equal(t, "-:3", rejects[1]["source"])
}

func TestDecodeGoesOnAfterABrokenLine(t *testing.T) {
	got := paylakeWith(t, t.Context(), payableA+"\n{\"id\": \n"+payableB+"\n{\"id\": \"cut", "decode", "payables")
	require.Equal(t, exitIncomplete, got.code)
	require.Equal(t, []any{"pay_a", "pay_b"}, ids(rows(t, got.stdout)))
	rejects := rows(t, got.stderr)
	require.Len(t, rejects, 2)
	require.Equal(t, "-:2", rejects[0]["source"])
	require.Equal(t, "-:4", rejects[1]["source"])
	require.Equal(t, "not valid JSON: it ends in the middle", rejects[1]["reason"])

	html := paylakeWith(t, t.Context(), "<html>\n<body>\n</html>", "decode", "payables")
	require.Equal(t, exitIncomplete, html.code)
	require.Len(t, rows(t, html.stderr), 1, "one answer, one complaint")
}

func TestDecodeOfAPerParentStream(t *testing.T) {
	got := paylakeWith(t, t.Context(), `{"available_amount": 5, "currency": "BRL"}`, "decode", "recipient_balance", "--parent", "re_1")
	require.Equal(t, exitDone, got.code, got.stderr)
	all := rows(t, got.stdout)
	require.Len(t, all, 1)
	require.Equal(t, "re_1", all[0]["recipient_id"])
	require.NotNil(t, all[0]["snapshot_at"])
}

func TestDecodeHonoursExclude(t *testing.T) {
	cfg := write(t, "paylake.yaml", `version: 1
destination: {url: ./lake}
connections:
  - {name: loja, source: pagarme, api_key: {env: X}, start: 2024-01-01, streams: [{name: payables, exclude: [status]}]}
`)
	got := paylakeWith(t, t.Context(), payableA, "decode", "payables", "--config", cfg)
	require.Equal(t, exitDone, got.code, got.stderr)
	row := rows(t, got.stdout)[0]
	require.NotContains(t, row, "status")
	require.NotContains(t, got.stdout, "paid")
	require.Equal(t, "loja", row["_connection"])
}

// Whatever the input, every answer is a row, a reject, or a complaint.
func TestDecodeDropsNothing(t *testing.T) {
	for _, input := range []string{"null", "true", `"text"`, "[1,2]", "[[]]", "{}", `{"data": {}}`, "[", "]", "\x00", `{"data": null}`} {
		got := paylakeWith(t, t.Context(), input, "decode", "orders")
		require.Equal(t, exitIncomplete, got.code, input)
		require.NotEmpty(t, rows(t, got.stderr), input)
	}
	got := paylakeWith(t, t.Context(), "", "decode", "orders")
	require.Equal(t, exitDone, got.code)
}

func TestDecodeReportsWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	got := paylake(t, "decode", "orders", dir)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "read answers")
	_, err := os.Stat(filepath.Join(dir, "x"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// allAnswers reads an input to its end.
func allAnswers(t *testing.T, in io.Reader) []answer {
	t.Helper()
	a, err := newAnswers(in)
	all := []answer{}
	for err == nil {
		if err = a.space(); err != nil {
			break
		}
		var one answer
		if one, err = a.next(); err == nil {
			one.body = bytes.Clone(one.body)
			all = append(all, one)
		}
	}
	require.ErrorIs(t, err, io.EOF)
	return all
}

// Wherever a read ends, the answers are the same.
func TestAnswersAcrossReads(t *testing.T) {
	long := `{"id":"` + strings.Repeat("x", 5*readAhead/2) + `"}`
	pretty := "[\n 1,\n" + strings.Repeat(" ", readAhead) + "2]"
	broken := "{\"id\": \n" + strings.Repeat(" ", readAhead)
	for name, pad := range map[string]int{"none": 0, "a number is cut": readAhead - 2, "a line is cut": readAhead - 10} {
		t.Run(name, func(t *testing.T) {
			input := strings.Repeat("\n", pad) + "12345 " + long + "\n" + pretty + "\n" + "{}\n" + broken
			all := allAnswers(t, iotest.OneByteReader(strings.NewReader(input)))
			require.Len(t, all, 5)
			require.Equal(t, answer{body: []byte("12345"), line: pad + 1}, all[0])
			require.Equal(t, answer{body: []byte(long), line: pad + 1}, all[1])
			require.Equal(t, answer{body: []byte(pretty), line: pad + 2}, all[2])
			require.Equal(t, pad+5, all[3].line)
			require.ErrorIs(t, errors.Unwrap(all[4].err), errCut)
		})
	}
}

// JSON lines have no largest size, one answer has.
func TestDecodeRefusesAnEndlessAnswer(t *testing.T) {
	a, err := newAnswers(io.MultiReader(strings.NewReader("{}\n["), endless{}))
	require.NoError(t, err)
	_, err = a.next()
	require.NoError(t, err)
	require.NoError(t, a.space())
	_, _, err = a.guess()
	require.ErrorContains(t, err, "the answer of line 2 is longer than 120 MiB")
}

type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestDecodeWritesParquet(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "payables.parquet")
	require.NoError(t, os.WriteFile(path, []byte("an older file"), 0o600))
	got := paylakeWith(t, t.Context(), payableB+"\n"+payableX+"\n"+payableA, "decode", "payables", "--parquet", path)
	require.Equal(t, exitIncomplete, got.code, got.stderr)
	require.Equal(t, "pay_x", rows(t, got.stderr)[0]["key"])
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"path": path, "rows": 2.0, "bytes": float64(info.Size())}, rows(t, got.stdout)[0])
	requireOnly(t, dir, "payables.parquet")

	f, err := os.Open(path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	table, err := pqarrow.ReadTable(t.Context(), f, nil, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	require.NoError(t, err)
	defer table.Release()
	_, ep, err := findEndpoint("payables")
	require.NoError(t, err)
	require.EqualValues(t, ep.Table.ArrowSchema().NumFields(), table.NumCols())
	keys := table.Column(table.Schema().FieldIndices("id")[0]).Data().Chunk(0).(*array.String)
	require.Equal(t, []string{"pay_a", "pay_b"}, []string{keys.Value(0), keys.Value(1)}, "rows are in the table's order")
}

// Nothing half written is left, and nothing that was there is lost.
func TestDecodeLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.parquet")
	require.NoError(t, os.WriteFile(path, []byte("an older file"), 0o600))

	got := paylakeWith(t, t.Context(), payableX, "decode", "payables", "--parquet", path)
	require.Equal(t, exitIncomplete, got.code, "no rows")
	got = paylake(t, "decode", "payables", "--parquet", path, write(t, "a.json", payableA), filepath.Join(dir, "absent"))
	require.Equal(t, exitUsage, got.code)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got = paylakeWith(t, ctx, payableA, "decode", "payables", "--parquet", path)
	require.Equal(t, exitInterrupted, got.code, got.stderr)

	requireOnly(t, dir, "out.parquet")
	old, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "an older file", string(old))

	got = paylakeWith(t, t.Context(), payableA, "decode", "payables", "--parquet", filepath.Join(dir, "absent", "out.parquet"))
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "write --parquet")
}

func requireOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, name, entries[0].Name())
}

// A record that comes again after its row was written cannot replace it: that
// is told.
func TestDecodeTellsOfRecordsThatCameTooLate(t *testing.T) {
	var input strings.Builder
	filler := strings.Repeat("x", 1<<20)
	input.WriteString(payableA + "\n")
	for i := range 20 {
		fmt.Fprintf(&input, `{"id": "pay_%02d", "created_at": "2026-03-01T10:00:00Z", "novel": %q}`+"\n", i, filler)
	}
	input.WriteString(strings.Replace(payableA, "paid", "refunded", 1) + "\n")
	got := paylakeWith(t, t.Context(), input.String(), "decode", "payables")
	require.Equal(t, exitIncomplete, got.code)
	require.Len(t, rows(t, got.stdout), 21)
	require.Contains(t, got.stderr, "1 records came again")
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{payableA, payableA + "\n" + payableB, "[", "{}\n{\n{}", "\xef\xbb\xbf1 2", "\n\n", "{\"a\":\n[1]}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		last, n := 0, 0
		for _, a := range allAnswers(t, bytes.NewReader(data)) {
			if a.line < last || (a.err == nil) != json.Valid(a.body) || a.err != nil && a.body != nil {
				t.Fatalf("answer %q at line %d with error %v", a.body, a.line, a.err)
			}
			last = a.line
			if n++; n > len(data)+1 {
				t.Fatal("more answers than bytes")
			}
			if a.err == nil {
				layoutOf(a.body, "data")
			}
		}
	})
}
