// Package bench measures the whole way: a process of its own exports a
// simulated account over HTTP on loopback, without rate limits, into committed
// tables. The simulator runs in the benchmark's process, so the figures are
// those of the tool alone. Beside it the merge of few rows into a large table is
// measured, without a source, in a process of its own. Nothing here asserts a
// time.
package bench
