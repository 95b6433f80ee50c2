package s3

import (
	"maps"
	"net/http"
	"sync"
	"sync/atomic"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// counter passes requests on, counts them by kind, and knows whether the server
// has ever answered.
type counter struct {
	next     awss3.HTTPClient
	mu       sync.Mutex
	by       map[string]int64
	answered atomic.Bool
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
	if c.answered.Load() {
		return c.next.Do(r)
	}
	answer, err := doFirst(c.next, r)
	if err == nil {
		c.answered.Store(true)
	}
	return answer, err
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
