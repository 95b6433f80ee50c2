// Package writer turns the parts of batches into finished local Parquet files
// with the statistics that a Delta log wants.
//
// Invariants:
//   - a file holds rows of one partition; the partition column is not in it;
//   - a row group is at most Options.RowGroupBytes of Arrow (one larger row is
//     a row group of its own), and it keeps the order of the rows it was given;
//   - equal rows written in equal calls give equal bytes; only names differ;
//   - a column chunk has one encoding for all its pages;
//   - the statistics of a file are true of all its rows, and what could mislead
//     a reader is left out;
//   - a file that Finish reports is complete, but not synced: the sink makes its
//     copy durable before a commit names it;
//   - what waits for a row group shares the memory of the batches it came in,
//     until its partition ends.
//
// It knows no destination: sink moves the files; and no bytes of Parquet, which
// are those of writer/parquet. It may import that, schema and partitioning.
package writer
