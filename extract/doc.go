// Package extract reads the list endpoints of payment platforms: one endpoint
// and one window of creation time at a time, from HTTP answers to decoded,
// deduplicated and complete rows.
//
// A Client belongs to one connection: it builds requests, authenticates,
// waits for the rate limits, retries and bounds answers. A Reader belongs to
// one stream of a run: it finds out how the source speaks (page size, paging
// style, precision of the creation filter) and reads windows.
//
// It never follows links of answers, never sends credentials to another host,
// never logs a key or a query, and writes nothing to disk.
//
// Invariants:
//   - complete: Read returns rows only with a Proof that they are all.
//   - polite: the configured share of a limit is never exceeded, and one 429
//     slows every request of its row.
//   - secret: no error and no log line holds a key, a query or an answer.
//   - Goroutines that a call starts end before it returns.
//
// It may import schema and extract/window.
package extract
