package main

import (
	"encoding/json"

	"github.com/paylake/paylake/schema"
)

// sampleRecords is how many records are looked at: enough to tell one stream
// from another, and nothing to wait for.
const sampleRecords = 100

// names counts the names of the first records' top-level fields.
type names struct {
	known       map[string]bool
	looked      int
	seen, alien int
}

func newNames(table *schema.Table) names {
	n := names{known: map[string]bool{}}
	for _, f := range table.Fields {
		n.known[f.Name] = true
		if f.Key != "" {
			n.known[f.Key] = true
		}
	}
	return n
}

// look counts the names of an answer that was decoded.
func (n *names) look(body []byte, layout schema.Layout) {
	if n.looked >= sampleRecords {
		return
	}
	for _, record := range recordsOf(body, layout) {
		if n.looked++; n.looked > sampleRecords {
			return
		}
		for name := range record {
			n.seen++
			if !n.known[name] {
				n.alien++
			}
		}
	}
}

// strange tells whether more than half of the names are unknown. A handful of
// names tells nothing.
func (n *names) strange() bool { return n.seen > 4 && 2*n.alien > n.seen }

// recordsOf gives the records of an answer, without those that are no objects.
func recordsOf(body []byte, layout schema.Layout) []map[string]json.RawMessage {
	list := []json.RawMessage{body}
	if !layout.Single {
		if body[0] != '[' {
			var envelope map[string]json.RawMessage
			if json.Unmarshal(body, &envelope) != nil {
				return nil
			}
			body = envelope[layout.DataKey]
		}
		if json.Unmarshal(body, &list) != nil {
			return nil
		}
	}
	var records []map[string]json.RawMessage
	for _, text := range list {
		var record map[string]json.RawMessage
		if json.Unmarshal(text, &record) == nil {
			records = append(records, record)
		}
	}
	return records
}
