package faultproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// exchange is one request on its way.
type exchange struct {
	proxy *Proxy
	hook  func(Event)
	event Event
}

func (x *exchange) at(m Moment) {
	if x.hook != nil {
		e := x.event
		e.Moment = m
		x.hook(e)
	}
}

// ServeHTTP passes a request on, or does to it what the plan says.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, f := p.begin(r)
	x.at(Arrived)
	switch {
	case f.answer.Status != 0:
		io.Copy(io.Discard, r.Body) // a client that still sends would not read the answer
		x.own(w, f.answer)
	case f.kind == CutBefore:
		cut(w)
	case f.kind == Stall:
		wait(r, patience)
		cut(w)
	case f.kind == CutRequest && r.ContentLength != 0:
		half := &cutReader{from: r.Body, left: max(r.ContentLength, 0) / 2}
		if res, err := x.forward(r, half); err == nil {
			res.Body.Close()
		}
		cut(w)
	case f.kind == SlowBytes:
		x.pass(w, r, &slowReader{from: r.Body, r: r, chunk: int(max(r.ContentLength, 0)/pieces) + 1}, f.kind)
	default:
		x.pass(w, r, r.Body, f.kind)
	}
}

// own answers without the server.
func (x *exchange) own(w http.ResponseWriter, c Canned) {
	for k, v := range c.Header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(c.Body)))
	x.proxy.answered(x.event.N, c.Status)
	w.WriteHeader(c.Status)
	io.WriteString(w, c.Body)
	x.at(Sent)
}

// pass lets the server answer and delivers what it says.
func (x *exchange) pass(w http.ResponseWriter, r *http.Request, body io.Reader, kind Kind) {
	res, err := x.forward(r, body)
	if err != nil {
		cut(w) // the server did not answer
		return
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil && r.Method != http.MethodHead {
		cut(w)
		return
	}
	x.at(Answered)
	x.deliver(w, r, res, data, kind)
	x.at(Sent)
}

// forward sends the request as it came. Host stays: signatures cover it.
func (x *exchange) forward(r *http.Request, body io.Reader) (*http.Response, error) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host = x.proxy.upstream.Scheme, x.proxy.upstream.Host
	out.RequestURI = ""
	out.Body = io.NopCloser(body)
	if r.ContentLength == 0 {
		out.Body = nil
	}
	for _, h := range []string{"Connection", "Expect", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade"} {
		out.Header.Del(h) // they are about one connection
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // else the transport adds its own
	}
	return x.proxy.transport.RoundTrip(out)
}

// deliver gives the server's answer to the client, or what is left of it.
func (x *exchange) deliver(w http.ResponseWriter, r *http.Request, res *http.Response, data []byte, kind Kind) {
	if len(data) == 0 && (kind == CutAnswer || kind == TooShort || kind == TooLong && r.Method == http.MethodHead) {
		kind = "" // nothing to cut
	}
	n := len(data)
	switch kind {
	case LostAnswer:
		cut(w)
	case CutAnswer:
		x.raw(w, res, n, data[:n/2])
	case TooLong:
		x.raw(w, res, n+17, data)
	case TooShort:
		x.raw(w, res, n/2, data)
	default:
		for k, v := range res.Header {
			w.Header()[k] = v
		}
		w.Header().Del("Connection")
		x.proxy.answered(x.event.N, res.StatusCode)
		w.WriteHeader(res.StatusCode)
		if kind == SlowBytes {
			slowly(w, r, data)
			return
		}
		w.Write(data)
		http.NewResponseController(w).Flush()
	}
}

// raw writes an answer by hand, with the length that is asked for, and closes
// the connection.
func (x *exchange) raw(w http.ResponseWriter, res *http.Response, length int, data []byte) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer conn.Close()
	head := res.Header.Clone()
	head.Set("Content-Length", strconv.Itoa(length))
	head.Del("Connection")
	head.Del("Transfer-Encoding")
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", res.StatusCode, http.StatusText(res.StatusCode))
	head.Write(&b)
	b.WriteString("\r\n")
	b.Write(data)
	x.proxy.answered(x.event.N, res.StatusCode)
	conn.Write(b.Bytes()) // a client that went away is no concern of the proxy
}

// cut ends the client's connection with a reset: no client takes it for an
// answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the server closes the connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// wait lets time pass, or the client go.
func wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func slowly(w http.ResponseWriter, r *http.Request, data []byte) {
	for step := len(data)/pieces + 1; len(data) > 0; {
		n := min(step, len(data))
		if _, err := w.Write(data[:n]); err != nil {
			return
		}
		http.NewResponseController(w).Flush()
		data = data[n:]
		wait(r, piece)
	}
}

var errCut = errors.New("cut by the fault proxy")

// cutReader fails after a number of bytes.
type cutReader struct {
	from io.Reader
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, errCut
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// slowReader reads in pieces with pauses.
type slowReader struct {
	from  io.Reader
	r     *http.Request
	chunk int
}

func (s *slowReader) Read(p []byte) (int, error) {
	wait(s.r, piece)
	return s.from.Read(p[:min(len(p), s.chunk)])
}
