package schema

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Secret: JSON text inside a JSON string may hold what must never be stored. Such
// a string is dropped as a whole, wherever it lies; a text that only mentions the
// name stays.
func TestSecretsInTextsInsideJSON(t *testing.T) {
	table := &Table{Name: "events", Key: []string{"id"}, Version: 1, Fields: []Field{
		ID("id", ""), Raw("data", ""), Secret("pdf_password", ""),
	}}
	d, err := NewDecoder(table, nil)
	require.NoError(t, err)
	d.Reset(time.Time{}, time.Time{}, time.Unix(0, 0))
	_, err = d.Page([]byte(`[
		{"id":"a","data":"{\"last\":{\"pdf_password\":\"canary\"}}"},
		{"id":"b","data":{"raw":"[{\"PDF_password\": \"canary\"}]","note":"kept \"as\" it is"}},
		{"id":"c","data":{"raw":"{\"deep\":\"{\\\"pdf_password\\\":\\\"canary\\\"}\"}"}},
		{"id":"d","data":{"raw":"{\u0022pdf_password\u0022:\u0022canary\u0022}"}},
		{"id":"e","data":{"note":"set a pdf_password, \"please\""},"unknown":"{\"pdf_password\":\"canary\"}"},
		{"id":"f","id":"f","data":"{\"pdf_password\":\"canary\"}"}
	]`), Layout{}, "")
	require.NoError(t, err)
	batch, err := d.Build()
	require.NoError(t, err)
	defer batch.Release()
	text := ""
	for i := range int(batch.NumRows()) {
		text += string(EncodeRow(nil, batch, i))
	}
	require.NotContains(t, text, "canary")
	require.Contains(t, text, `kept \\\"as\\\" it is`)
	require.Contains(t, text, `set a pdf_password`)
	require.Len(t, d.Rejects(), 1)
	require.NotContains(t, string(d.Rejects()[0].Record), "canary")
}
