package faultproxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	patience = 300 * time.Millisecond // a stalled connection is cut after it
	piece    = 20 * time.Millisecond  // between the pieces of slow bytes
	pieces   = 8
)

// Moment is a point in the life of a request.
type Moment string

// The moments at which the hook is called.
const (
	Arrived  Moment = "arrived"  // the server has not seen it
	Answered Moment = "answered" // it took effect, the client has no byte of the answer
	Sent     Moment = "sent"     // the answer has left
)

// Event is a request at a moment.
type Event struct {
	N      int // number of the request, from 1 on, since the plan was set
	Moment Moment
	Method string
	Path   string // with its query, as sent
	Fault  Kind
}

// Request is a request that came, for looking back.
type Request struct {
	N      int
	Method string
	Path   string // with its query, as sent
	Fault  Kind
	Status int // 0 when the client got no whole head of an answer
}

// Proxy stands in front of one server on a loopback port. It is safe for
// concurrent use.
type Proxy struct {
	upstream  *url.URL
	transport *http.Transport
	server    *http.Server
	address   string
	done      chan struct{}

	mu       sync.Mutex
	plan     plan
	hook     func(Event)
	requests []Request
}

// Start puts a proxy in front of the server at a URL, of which scheme and host
// count. It listens until Close.
func Start(ctx context.Context, upstream string) (*Proxy, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("start fault proxy: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start fault proxy: %w", err)
	}
	p := &Proxy{
		upstream:  u,
		transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		address:   l.Addr().String(),
		done:      make(chan struct{}),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() {
		defer close(p.done)
		p.server.Serve(l) // ends with ErrServerClosed, and with nothing else worth telling
	}()
	return p, nil
}

// URL is the proxy's address, "http://127.0.0.1:port".
func (p *Proxy) URL() string { return "http://" + p.address }

// Close ends the proxy and every connection through it.
func (p *Proxy) Close() {
	p.server.Close()
	<-p.done
	p.transport.CloseIdleConnections()
}

// Set replaces the plan and forgets the requests so far. The zero Plan lets
// everything pass.
func (p *Proxy) Set(next Plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = plan{Plan: next, seen: make([]int, len(next.Rules))}
	p.requests = nil
}

// Hook calls f at every moment of every request, on the request's own
// goroutine: the request waits for it. nil takes the hook away.
func (p *Proxy) Hook(f func(Event)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hook = f
}

// Requests lists the requests since the plan was set, in the order they came.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// Faults counts the faults since the plan was set, by kind.
func (p *Proxy) Faults() map[Kind]int {
	counts := map[Kind]int{}
	for _, r := range p.Requests() {
		if r.Fault != "" {
			counts[r.Fault]++
		}
	}
	return counts
}

// begin notes a request and draws its fault.
func (p *Proxy) begin(r *http.Request) (*exchange, fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.plan.draw(r)
	n := len(p.requests) + 1
	p.requests = append(p.requests, Request{N: n, Method: r.Method, Path: r.RequestURI, Fault: f.kind})
	return &exchange{proxy: p, hook: p.hook, event: Event{N: n, Method: r.Method, Path: r.RequestURI, Fault: f.kind}}, f
}

// answered notes the status that the client got.
func (p *Proxy) answered(n, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n <= len(p.requests) { // a new plan forgets what is under way
		p.requests[n-1].Status = status
	}
}
