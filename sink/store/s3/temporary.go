package s3

import "net/http"

// Temporary reports whether the same request may well be granted some seconds
// later: the server was in trouble, or the connection broke. Whether a request
// of that fate took effect is another question.
func (e *Error) Temporary() bool {
	return !e.unusable && (e.Status == 0 || e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests || e.Status == http.StatusConflict)
}
