package extract

import (
	"errors"
	"fmt"
	"time"

	"github.com/paylake/paylake/extract/window"
)

// TooWideError says that a window holds more rows than a window should, or
// more than can be proven complete in one piece. Nothing was kept: read Parts
// instead, which rebuild Window exactly, oldest first.
type TooWideError struct {
	Window window.Window
	Rows   int64 // reported or estimated
	Parts  []window.Window
}

// Error gives the window and its rows.
func (e *TooWideError) Error() string {
	return fmt.Sprintf("window %s holds about %d rows: read it in %d parts", e.Window, e.Rows, len(e.Parts))
}

// IncompleteError says that the rows of a window could not be proven complete:
// they moved, or the source contradicts itself, at every attempt.
type IncompleteError struct {
	Stream   string
	Window   window.Window
	Attempts int
	Detail   string // what did not fit at the last attempt
}

// Error says what did not fit, and what to do.
func (e *IncompleteError) Error() string {
	return fmt.Sprintf("read %s %s: not complete after %d attempts: %s; run again when the source is calm, or report its answers as faulty",
		e.Stream, e.Window, e.Attempts, e.Detail)
}

// GoneError says that a list endpoint answers 404 or 410.
type GoneError struct {
	Stream string
	Status int
	Gone   *Gone // what the source announced, or nil
}

// Error says since when and what replaces the endpoint, as far as it is known.
func (e *GoneError) Error() string {
	text := fmt.Sprintf("read %s: the source does not serve this list (status %d)", e.Stream, e.Status)
	if e.Gone == nil {
		return text + "; check the base URL and whether the account has the product"
	}
	return fmt.Sprintf("%s: discontinued since %s; use %s instead", text, e.Gone.Since, e.Gone.Replacement)
}

// StatusError is an answer that no retry would change, or the last answer of
// a request that was retried in vain. It never holds the answer's body, which
// may echo documents, nor the query.
type StatusError struct {
	Stream    string
	Method    string
	Path      string // without query
	Status    int
	Hint      string // what to do
	RequestID string // as the server calls the request, "" if it does not
}

// Error gives the request, the status and what to do.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: status %d", e.Method, e.Path, e.Status)
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	return text
}

// RequestError is a request that failed: at once for a reason that no retry
// changes, or after all its tries.
type RequestError struct {
	Stream   string
	Method   string
	Path     string // without query
	Attempts int
	Elapsed  time.Duration // since the first attempt
	Cause    error         // of the last attempt
}

// Error gives the request, what was tried and the last cause.
func (e *RequestError) Error() string {
	return fmt.Sprintf("%s %s: gave up after %d attempts in %s: %v", e.Method, e.Path, e.Attempts, e.Elapsed.Round(time.Millisecond), e.Cause)
}

// Unwrap gives the cause of the last attempt.
func (e *RequestError) Unwrap() error { return e.Cause }

// ErrTooLarge is the cause of a request whose answer exceeds Options.MaxBody,
// as sent or after decompression.
var ErrTooLarge = errors.New("answer is too large")
