package schema

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// decodeOne decodes one record into a table of one field beside the key.
func decodeOne(t *testing.T, f Field, value string) (any, []Reject) {
	t.Helper()
	d, mem := newChecked(t, &Table{Name: "t", Key: []string{"id"}, Fields: []Field{ID("id", ""), f}})
	defer mem.AssertSize(t, 0)
	_, err := d.Page([]byte(`[{"id":"k","v":`+value+`}]`), Layout{}, "req")
	require.NoError(t, err, value)
	if len(d.Rejects()) > 0 {
		require.Zero(t, d.Rows())
		return nil, d.Rejects()
	}
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	return cell(batch.Column(1), 0), nil
}

func micros(t *testing.T, s string) int64 {
	at, err := time.Parse(time.RFC3339Nano, s)
	require.NoError(t, err)
	return at.UnixMicro()
}

func TestCoercions(t *testing.T) {
	at := func(s string) int64 { return micros(t, s) }
	text, integer, number, flag, instant, date := Text("v", ""), Integer("v", ""), Number("v", ""), Flag("v", ""), Instant("v", ""), Day("v", "")
	for _, c := range []struct {
		field Field
		json  string
		want  any
	}{
		{text, `12345678901234567890123`, "12345678901234567890123"},
		{text, `1.50e+3`, "1.50e+3"},
		{text, `""`, ""},
		{text, `"\ud83d\ude00\ud83dx\ud83d\u0041\udc00"`, "😀\uFFFDx\uFFFDA\uFFFD"},
		{integer, `"007"`, errReject}, {integer, `"-12"`, int64(-12)}, {integer, `-9223372036854775808`, int64(-1 << 63)},
		{integer, `""`, nil}, {integer, `10.0`, errReject}, {integer, `1e3`, errReject}, {integer, `9223372036854775808`, errReject},
		{integer, `-9223372036854775809`, errReject}, {integer, `" 1"`, errReject}, {integer, `true`, errReject}, {integer, `99999999999999999999`, errReject},
		{number, `1.5`, int64(1500000)}, {number, `"-0.000001"`, int64(-1)}, {number, `1.5e2`, int64(150000000)}, {number, `1.0000000`, int64(1000000)},
		{number, `999999999999.999999`, int64(999999999999999999)}, {number, `1000000000000`, errReject}, {number, `0.0000001`, errReject},
		{number, `1e-7`, errReject}, {number, `1e99999999999999999999`, errReject}, {number, `0e99999999999999999999`, int64(0)},
		{number, `0.00000000000000000000001e23`, int64(1000000)}, {number, `"1,5"`, errReject}, {number, `".5"`, errReject},
		{flag, `true`, true}, {flag, `"false"`, false}, {flag, `"True"`, errReject}, {flag, `1`, errReject}, {flag, `""`, nil},
		{instant, `"2019-01-22T14:49:44Z"`, at("2019-01-22T14:49:44Z")},
		{instant, `"2024-05-13T01:09:40.6331589Z"`, at("2024-05-13T01:09:40.633158Z")},
		{instant, `"2024-05-13T01:09:40.633158999z"`, at("2024-05-13T01:09:40.633158Z")},
		{instant, `"1969-12-31T23:59:59.0000019Z"`, int64(-999999)},
		{instant, `"2017-06-29T20:23:47"`, at("2017-06-29T20:23:47Z")}, {instant, `"2017-06-29 20:23:47.5"`, at("2017-06-29T20:23:47.5Z")},
		{instant, `"2017-06-29T20:23:47+03:00"`, at("2017-06-29T17:23:47Z")}, {instant, `"2017-06-29T22:23:47-0330"`, at("2017-06-30T01:53:47Z")},
		{instant, `"2017-06-29"`, at("2017-06-29T00:00:00Z")}, {instant, `"0001-01-01T00:00:00"`, nil}, {instant, `"0001-01-01T00:00:00.0000000Z"`, nil},
		{instant, `"0001-01-01"`, nil}, {instant, `""`, nil}, {instant, `"\u0032017-06-29"`, at("2017-06-29T00:00:00Z")},
		{instant, `"2024-02-30T00:00:00Z"`, errReject}, {instant, `"2023-02-29"`, errReject}, {instant, `"2024-13-01"`, errReject}, {instant, `"2024-00-01"`, errReject},
		{instant, `"2024-01-01T24:00:00Z"`, errReject}, {instant, `"2024-01-01T00:00:61Z"`, errReject}, {instant, `"2024-01-01T00:00:00."`, errReject},
		{instant, `"2024-01-01T00:00:00.1234567890Z"`, errReject}, {instant, `"2024-01-01T00:00"`, errReject}, {instant, `"2024-01-01T00:00:00+3"`, errReject},
		{instant, `"2024-01-01T00:00:00Zx"`, errReject}, {instant, `"\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"`, errReject},
		{instant, `1700000000`, errReject}, {instant, `"12024-01-01"`, errReject},
		{date, `"2024-02-29"`, int64(19782)}, {date, `"1969-12-31T23:00:00-03:00"`, int64(0)}, {date, `"1969-12-31T23:59:59Z"`, int64(-1)}, {date, `"x"`, errReject},
		{Attributes("v", ""), `{"n":1.50,"b":true,"z":null,"o":{"a" : [1, "x y"]},"s":"t"}`, []pair{{"n", "1.50"}, {"b", "true"}, {"z", nil}, {"o", `{"a":[1,"x y"]}`}, {"s", "t"}}},
		{Attributes("v", ""), `[ ]`, []pair{}}, {Attributes("v", ""), `[1]`, errReject}, {Attributes("v", ""), `"x"`, errReject}, {Attributes("v", ""), `{"a":1,"a":2}`, errReject},
		{Raw("v", ""), ` { "b" : 1.500 , "a" : [ ] , "\u0041" : "x  y" } `, `{"b":1.500,"a":[],"\u0041":"x  y"}`}, {Raw("v", ""), `"x"`, `"x"`}, {Raw("v", ""), `null`, nil},
		{ListOf("v", "", text), `"one"`, []any{"one"}}, {ListOf("v", "", text), `[]`, []any{}}, {ListOf("v", "", text), `["a",null,7]`, []any{"a", nil, "7"}},
		{ListOf("v", "", Object("e", "", text)), `{"v":"x"}`, []any{map[string]any{"v": "x"}}}, {ListOf("v", "", ListOf("e", "", integer)), `5`, []any{[]any{int64(5)}}},
		{ListOf("v", "", integer), `["x"]`, errReject},
		{Object("v", "", text), `{}`, map[string]any{"v": nil}}, {Object("v", "", text), `[]`, errReject}, {Object("v", "", text), `""`, errReject},
		{Object("v", "", text), `{" v\t":"x"}`, map[string]any{"v": "x"}}, {text, `true`, errReject}, {text, `{}`, errReject},
	} {
		got, rejects := decodeOne(t, c.field, c.json)
		if c.want == errReject {
			require.Len(t, rejects, 1, "%s must be rejected, became %v", c.json, got)
			continue
		}
		require.Empty(t, rejects, c.json)
		require.Equal(t, c.want, got, c.json)
	}
}

