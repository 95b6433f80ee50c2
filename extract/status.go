package extract

import (
	"net/http"
	"strings"
)

// A request id is kept only if it looks like one; other text may be anything.
const (
	maxRequestID   = 128
	requestIDChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/=+-"
)

func newStatusError(q query, status int, path, id string) *StatusError {
	return &StatusError{Stream: q.stream, Method: http.MethodGet, Path: path, Status: status, Hint: hint(status), RequestID: id}
}

// hint says what an operator can do about a status (meaning of the statuses:
// API notes, sections 2 and 9).
func hint(status int) string {
	switch {
	case status == http.StatusBadRequest || status == http.StatusUnprocessableEntity || status == http.StatusPreconditionFailed:
		return "the source refuses the request's parameters; its API may have changed: look for a newer paylake"
	case status == http.StatusUnauthorized:
		return "the key is wrong or revoked, or belongs to another account or mode (test or production)"
	case status == http.StatusForbidden:
		return "the key lacks the permission for this list, or the account's IP allow-list does not have this machine's address"
	case status == http.StatusNotFound || status == http.StatusGone:
		return "the source does not have this; check the base URL and whether the account has the product"
	case status == http.StatusTooManyRequests:
		return "the rate limit is used by others too: lower rate_share or limits, or run at a quieter hour"
	case status >= 500:
		return "the source has a problem: run again later"
	}
	return ""
}

// requestID gives the name that the server gave the request, for its support;
// "" if there is none, it does not look like one, or it holds the key. The
// order is ours: the header is not documented.
func (c *Client) requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Correlation-Id"} {
		id := h.Get(name)
		if id != "" && len(id) <= maxRequestID && strings.Trim(id, requestIDChars) == "" && !c.leaks(id) {
			return id
		}
	}
	return ""
}
