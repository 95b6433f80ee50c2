// Package lease lets runs of one connection see each other, so that two of them
// need not share the API's limit. A lease is an object that expires.
//
// Correctness never depends on a lease: a run that holds none, or whose lease
// expired while it slept, does no harm to the tables. A lease only saves time.
//
// Invariants:
//   - leases of a connection are numbered; only the highest counts;
//   - a number is made by Create once the one before was released or has
//     expired, so of several runs that try exactly one gets it;
//   - an object without bytes is a lease that was released.
//
// It imports sink/store only.
package lease
