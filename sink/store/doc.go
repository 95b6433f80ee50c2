// Package store is the contract of an object store: whole objects under keys,
// read, written and listed. It knows nothing of tables or logs.
//
// The packages below it implement the contract (local directories, S3, memory),
// and storetest is the one suite that all of them pass.
//
// Invariants:
//   - an object appears whole or not at all, and is durable when the call returns;
//   - [Store.Create] has at most one winner for a key, ever;
//   - [Store.List] gives keys in ascending byte order;
//   - a call whose context is already cancelled changes nothing.
//
// It never interprets what it stores. An implementation tries again by itself
// only what can be done twice, or what the server surely did not do.
// It imports nothing else of this module.
package store
