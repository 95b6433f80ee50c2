// Package window holds ranges of creation time and splits them. It is pure: no I/O, no clock, no state.
//
// Invariants:
//   - A window is half-open, [Since, Until), and in UTC.
//   - The pieces of a split rebuild the window exactly: no gap, no overlap.
//   - A window that spans several partitions is cut at partition boundaries
//     only; inside one partition it is cut by time.
//
// It imports none of our packages.
package window
