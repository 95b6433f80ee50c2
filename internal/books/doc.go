// Package books checks that the money in a lake adds up: the payables of a
// charge are what was paid, refunds and chargebacks have theirs, fees stand
// where they may, and the movements of the balance are the payables. The
// identities, their sources and their exceptions stand in
// internal/docs/books.md.
//
// It reads data files of the lake and temporary files of its own, nothing else:
// it asks no source, and changes no table.
//
// Invariants:
//   - Every sum is of integers, in cents; the sum of two numbers that no 64 bits
//     hold stops at the largest one.
//   - A row is compared or counted under the name of an exception. None is left
//     out without a word.
//   - A table that is not there makes an identity not checked, with the reason.
//   - Memory does not depend on the rows of a table up to about 100 million:
//     they are spilled by hash into a temporary file and met again in pieces of
//     about 50,000.
//
// It may import schema, partitioning, sink, sink/store and sink/delta.
package books
