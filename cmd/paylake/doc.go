// Command paylake copies what a payment platform knows into Delta Lake tables.
//
// This package is the only place that knows the command line: it reads the
// configuration, wires the packages of the other folders together, and turns
// errors into hints and exit codes. Data goes to stdout, everything else to
// stderr. Only main ends the process.
package main
