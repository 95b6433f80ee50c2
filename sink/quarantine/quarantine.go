package quarantine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
)

// root is where the quarantine lies in the lake.
const root = "_paylake/quarantine/"

// Entry is one rejected record and where it came from. It is one line of an
// object, as JSON.
type Entry struct {
	Stream     string `json:"stream"`
	Connection string `json:"connection"`
	// Since and Until bound the window that was read, half-open, in UTC. Both
	// are zero for a list that was read as a whole.
	Since     time.Time `json:"since,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	RunID     string    `json:"run_id,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Key       string    `json:"key,omitempty"`
	Pointer   string    `json:"pointer"` // RFC 6901; "" is the whole record
	Reason    string    `json:"reason"`
	// Record is the record's JSON text. RecordBase64 holds its bytes instead
	// when they are not valid JSON in UTF-8.
	Record       json.RawMessage `json:"record,omitempty"`
	RecordBase64 string          `json:"record_base64,omitempty"`
}

// WithReject returns the entry completed by what the decoder said of a record.
func (e Entry) WithReject(r schema.Reject) Entry {
	e.RequestID, e.Key, e.Pointer, e.Reason = r.RequestID, r.Key, r.Pointer, r.Reason
	e.Record, e.RecordBase64 = nil, ""
	if r.Invalid || !json.Valid(r.Record) {
		e.RecordBase64 = base64.StdEncoding.EncodeToString(r.Record)
	} else {
		e.Record = r.Record
	}
	return e
}

// Write makes the entries durable as one object of the lake,
// _paylake/quarantine/<table>/<since>-<hash>.jsonl, and returns its key. table
// is the table's path in the lake, e.g. "raw/pagarme/orders"; since is the
// earliest of the entries, or "all".
//
// The hash covers what was rejected and why, not the run, the request or the
// end of the window: the same rejects read again have the same key and are not
// written a second time. n is the number of entries written by this call, so 0
// when the object was there. Without entries Write does nothing and the key is
// empty. The entries are not changed.
func Write(ctx context.Context, st store.Store, table string, entries []Entry) (key string, n int, err error) {
	if len(entries) == 0 {
		return "", 0, nil
	}
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, compare)
	body, hash, err := encode(sorted)
	if err != nil {
		return "", 0, fmt.Errorf("write quarantine of %s: %w", table, err)
	}
	key = root + table + "/" + start(sorted) + "-" + hash + ".jsonl"
	switch err := st.Create(ctx, key, body); {
	case errors.Is(err, store.ErrExists):
		return key, 0, nil
	case err != nil:
		return "", 0, fmt.Errorf("write quarantine of %s: %w", table, err)
	}
	return key, len(entries), nil
}

// compare orders entries by what the hash covers, so that the order in which
// pages came does not matter.
func compare(a, b Entry) int {
	return cmp.Or(
		cmp.Compare(a.Key, b.Key),
		bytes.Compare(a.Record, b.Record),
		cmp.Compare(a.RecordBase64, b.RecordBase64),
		cmp.Compare(a.Pointer, b.Pointer),
		cmp.Compare(a.Reason, b.Reason),
	)
}

func start(entries []Entry) string {
	first := slices.MinFunc(entries, func(a, b Entry) int { return a.Since.Compare(b.Since) }).Since
	if first.IsZero() {
		return "all"
	}
	return first.UTC().Format("20060102T150405Z")
}

func encode(entries []Entry) (body []byte, hash string, err error) {
	lines, sum := new(bytes.Buffer), sha256.New()
	full, identity := json.NewEncoder(lines), json.NewEncoder(sum)
	full.SetEscapeHTML(false)
	for _, e := range entries {
		e.Since, e.Until = utc(e.Since), utc(e.Until)
		if err := full.Encode(e); err != nil {
			return nil, "", fmt.Errorf("encode record %q: %w", e.Key, err)
		}
		e.Since, e.Until, e.RunID, e.RequestID = time.Time{}, time.Time{}, "", ""
		if err := identity.Encode(e); err != nil {
			return nil, "", fmt.Errorf("encode record %q: %w", e.Key, err)
		}
	}
	return lines.Bytes(), hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}