// errReject stands for a value that makes the record a reject.
var errReject = fmt.Errorf("reject")

func TestDatesAgreeWithTime(t *testing.T) {
	var c clock
	for d := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC); d.Year() < 10000; d = d.AddDate(0, 0, 17) {
		if got, state := c.parse([]byte(d.Format(time.DateOnly))); state == parsed {
			require.Equal(t, d.UnixMicro(), got, d)
		}
	}
}

func shopTable() *Table {
	customer := Object("customer", "", Text("email", ""), Secret("token", ""))
	return &Table{Name: "orders", Key: []string{"id"}, Time: "created_at", Updated: "updated_at", Fields: []Field{
		ID("id", ""), Instant("created_at", ""), Instant("updated_at", ""), Integer("amount", ""), customer,
		ListOf("charges", "", Object("element", "", Integer("amount", ""), Text("a/b~c", "").named("slashed").FromKey("a/b~c"), customer, Attributes("meta", ""), Raw("raw", "")))}}
}

func (f Field) named(name string) Field {
	f.Name = name
	return f
}

func TestRejectSaysWhereAndWhy(t *testing.T) {
	for _, c := range []struct{ record, pointer, reason string }{
		{`{"id":"k","amount":1.5}`, "/amount", "not an integer of 64 bits"},
		{`{"id":"k","amount":[1]}`, "/amount", "expected an integer, found a list"},
		{`{"id":"k","charges":[{},{"amount":1},{"amount":"x"},{"amount":{}}]}`, "/charges/2/amount", "not an integer of 64 bits"},
		{`{"id":"k","charges":{"amount":"x"}}`, "/charges/amount", "not an integer of 64 bits"},
		{`{"id":"k","charges":[{"a/b~c":true}]}`, "/charges/0/a~1b~0c", "expected text, found true or false"},
		{`{"id":"k","charges":[[]]}`, "/charges/0", "expected an object, found a list"},
		{`{"id":"k","created_at":"soon"}`, "/created_at", "not a timestamp"},
		{`{"id":"k","amount":1,"charges":[],"amount":1}`, "/amount", "duplicate key"},
		{`{"id":"k","amount":null," amount":1}`, "/amount", "duplicate key"},
		{`{"id":"k","charges":[{"meta":{"a":1,"a":1}}]}`, "/charges/0/meta", "duplicate key"},
		{`{"amount":1}`, "/id", "no key"}, {`{"id":""}`, "/id", "no key"}, {`{"id":null}`, "/id", "no key"},
		{`{"id":{},"amount":"x"}`, "/id", "expected text, found an object"},
		{`7`, "", "record is not an object"}, {`null`, "", "record is not an object"},
	} {
		d, _ := newChecked(t, shopTable())
		page, err := d.Page([]byte(`{"data":[`+c.record+`]}`), Layout{}, "req-1")
		require.NoError(t, err)
		require.Equal(t, Page{Records: 1, Rejected: 1}, Page{Records: page.Records, Rejected: page.Rejected})
		require.Zero(t, d.Rows())
		require.Equal(t, 1, d.Distinct())
		require.Len(t, d.Rejects(), 1, c.record)
		r := d.Rejects()[0]
		require.Equal(t, c.pointer, r.Pointer, c.record)
		require.Equal(t, c.reason, strings.TrimSuffix(r.Reason, reasonRemoved), c.record)
		require.Equal(t, "req-1", r.RequestID)
		if strings.Contains(c.record, `"id":"k"`) {
			require.Equal(t, "k", r.Key)
			if !strings.HasSuffix(r.Reason, reasonRemoved) {
				require.Equal(t, c.record, string(r.Record))
			}
		}
	}
}

