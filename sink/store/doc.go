// Package store is the contract of an object store: whole objects under keys,
// read, written and listed. It knows nothing of tables or logs.
//
// The packages below it implement the contract (local directories, memory),
// and storetest is the one suite that all of them pass.
//
// Invariants:
//   - an object appears whole or not at all, and is durable when the call returns;
//   - [Store.Create] has at most one winner for a key, ever;
//   - [Store.List] gives keys in ascending byte order;
//   - a call whose context is already cancelled changes nothing.
//
// It never retries on its own account and never interprets what it stores.
// It imports nothing else of this module.
package store
