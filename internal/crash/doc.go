// Package crash holds the tests that end a sync in every ugly way: killed at a
// request or a call to the store, run by eight processes at once, cut off by a
// proxy, stopped by a full disk. After each of them the lake is compared with
// what the simulated account really holds.
//
// The processes are the test binary itself, started again: see TestMain. They
// are wired like `paylake sync`, with a store that can end its own process.
// What needs no server runs with `make test`; the tests against a real S3
// server have the build tag integration.
//
// The package has no code of its own and nothing imports it.
package crash
