package faultproxy

import (
	"fmt"
	"net/http"
)

// S3Error is an answer in the form of the S3 API reference, "Error Responses".
func S3Error(status int, code, message string) Canned {
	return Canned{
		Status: status,
		Header: map[string]string{"Content-Type": "application/xml"},
		Body: fmt.Sprintf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>%s</Message>"+
			"<RequestId>4442587FB7D0A2F9</RequestId></Error>", code, message),
	}
}

// canned gives the answer of a kind that never reaches the server. Codes and
// texts of S3 are those of its list of error codes.
func canned(k Kind) (Canned, bool) {
	switch k {
	case ServerError:
		return S3Error(http.StatusInternalServerError, "InternalError", "We encountered an internal error. Please try again."), true
	case SlowDown:
		return S3Error(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."), true
	case Unavailable:
		c := S3Error(http.StatusServiceUnavailable, "ServiceUnavailable", "Service is unable to handle request.")
		c.Header["Retry-After"] = "1"
		return c, true
	case Throttle:
		c := S3Error(http.StatusTooManyRequests, "TooManyRequests", "Please reduce your request rate.")
		c.Header["Retry-After"] = "1"
		return c, true
	case Conflict:
		return S3Error(http.StatusConflict, "ConditionalRequestConflict",
			"The conditional request cannot succeed due to a conflicting operation against this resource."), true
	}
	return Canned{}, false
}
