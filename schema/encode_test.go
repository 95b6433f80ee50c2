package schema

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestEncodeRow(t *testing.T) {
	d, mem := newChecked(t, everyKind())
	defer mem.AssertSize(t, 0)
	d.Reset(time.Time{}, time.Time{}, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC))
	_, err := d.Page([]byte(`[{"id":"k\"\u0001\n","at":"1969-12-31T23:59:59.9Z","o":{"n":-0.000001,"d":"1969-12-31","m":{"a":null,"b":"1"},"l":[1,null]},
		"list":[],"maps":[{},null],"n":"12.5","b":false,"j":[1, 2]}]`), Layout{}, "")
	require.NoError(t, err)
	got := lines(t, d)
	require.True(t, json.Valid([]byte(got[0])))
	require.Equal(t, `{"id":"k\"\u0001\n","at":"1969-12-31T23:59:59.900000Z","changed":null,`+
		`"o":{"s":null,"i":null,"n":-0.000001,"b":null,"t":null,"d":"1969-12-31","m":{"a":null,"b":"1"},"j":null,"l":[1,null],"ls":null},`+
		`"list":[],"lists":null,"maps":[{},null],"raws":null,"s":null,"i":null,"n":12.500000,"b":false,"t":null,"d":null,"m":null,"j":"[1,2]",`+
		`"_extracted_at":"2026-11-21T00:00:00.000000Z","_connection":"shop","_extra":null}`+"\n", got[0])
}