func TestKeyAfterTheFaultIsFound(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	page, err := d.Page([]byte(`[{"amount":"x","customer":{"email":"e"},"id":"late"},{"id":"good"}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, "late", d.Rejects()[0].Key)
	require.Equal(t, "late", page.First)
	require.Equal(t, "good", page.Last)
	require.Equal(t, 1, d.Rows())
}

func TestInvalidUTF8RejectsOnlyItsRecord(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	page, err := d.Page([]byte("[{\"id\":\"a\"},{\"id\":\"b\",\"x\":\"\xff\"},{\"id\":\"c\",\"amount\":\"\xc3\"}]"), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, 1, page.Kept)
	require.Len(t, d.Rejects(), 2)
	for i, key := range []string{"b", "c"} {
		r := d.Rejects()[i]
		require.True(t, r.Invalid)
		require.Equal(t, "not valid UTF-8", r.Reason)
		require.Equal(t, key, r.Key)
	}
}

func TestNeverStoreLeavesNoTrace(t *testing.T) {
	const secret = "hunter2"
	bad := func(body string) string { return `{"id":"r` + fmt.Sprint(len(body)) + `","amount":"x",` + body + `}` }
	bodies := []string{
		`"customer":{"token":"hunter2","email":"e"}`, `"customer":{" Token ":"hunter2"}`, `"customer":{"\u0074oken":["hunter2"]}`,
		`"Customer":{"TOKEN":"hunter2"}`, `"new":[{"deep":{"token":{"x":"hunter2"}}}]`, `"charges":[{"customer":{"token":"hunter2"}}]`,
		`"charges":{"customer":{"token":"hunter2"},"z":{"token":"hunter2"}}`, `"charges":[{"raw":{"a":[{"token":"hunter2"}]}}]`,
		`"charges":[{"meta":{"token":"hunter2","k":{"token":"hunter2"}}}]`, `"token":"hunter2"`,
	}
	shapes := []string{`"customer":[{"token":"hunter2"}]`, `" customer ":"hunter2"`, `"charges":[["hunter2"]]`, `"charges":"hunter2"`, `"charges":[{"customer":["hunter2"]}]`}
	d, mem := newChecked(t, shopTable())
	defer mem.AssertSize(t, 0)
	for i, body := range append(bodies, shapes...) {
		_, err := d.Page([]byte(`[{"id":"g`+fmt.Sprint(i)+`",`+body+`},`+bad(body)+`]`), Layout{}, "")
		require.NoError(t, err)
	}
	require.Equal(t, len(bodies), d.Rows())
	require.Len(t, d.Rejects(), len(bodies)+2*len(shapes))
	for _, r := range d.Rejects() {
		require.NotContains(t, string(r.Record)+r.Reason, secret)
		require.NotContains(t, strings.ToLower(string(r.Record)), `"token`)
	}
	require.Contains(t, d.Rejects()[len(bodies)].Reason, "never stored")
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	for row := range int(batch.NumRows()) {
		require.NotContains(t, string(EncodeRow(nil, batch, row)), secret)
	}
}

func TestRejectOfOddShapeKeepsTheRest(t *testing.T) {
	d, _ := newChecked(t, shopTable())
	_, err := d.Page([]byte(`[{"id":"k", "customer":[{"token":"t"}], "charges":[{"amount":1, "customer":{"token":1,"email":"e"}}]}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, `{"id":"k","customer":null,"charges":[{"amount":1,"customer":{"email":"e"}}]}`, string(d.Rejects()[0].Record))
	_, err = d.Page([]byte(`[["t"]]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, `null`, string(d.Rejects()[1].Record))
}

func TestUnknownKeysGoToExtra(t *testing.T) {
	d, mem := newChecked(t, shopTable())
	defer mem.AssertSize(t, 0)
	_, err := d.Page([]byte(`[{"id":"k","a":{"x" : 1},"customer":{"new_key":"v"},"charges":[{},{"x":1.50,"gone":null},{"x":2}],"a":3," a ":4},
		{"id":"l","amount":"bad","a":1},{"id":"m"},{"id":"n","charges":{"x":"one"},"token":"t"}]`), Layout{}, "")
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"a": 4, "customer.new_key": 1, "charges[].x": 3, "charges[].gone": 1, "token": 1}, d.Extra())
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	extra := batch.Column(int(batch.NumCols()) - 1)
	require.Equal(t, `{"a":{"x":1},"customer.new_key":"v","charges[1].x":1.50,"charges[2].x":2,"a#2":3,"a#3":4}`, cell(extra, 0))
	require.Nil(t, cell(extra, 1))
	require.Equal(t, `{"charges[0].x":"one"}`, cell(extra, 2))
}

func TestManyUnknownKeysAreToldApart(t *testing.T) {
	var parts []string
	for i := range 100 {
		parts = append(parts, fmt.Sprintf(`"n%d":1,"n%d":2`, i, i))
	}
	d, _ := newChecked(t, shopTable())
	_, err := d.Page([]byte(`[{"id":"k",`+strings.Join(parts, ",")+`,"n0":3},{"id":"l","n7":3}]`), Layout{}, "")
	require.NoError(t, err)
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	extra := batch.Column(int(batch.NumCols()) - 1)
	require.Equal(t, 100, strings.Count(cell(extra, 0).(string), `#2":2`))
	require.Contains(t, cell(extra, 0), `,"n0#3":3}`)
	require.Equal(t, `{"n7":3}`, cell(extra, 1))
}
