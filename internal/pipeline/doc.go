// Package pipeline runs a sync: it plans windows, reads them in parallel,
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
//   - one stream's trouble never stops another's;
//   - a partition with a window that could not be proven is left as it is.
//
// This is the only package that starts workers. It may import every stage of
// the data and internal/report.
package pipeline
