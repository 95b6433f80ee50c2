package simapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport returns an http.RoundTripper that calls a handler in the same
// process, without sockets. It works in the virtual time of testing/synctest,
// where sockets do not. Bodies are streamed; a cut body ends with
// io.ErrUnexpectedEOF and a broken connection is an error.
func Transport(h http.Handler) http.RoundTripper { return transport{h} }

type transport struct{ handler http.Handler }

var errBroken = errors.New("connection reset by peer")

// RoundTrip runs the handler in a goroutine that ends with the body.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	body, in := io.Pipe()
	rw := &pipeWriter{header: http.Header{}, in: in, ready: make(chan struct{})}
	go func() {
		stop := context.AfterFunc(r.Context(), func() { body.CloseWithError(r.Context().Err()) })
		defer stop()
		defer func() { rw.close(recover()) }()
		t.handler.ServeHTTP(rw, r.Clone(r.Context()))
	}()
	select {
	case <-rw.ready:
	case <-r.Context().Done():
		body.CloseWithError(r.Context().Err())
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, r.Context().Err())
	}
	if rw.broken {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, errBroken)
	}
	res := &http.Response{
		Status: strconv.Itoa(rw.status) + " " + http.StatusText(rw.status), StatusCode: rw.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rw.sent, Body: body, ContentLength: -1, Request: r,
	}
	if n, err := strconv.ParseInt(rw.sent.Get("Content-Length"), 10, 64); err == nil {
		res.ContentLength = n
	}
	return res, nil
}

// pipeWriter is the handler's side of the exchange.
type pipeWriter struct {
	header http.Header
	in     *io.PipeWriter
	once   sync.Once
	ready  chan struct{} // closed when the head is there, or the connection broken

	sent    http.Header
	status  int
	broken  bool
	written int64
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.in.Write(p)
	w.written += int64(n)
	return n, err
}

// close ends the body: whole, cut short, or broken by a panic of the handler.
func (w *pipeWriter) close(panicked any) {
	if panicked != nil && panicked != http.ErrAbortHandler {
		panic(panicked)
	}
	w.once.Do(func() {
		w.broken = panicked != nil
		w.status, w.sent = http.StatusOK, w.header.Clone()
		close(w.ready)
	})
	want, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
	if panicked != nil || err == nil && w.written < want {
		w.in.CloseWithError(io.ErrUnexpectedEOF)
		return
	}
	w.in.Close()
}
