// Package pipeline runs a sync or a backfill: it plans windows, reads them in parallel,
// writes their rows in the order of time and commits groups of whole
// partitions.
//
// Invariants:
//   - windows are committed in order; the watermark is the end of the unbroken
//     prefix of windows that were proven complete and committed;
//   - the base version of every commit was loaded before the first request of
//     the oldest window in it;
//   - rejected records are durable before the commit that counts them;
//   - the rows in flight share one budget; the oldest window of a stream never
//     waits for it, so there is always progress;
//   - a full sync is one commit; what it finished is stored and recorded while
//     it runs, and a record is a copy that only its own run writes;
//   - a record is used only for the table, columns, partitions, start and account
//     that its files were made for, and only while no vacuum may touch them;
//   - a backfill never moves the watermark;
//   - what a run committed that vanished from the log is read again;
//   - one stream's trouble never stops another's;
//   - a partition with a window that could not be proven is left as it is.
//
// This is the only package that starts workers. It may import every stage of
// the data and internal/report.
package pipeline
