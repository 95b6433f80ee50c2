// Package pagarme declares the streams of the Pagar.me API, core v5: where
// each list is, how it is read, and which table it fills.
//
// It is data and no logic. A stream has a file of its own (orders.go) with its
// endpoint and its table; parts that several streams share (customer.go,
// transaction.go) are declared once. To add a stream, write such a file, name
// it in [Source], and put a saved answer and its golden rows into
// testdata/pagarme.
//
// Invariants:
//   - ids, documents, codes, postal codes and phone numbers are text, whatever
//     the API sends: it has changed the form of ids before, and documents may
//     hold letters;
//   - amounts are int64 cents, or decimal where the type says percent;
//   - credentials are marked NeverStore;
//   - every table is valid in the sense of schema.Table.Validate.
//
// The facts come from the API reference (https://docs.pagar.me/reference) and
// from the change notes in force since 2026-08-28. The package imports extract
// and schema.
package pagarme
