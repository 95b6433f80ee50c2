package schema

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		body   string
		layout Layout
		keys   string
		bad    string
	}{
		{`{"data":[{"id":"a"}],"paging":{"total":1}}`, Layout{}, "a", ""},
		{`{"paging":{"total":1}," data ":[{"id":"a"},{"id":"b"}]}`, Layout{DataKey: "data"}, "ab", ""},
		{`{"rows":[{"id":"a"}],"data":7}`, Layout{DataKey: "rows"}, "a", ""},
		{` [ {"id":"a"} , {"id":"b"} ] `, Layout{}, "ab", ""},
		{`{"data":[]}`, Layout{}, "", ""}, {`[]`, Layout{Single: true}, "", ""},
		{`{"id":"a","data":null}`, Layout{Single: true}, "a", ""},
		{`{"data":null}`, Layout{}, "", ""}, {`{"data": null ,"paging":{"total":0}}`, Layout{}, "", ""}, {`{"paging":{"total":3}}`, Layout{DataKey: "rows"}, "", ""},
		{`{"message":"no"}`, Layout{}, "", "no list of records"}, {`{"paging":null}`, Layout{}, "", "no list of records"}, {`{"paging":[]}`, Layout{}, "", "no list of records"},
		{`{"data":"x","paging":{}}`, Layout{}, "", "no list"}, {`{"data":nul}`, Layout{}, "", "a character"}, {`{"data":null,"data":[{"id":"a"}]}`, Layout{}, "", "two lists"},
		{`{"data":{"id":"a"}}`, Layout{}, "", "no list"}, {`{}`, Layout{}, "", "no list of records"},
		{`{"paging":{}}`, Layout{}, "", ""}, {`{"data":[],"data":[]}`, Layout{}, "", "two lists"}, {`null`, Layout{}, "", "no list of records"},
		{`"x"`, Layout{Single: true}, "", "no list of records"}, {``, Layout{}, "", "too early"}, {`{"data":[{"id":"a"}]`, Layout{}, "", "too early"},
		{`{"data":[{"id":"a"}]}}`, Layout{}, "", "more text"}, {"<html><body>busy</body></html>", Layout{}, "", "web page"},
		{`{"data":[{"id":"a"},]}`, Layout{}, "", "a character"}, {`{"data":[{"id":"a"}],}`, Layout{}, "", "a character"},
		{`{"data":[{"id":"a",}]}`, Layout{}, "", "a character"}, {`{"data":[{"id":"a","x":"` + "\n" + `"}]}`, Layout{}, "", "a character"},
		{`[{"id":"a","amount":01}]`, Layout{}, "", "a character"}, {`[{"id":"a","amount":-}]`, Layout{}, "", "a character"},
		{`[{"id":"a","x":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}]`, Layout{}, "", "too deep"},
	} {
		d, _ := newChecked(t, shopTable())
		page, err := d.Page([]byte(c.body), c.layout, "")
		if c.bad != "" {
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax, c.body)
			require.Contains(t, syntax.Detail, c.bad, c.body)
			require.LessOrEqual(t, syntax.Offset, len(c.body))
			require.Zero(t, d.Rows())
			continue
		}
		require.NoError(t, err, c.body)
		require.Equal(t, len(c.keys), page.Records, c.body)
		require.Equal(t, len(c.keys), d.Rows())
	}
}

func TestPageReportsWhatItSaw(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	body := []byte(`{"paging":{"total": 5},"data":[{"id":"a","created_at":"2024-01-02"},{"id":"b","created_at":"2023-01-01"},{"id":"c"},{"id":"d","created_at":"2024-01-03T00:00:00Z"}],"x":null}`)
	since := time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)
	d.Reset(since, since.AddDate(0, 0, 1), since)
	page, err := d.Page(body, Layout{}, "")
	require.NoError(t, err)
	clear(body)
	require.Equal(t, Page{Records: 4, Kept: 1, Outside: 2, Rejected: 1, First: "a", Last: "d", Digest: page.Digest,
		Oldest: since.AddDate(-1, 0, -1), Newest: since.AddDate(0, 0, 1),
		Members: map[string][]byte{"paging": []byte(`{"total": 5}`), "x": []byte("null")}}, page)
	require.Equal(t, 4, d.Distinct())
	require.Equal(t, Reject{Record: []byte(`{"id":"c"}`), Key: "c", Pointer: "/created_at", Reason: "no time"}, d.Rejects()[0])
}

