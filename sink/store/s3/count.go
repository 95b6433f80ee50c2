package s3

import (
	"maps"
	"net/http"
	"sync"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// counter passes requests on and counts them by kind.
type counter struct {
	next awss3.HTTPClient
	mu   sync.Mutex
	by   map[string]int64
}

func newCounter(next awss3.HTTPClient) *counter {
	return &counter{next: next, by: map[string]int64{}}
}

// Do sends the request.
func (c *counter) Do(r *http.Request) (*http.Response, error) {
	kind := kindOf(r)
	c.mu.Lock()
	c.by[kind]++
	c.mu.Unlock()
	return c.next.Do(r)
}

func (c *counter) snapshot() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.by)
}

// kindOf tells what a request to S3 does, from its method and query.
func kindOf(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("uploadId") || q.Has("uploads"):
		return "multipart"
	case q.Has("list-type"):
		return "list"
	case q.Has("delete") || r.Method == http.MethodDelete:
		return "delete"
	case r.Method == http.MethodHead:
		return "head"
	case r.Method == http.MethodGet:
		return "get"
	case r.Header.Get("If-None-Match") != "":
		return "create"
	}
	return "put"
}
