// Package parquet writes Arrow batches as Parquet files, one row group per
// batch. It is made for wide rows of which most is null: what the leaves of a
// struct or a list have in common is found and encoded once, and a leaf that is
// null all over is a copy of ready-made bytes.
//
// It writes the types that schema.Table has and no others. It never reads, and
// it knows neither tables nor partitions: the rules of Delta are not here. It
// imports nothing of this module.
//
// Invariants, with the parts of the format that they come from
// (https://github.com/apache/parquet-format):
//   - the schema is the one that pqarrow.ToParquet gives (LogicalTypes.md,
//     "Nested Types"): three-level lists and maps;
//   - levels are counted as the format does (README.md, "Nested Encoding"), and
//     written as the RLE and bit-packed hybrid with their length before them
//     (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid");
//   - data pages are of version 1, begin where a row begins and hold at most
//     about 1 MiB, but for one larger row (README.md, "Data Pages");
//   - all data pages of a column chunk have one encoding: plain, dictionary or
//     delta (Encodings.md). Plain strings get a dictionary in a chunk where a
//     sample shows that many repeat. A chunk without any value is plain, since
//     its pages hold levels only;
//   - a chunk has one codec (parquet.thrift, ColumnMetaData.codec): zstd, or
//     none for a chunk without values that would not get smaller;
//   - bounds in the footer are exact and in the order of the type; those of more
//     than 4096 bytes are left out, not cut (parquet.thrift, Statistics);
//   - there is no key-value metadata: equal batches give equal bytes.
package parquet
