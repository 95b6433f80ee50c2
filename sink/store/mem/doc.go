// Package mem is a [store.Store] in memory, for tests. It counts its calls and
// fails when it is told to, before or after the effect of a call, so that a
// test can put a crash or an unclear answer at any step.
//
// It keeps every object until it is deleted and writes nothing to disk.
// It imports only sink/store.
package mem
