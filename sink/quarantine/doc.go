// Package quarantine keeps the records that no table could take, as JSON
// lines, where an operator can read and repair them.
//
// Invariants:
//   - entries are durable before Write returns, so that the commit which counts
//     them comes after them;
//   - the same rejects read again are not written again;
//   - nothing is added that the decoder left out: a field marked NeverStore is
//     not in schema.Reject and so not here.
//
// It never decides what is a reject and never deletes anything. It imports
// schema and sink/store.
package quarantine
