package quarantine_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/quarantine"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

const table = "raw/pagarme/orders"

var since = time.Date(2026, 3, 1, 0, 0, 0, 0, time.FixedZone("BRT", -3*3600))

func entry(key, runID string) quarantine.Entry {
	return quarantine.Entry{
		Stream: "orders", Connection: "loja", Since: since, Until: since.AddDate(0, 0, 1), RunID: runID, RequestID: "req-" + runID,
		Key: key, Pointer: "/amount", Reason: "not an integer", Record: json.RawMessage(`{"id":"` + key + `","amount":"<x>"}`),
	}
}

func TestEntriesAreKept(t *testing.T) {
	st := mem.New()
	key, n, err := quarantine.Write(t.Context(), st, table, []quarantine.Entry{entry("or_2", "r1"), entry("or_1", "r1")})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Regexp(t, `^_paylake/quarantine/raw/pagarme/orders/20260301T030000Z-[0-9a-f]{32}\.jsonl$`, key)

	data, err := store.ReadAll(t.Context(), st, key)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	require.Len(t, lines, 2)
	require.JSONEq(t, `{"stream":"orders","connection":"loja","since":"2026-03-01T03:00:00Z","until":"2026-03-02T03:00:00Z","run_id":"r1",
		"request_id":"req-r1","key":"or_1","pointer":"/amount","reason":"not an integer","record":{"id":"or_1","amount":"<x>"}}`, lines[0])
	require.Contains(t, lines[1], `"amount":"<x>"`, "the text of the record is not escaped anew")
}

func TestSameRejectsAreWrittenOnce(t *testing.T) {
	st := mem.New()
	first, _, err := quarantine.Write(t.Context(), st, table, []quarantine.Entry{entry("or_1", "r1"), entry("or_2", "r1")})
	require.NoError(t, err)

	again := []quarantine.Entry{entry("or_2", "r2"), entry("or_1", "r2")}
	again[0].Until = again[0].Until.Add(time.Hour) // the newest window grows from run to run
	key, n, err := quarantine.Write(t.Context(), st, table, again)
	require.NoError(t, err)
	require.Equal(t, first, key)
	require.Zero(t, n)

	changed := entry("or_1", "r3")
	changed.Reason = "does not fit int64"
	key, n, err = quarantine.Write(t.Context(), st, table, []quarantine.Entry{changed})
	require.NoError(t, err)
	require.NotEqual(t, first, key)
	require.Equal(t, 1, n)
	require.Equal(t, 3, st.Calls(mem.Create))
}

func TestNoEntriesNoObject(t *testing.T) {
	st := mem.New()
	key, n, err := quarantine.Write(t.Context(), st, table, nil)
	require.NoError(t, err)
	require.Empty(t, key)
	require.Zero(t, n)
	require.Zero(t, st.Calls(""))
}

func TestUnboundedWindow(t *testing.T) {
	e := entry("re_1", "r1")
	e.Since, e.Until = time.Time{}, time.Time{}
	key, _, err := quarantine.Write(t.Context(), mem.New(), table, []quarantine.Entry{e})
	require.NoError(t, err)
	require.Contains(t, key, "/orders/all-")
}

func TestStoreErrorIsReturned(t *testing.T) {
	st, full := mem.New(), errors.New("no space left")
	st.FailAt(1, full)
	_, n, err := quarantine.Write(t.Context(), st, table, []quarantine.Entry{entry("or_1", "r1")})
	require.ErrorIs(t, err, full)
	require.ErrorContains(t, err, table)
	require.Zero(t, n)
}

func TestRecordThatIsNotTextIsKept(t *testing.T) {
	for _, record := range []string{"{\"id\":\"\xff\"}", `{"id":`, ""} {
		e := quarantine.Entry{Stream: "orders"}.WithReject(schema.Reject{
			Record: []byte(record), Reason: "not UTF-8", RequestID: "q1", Invalid: record != "" && record[len(record)-1] == '}',
		})
		st := mem.New()
		key, _, err := quarantine.Write(t.Context(), st, table, []quarantine.Entry{e})
		require.NoError(t, err)
		data, err := store.ReadAll(t.Context(), st, key)
		require.NoError(t, err)
		var got quarantine.Entry
		require.NoError(t, json.Unmarshal(data, &got))
		kept, err := base64.StdEncoding.DecodeString(got.RecordBase64)
		require.NoError(t, err)
		require.Equal(t, record, string(kept))
		require.Equal(t, "q1", got.RequestID)
	}
}

func TestRejectBecomesEntry(t *testing.T) {
	e := entry("", "r1").WithReject(schema.Reject{Record: []byte(`{"id":"or_9"}`), Key: "or_9", Pointer: "/items/0/amount", Reason: "not an integer"})
	require.Equal(t, "or_9", e.Key)
	require.Equal(t, "/items/0/amount", e.Pointer)
	require.Equal(t, "orders", e.Stream)
	require.JSONEq(t, `{"id":"or_9"}`, string(e.Record))
	require.Empty(t, e.RecordBase64)
}
