// Package partitioning says which partition a row belongs to, cuts record
// batches at partition boundaries and spells a partition value in its three
// forms:
//
//	value in the log      directory                                  URI in add.path
//	2026-11-21            created_date=2026-11-21                    created_date=2026-11-21
//	2026-11               created_month=2026-11                      created_month=2026-11
//	(null)                created_date=__HIVE_DEFAULT_PARTITION__    the same
//	São Paulo             city=~ac9143cb (a hash of the value)       city=~ac9143cb
//
// Partitions are computed in a time zone whose data is embedded in the binary;
// days of 23 and 25 hours exist.
//
// Invariants:
//   - a partition is one unbroken half-open range of instants, so rows sorted
//     by time are sorted by partition, also where a zone turns its clock back
//     over midnight;
//   - a directory is made of [A-Za-z0-9._=~-] only, so its URI is itself;
//   - cutting a batch copies no values.
//
// The package does no I/O and imports nothing else of this module.
package partitioning
