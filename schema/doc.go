// Package schema says what a table is and turns JSON records into Arrow rows.
//
// A [Table] is plain data: fields with a type, the key, the time column and a
// version. A [Decoder] is compiled from a table; it reads the JSON text of one
// answer and writes straight into column buffers, which become an Arrow record
// batch. A record that does not fit the table is a [Reject] with the JSON
// pointer of the field at fault, never an error and never a guess.
//
// Invariants:
//   - no float anywhere: money is int64 minor units or decimal(18,6);
//   - every time is UTC with microseconds;
//   - what the table does not know is kept in the column _extra;
//   - a field marked NeverStore reaches no column, no _extra and no Reject.
//
// The package does no I/O and imports nothing else of this module.
package schema
