// Package config reads the settings of a run from one YAML file.
//
// Every mistake is an [Error] with file and line, and all of them are reported
// together. An unknown key, stream or value names the nearest valid one.
//
// Invariants:
//   - a secret is never in the file: api_key says where it is, and [Key] never
//     shows it by itself;
//   - no message contains a value that has the form of a key;
//   - two streams never fill the same table.
//
// The package knows no source: the caller passes the valid names as a
// [Catalog]. It opens nothing but the file, and what a secret points to. It
// imports nothing else of this module.
package config
