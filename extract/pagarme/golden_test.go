package pagarme_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/schema"
)

// secretMark begins every value in the fixtures that must not be stored.
const secretMark = "SECRET-"

// What an answer becomes in the table is seen in the golden rows: every stream
// has saved answers (name.json, name-*.json) and the rows that they give.
func TestAnswersBecomeTheirGoldenRows(t *testing.T) {
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		rows, _ := decodeFixtures(t, ep)
		golden(t, ep.Table.Name+".golden.jsonl", rows)
	})
}

// Promise "secret": a field marked NeverStore reaches no column and no _extra.
func TestSecretsOfAnswersAreNotStored(t *testing.T) {
	withSecrets := 0
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		rows, answers := decodeFixtures(t, ep)
		require.NotContains(t, rows, secretMark)
		if strings.Contains(answers, secretMark) {
			withSecrets++
		}
	})
	require.Equal(t, 3, withSecrets, "the fixtures of orders, charges and hooks hold secrets, or this test proves nothing")
}

// Promise "nothing-dropped": what the tables do not know is in _extra.
func TestUnknownFieldsOfAnswersAreKept(t *testing.T) {
	unknown := map[string]string{
		"orders":             `whatsapp`,
		"charges":            `cycle_start`,
		"payables":           `arrangement`,
		"balance_operations": `desk`,
		"recipients":         `in_analysis`,
		"recipient_balance":  `blocked_amount`,
		"hooks":              `partition_key`,
	}
	eachStream(t, func(t *testing.T, ep extract.Endpoint) {
		rows, _ := decodeFixtures(t, ep)
		require.Contains(t, rows, unknown[ep.Table.Name])
	})
}

// decodeFixtures decodes all saved answers of a stream as one window and
// returns the rows as JSON lines, and the text of the answers.
func decodeFixtures(t *testing.T, ep extract.Endpoint) (rows, answers string) {
	t.Helper()
	decoder, err := schema.NewDecoder(ep.Table, &schema.DecoderOptions{Connection: "loja"})
	require.NoError(t, err)
	snapshot := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	decoder.Reset(time.Time{}, time.Time{}, snapshot)
	if ep.Parent != "" {
		decoder.Inject(ep.ParentColumn, "rp_X1cV3bN5mQ7wE9rT")
		decoder.Inject(ep.SnapshotTime, snapshot)
	}
	layout := schema.Layout{DataKey: cmp.Or(ep.DataKey, "data"), Single: ep.Paging == extract.SingleObject}
	for _, path := range fixturesOf(t, ep.Table.Name) {
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		answers += string(body)
		page, err := decoder.Page(body, layout, "request-1")
		require.NoError(t, err, path)
		require.Positive(t, page.Records, path)
		require.Equal(t, page.Records, page.Kept, path)
	}
	require.Empty(t, decoder.Rejects())
	return encode(t, decoder), answers
}

func fixturesOf(t *testing.T, stream string) []string {
	t.Helper()
	more, err := filepath.Glob(filepath.Join(fixtures, stream+"-*.json"))
	require.NoError(t, err)
	return append([]string{filepath.Join(fixtures, stream+".json")}, more...)
}

func encode(t *testing.T, decoder *schema.Decoder) string {
	t.Helper()
	batch, err := decoder.Build()
	require.NoError(t, err)
	defer batch.Release()
	var out []byte
	for row := range int(batch.NumRows()) {
		out = schema.EncodeRow(out, batch, row)
	}
	return string(out)
}
