// Package sink says what a destination promises: a [Change] goes in, either all
// of it becomes visible or nothing, and a [Receipt] tells what happened.
//
// The modes are Replace (partitions get exactly the rows that were read),
// Overwrite (the whole table), Append (rows beside the rows that are there) and
// Merge (rows in place of those of the same key, wherever they are).
// A lost race is an outcome of the receipt, not an error. Guards are typed
// errors: [ShrinkError], [SettingsError], [SchemaError], [UnsupportedError].
//
// The package holds types only: it does no I/O and decides nothing. It imports
// partitioning and writer of this module.
package sink
