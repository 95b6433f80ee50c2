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
//   - what a RESTORE of another engine touched counts as unread, whatever the
//     watermark says: see [Snapshot.Unread];
//   - a commit of ours that another engine wrote over is noticed: by the next
//     [Table.Commit] or by [Table.Settle], which ends a run;
//   - a run that finds nothing new costs three requests: the hint, one listing
//     from there, and the checkpoint (or the only commit). For that Settle leaves
//     no commit behind the newest checkpoint;
//   - rows that are the same already are never written again: see
//     [Table.Commit];
//   - a merge writes only those files anew that hold a key of the change whose
//     row differs, and holds the keys of the change in memory, never the table's:
//     partition and statistics say which files are looked into, their key column
//     says which rows are meant, and rows go from file to file by row groups;
//   - a table is touched only when its settings, its features and its columns
//     fit. Columns are added, never changed or removed.
//
// [Table.Optimize], [Table.Vacuum], [Table.CleanLog] and [Table.Maintain] look
// after a table. Only they delete what a commit named, and only past the table's
// retention. The package never deletes local files of its callers, never logs, and starts no goroutine that outlives a call. It imports
// sink, sink/store, writer, partitioning and schema of this module.
package delta
