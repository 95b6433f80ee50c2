// Package arch holds the test of the import rules: which package of this
// module may import which. It has no code of its own.
package arch
