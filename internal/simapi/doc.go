// Package simapi is a simulated Pagar.me core API over a simulated merchant.
// Tests, benchmarks and the demo talk to it instead of the real platform.
//
// A World is a merchant: orders, charges, payables, balance operations,
// recipients and hooks, from 10^3 to 10^7 records. Everything about an order is a pure
// function of (seed, day, number in the day); records are generated when they
// are asked for, and only small per-day indexes are kept. The state of a
// record is a function of the world's clock: a boleto is paid days later, a
// refund comes after months, an instalment settles at its date. World.Late adds
// what is rarer: edits and refunds at any age, states that go back, records
// that appear behind the clock, test data that is removed.
//
// A Server is an http.Handler that serves a World as the platform's public
// documentation says, and misbehaves where its Config says so. World.Truth and
// Server.Truth tell what there is to read without any HTTP, so that a test
// compares a lake with the truth and not with the tool's own counters.
//
// The package imports no other package of the project: a mistake in how the
// tool reads the API must not be shared by the API it is tested with.
//
// Invariants:
//   - the same seed, size, start and clock give the same bytes;
//   - a record, once created, keeps its id and its creation time; once removed,
//     it does not come back;
//   - within a day, position follows creation time;
//   - a fault that happens every n-th request never fails the retry of a
//     request for ever.
package simapi
