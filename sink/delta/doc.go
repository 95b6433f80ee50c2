// Package delta keeps tables in the Delta Lake format, reader version 1 and
// writer version 2, on a [store.Store].
//
// A [Table] is opened with the [Settings] of a run. [Table.Load] reads the log
// and gives a [Snapshot]; [Table.Commit] uploads the data files a change needs
// and commits them. The rules come from the Delta protocol
// (https://github.com/delta-io/delta/blob/master/PROTOCOL.md, sections named in
// the code) and, where the protocol leaves a choice, from this package:
//
//   - a commit is one object that is created only if absent; after an unclear
//     answer the log is read to find out, and the data files stay;
//   - the log is read before every commit. Commits of other engines are
//     respected: what they removed stays removed, what they rewrote is compared
//     by its rows;
//   - rows that are the same already are never written again: see
//     [Table.Commit];
//   - a table is touched only when its settings, its features and its columns
//     fit. Columns are added, never changed or removed.
//
// The package never deletes an object that a commit names, never deletes local
// files, never logs, and starts no goroutine that outlives a call. It imports
// sink, sink/store, writer, partitioning and schema of this module.
package delta
