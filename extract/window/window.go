package window

import (
	"fmt"
	"time"
)

// Window is a half-open range of creation time, [Since, Until), in UTC.
// The zero Window is unbounded.
type Window struct {
	Since, Until time.Time
}

// IsZero reports whether the window is the unbounded one.
func (w Window) IsZero() bool { return w.Since.IsZero() && w.Until.IsZero() }

// Empty reports whether no instant lies in the window. The unbounded window is
// not empty.
func (w Window) Empty() bool { return !w.IsZero() && !w.Since.Before(w.Until) }

// Length is the time between the ends; 0 for the unbounded window.
func (w Window) Length() time.Duration { return w.Until.Sub(w.Since) }

// String gives the window as an operator reads it in logs and errors.
func (w Window) String() string {
	if w.IsZero() {
		return "[everything]"
	}
	return fmt.Sprintf("[%s, %s)", w.Since.UTC().Format(time.RFC3339), w.Until.UTC().Format(time.RFC3339))
}
