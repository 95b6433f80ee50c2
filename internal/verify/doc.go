// Package verify compares the lake with its source, and the lake with itself.
//
// It reads and never writes: not a table, not the history. Repairing is the
// pipeline's work; a report names the partitions to read again.
//
// Invariants:
//   - A run beside a sync makes no false alarm: a difference counts only if the
//     newest snapshot of the table has it, too.
//   - Memory does not grow with the table: windows, indexes of them and passes
//     over keys are bounded. A list without windows takes 33 bytes a record.
//   - A report names keys, columns, partitions and files, never a value of a
//     record and never a secret.
//
// It imports extract, extract/window, schema, partitioning, sink, sink/store and
// sink/delta.
package verify