func TestDigestDependsOnKeysAndOrder(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	digest := func(body string) uint64 {
		page, err := d.Page([]byte(body), Layout{}, "")
		require.NoError(t, err)
		return page.Digest
	}
	ab := digest(`[{"id":"a"},{"id":"b"}]`)
	require.Equal(t, ab, digest(`[{"id":"a","amount":1},{"id":"b"}]`))
	require.NotEqual(t, ab, digest(`[{"id":"b"},{"id":"a"}]`))
	require.NotEqual(t, ab, digest(`[{"id":"a"}]`))
}

func TestSyntaxErrorTakesThePageBack(t *testing.T) {
	table := everyKind()
	for seed := range uint64(150) {
		m := maker{rand.New(rand.NewPCG(seed, 9)), 0.02}
		first, second := m.page(table), m.page(table)
		d, mem := newChecked(t, table)
		clean, _ := newChecked(t, table)
		_, errFirst := clean.Page(first, Layout{}, "")
		_, err := d.Page(first, Layout{}, "")
		require.Equal(t, errFirst, err)
		for range 5 { // the same answer, cut short or damaged somewhere
			broken := bytes.Clone(second[:m.IntN(len(second)+1)])
			if len(broken) > 0 && m.chance(0.5) {
				broken[m.IntN(len(broken))] = '!'
			}
			before := d.cols.size()
			if _, err := d.Page(broken, Layout{}, "broken"); err != nil {
				require.Equal(t, before, d.cols.size())
				require.Equal(t, clean.Rows(), d.Rows())
				require.Equal(t, clean.Distinct(), d.Distinct())
				require.ElementsMatch(t, clean.Rejects(), d.Rejects())
				require.Equal(t, clean.Extra(), d.Extra())
			} else {
				_, err = clean.Page(broken, Layout{}, "broken")
				require.NoError(t, err)
			}
		}
		want, _ := clean.Page(second, Layout{}, "")
		got, _ := d.Page(second, Layout{}, "")
		require.Equal(t, want, got)
		require.Equal(t, lines(t, clean), lines(t, d), "seed %d", seed)
		mem.AssertSize(t, 0)
	}
}

// lines builds a decoder's rows and returns them as JSON.
func lines(t *testing.T, d *Decoder) []string {
	batch, err := d.Build()
	require.NoError(t, err)
	if batch == nil {
		return nil
	}
	defer batch.Release()
	var out []string
	for row := range int(batch.NumRows()) {
		out = append(out, string(EncodeRow(nil, batch, row)))
	}
	return out
}

// recordText writes a record of shopTable. A field with the value "" is left out.
func recordText(id, created, updated string, amount int) string {
	out := fmt.Sprintf(`{"id":%q,"amount":%d`, id, amount)
	if created != "" {
		out += fmt.Sprintf(`,"created_at":%q`, created)
	}
	if updated != "" {
		out += fmt.Sprintf(`,"updated_at":%q`, updated)
	}
	return out + "}"
}

func TestNewerVersionWins(t *testing.T) {
	for _, c := range []struct {
		name, first, second string
		want                int
	}{
		{"later update", recordText("k", "2024-01-01", "2024-01-02", 1), recordText("k", "2024-01-01", "2024-01-03", 2), 2},
		{"earlier update", recordText("k", "2024-01-01", "2024-01-03", 1), recordText("k", "2024-01-01", "2024-01-02", 2), 1},
		{"same update", recordText("k", "2024-01-01", "2024-01-02", 1), recordText("k", "2024-01-01", "2024-01-02", 2), 2},
		{"one has no update", recordText("k", "2024-01-01", "2024-01-02", 1), recordText("k", "2024-01-01", "", 2), 2},
	} {
		for _, bodies := range [][]string{{c.first, c.second}, {c.first + "," + c.second}} {
			d, mem := newChecked(t, shopTable())
			kept, duplicates := 0, 0
			for _, body := range bodies {
				page, err := d.Page([]byte("["+recordText("other", "2024-01-01", "", 9)+","+body+"]"), Layout{}, "")
				require.NoError(t, err)
				kept, duplicates = kept+page.Kept, duplicates+page.Duplicates
			}
			require.Equal(t, 2, kept)
			require.Equal(t, len(bodies), duplicates)
			require.Equal(t, 2, d.Rows())
			require.Equal(t, 2, d.Distinct())
			got := lines(t, d)
			require.Len(t, got, 2)
			require.Contains(t, got[0], `"id":"k","created_at":"2024-01-01T00:00:00.000000Z"`, c.name)
			require.Contains(t, got[0], fmt.Sprintf(`"amount":%d`, c.want), c.name)
			mem.AssertSize(t, 0)
		}
	}
}

func TestRowsThatLeftStay(t *testing.T) {
	d, mem := newChecked(t, shopTable())
	defer mem.AssertSize(t, 0)
	add := func(records ...string) Page {
		page, err := d.Page([]byte("["+strings.Join(records, ",")+"]"), Layout{}, "")
		require.NoError(t, err)
		return page
	}
	add(recordText("a", "2024-01-01", "2024-01-05", 1), recordText("b", "2024-01-01", "", 1))
	require.Len(t, lines(t, d), 2)
	require.Zero(t, d.Rows())
	page := add(recordText("a", "2024-01-01", "2024-01-05", 1), recordText("c", "2024-01-01", "", 1))
	require.Equal(t, 1, page.Duplicates)
	require.Equal(t, 0, d.Late(), "the same update time: nothing is lost")
	add(recordText("a", "2024-01-01", "2024-01-06", 2))
	require.Equal(t, 1, d.Late())
	add(recordText("b", "2024-01-01", "", 1))
	require.Equal(t, 1, d.Late(), "the same text: nothing is lost")
	add(recordText("b", "2024-01-01", "", 2))
	require.Equal(t, 2, d.Late(), "without update times another text may be newer")
	require.Equal(t, 3, d.Distinct())
	add(recordText("c", "2024-01-01", "", 7))
	got := lines(t, d)
	require.Len(t, got, 1)
	require.Contains(t, got[0], `"amount":7`, "a row that has not left is still replaced")
	batch, err := d.Build()
	require.NoError(t, err)
	require.Nil(t, batch)
}

func TestDistinctCountsEachRecordOnce(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	d.Reset(since, since.AddDate(0, 0, 1), since)
	body := []byte("[" + strings.Join([]string{recordText("in", "2024-01-01", "", 1), recordText("out", "2025-01-01", "", 1),
		`{"id":"bad","amount":"x"}`, `{"amount":"no key"}`, `7`}, ",") + "]")
	first, err := d.Page(body, Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, []int{5, 1, 1, 3, 0}, []int{first.Records, first.Kept, first.Outside, first.Rejected, first.Duplicates})
	again, err := d.Page(body, Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, []int{5, 0, 0, 0, 5}, []int{again.Records, again.Kept, again.Outside, again.Rejected, again.Duplicates})
	require.Equal(t, first.Digest, again.Digest)
	require.Equal(t, 5, d.Distinct())
	require.Len(t, d.Rejects(), 3)
	require.Equal(t, 1, d.Rows())
	// A version that can be stored makes a row of a record without one.
	fixed, err := d.Page([]byte("["+recordText("bad", "2024-01-01", "", 2)+","+recordText("out", "2024-01-01", "", 1)+"]"), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, 2, fixed.Kept)
	require.Equal(t, 3, d.Rows())
	require.Equal(t, 5, d.Distinct())
}

func TestResetForgetsEverything(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	_, err := d.Page([]byte(`[{"id":"a","new":1},{"id":"b","amount":"x"}]`), Layout{}, "")
	require.NoError(t, err)
	d.Reset(time.Time{}, time.Time{}, time.Now())
	require.Zero(t, d.Rows())
	require.Zero(t, d.Distinct())
	require.Zero(t, d.Bytes())
	require.Empty(t, d.Rejects())
	require.Empty(t, d.Extra())
	page, err := d.Page([]byte(`[{"id":"a"}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, 1, page.Kept)
	page, err = d.Page([]byte(`[{"id":"b","amount":"x"}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, 1, page.Rejected)
	require.Len(t, d.Rejects(), 1)
}

func TestWindowIsHalfOpenInMicroseconds(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	since := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		since, until time.Time
		kept         int
	}{
		{since, since.Add(time.Microsecond), 1}, {since, since, 0}, {since.Add(1), since.Add(time.Hour), 1},
		{since, since.Add(1001), 2}, {since, time.Time{}, 2}, {time.Time{}, since, 0}, {time.Time{}, time.Time{}, 2},
	} {
		d.Reset(c.since, c.until, since)
		page, err := d.Page([]byte(`[{"id":"a","created_at":"2024-01-01"},{"id":"b","created_at":"2024-01-01T00:00:00.000001Z"}]`), Layout{}, "")
		require.NoError(t, err)
		require.Equal(t, c.kept, page.Kept, c)
		require.Equal(t, 2-c.kept, page.Outside, c)
	}
}
