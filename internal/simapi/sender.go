package simapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// sender writes one answer and remembers how it went.
type sender struct {
	rw       http.ResponseWriter
	r        *http.Request
	gzip     bool
	truncate bool
	id       int64
	count    func() // counts the answer, once, before its first byte leaves
	status   int
	failed   bool
}

// send writes a whole answer, or the first half of it if it is to be cut.
func (o *sender) send(status int, contentType string, body []byte) {
	h := o.rw.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Request-Id", "req-"+strconv.FormatInt(o.id, 10))
	if o.gzip && o.acceptsGzip() {
		body = compress(body)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	o.status = status
	o.count()
	o.rw.WriteHeader(status)
	if o.truncate {
		body = body[:len(body)/2]
	}
	o.rw.Write(body) // a client that went away is no concern of the server
}

func (o *sender) acceptsGzip() bool {
	return strings.Contains(o.r.Header.Get("Accept-Encoding"), "gzip")
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // the level is valid, and a buffer takes everything
	z.Write(body)
	z.Close()
	return b.Bytes()
}

func (o *sender) json(body []byte) {
	o.send(http.StatusOK, "application/json; charset=utf-8", body)
}

func (o *sender) total(n int) {
	o.json([]byte(`{"total":` + strconv.Itoa(n) + `}`))
}

// messages of the documented errors.
func message(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request is invalid."
	case http.StatusUnauthorized:
		return "Authorization has been denied for this request."
	case http.StatusForbidden:
		return "Bloqueio por IP/Dom\u00ednio"
	case http.StatusNotFound, http.StatusGone:
		return "Resource not found."
	case http.StatusPreconditionFailed:
		return "The parameters were valid but the request failed."
	case http.StatusTooManyRequests:
		return "Too many requests from this IP."
	}
	return "An internal error has occurred."
}

// error answers with the documented body of a status.
func (o *sender) error(status int, r *http.Request) {
	if status == http.StatusUnprocessableEntity {
		o.invalid(map[string]string{"request": "The request is invalid."}, r)
		return
	}
	o.message(status, message(status))
}

func (o *sender) message(status int, text string) {
	body, err := json.Marshal(map[string]string{"message": text})
	if err != nil {
		body = []byte("{}")
	}
	o.send(status, "application/json; charset=utf-8", body)
}

// invalid answers 422 and echoes the request, as the platform does.
func (o *sender) invalid(fields map[string]string, r *http.Request) {
	answer := struct {
		Message string              `json:"message"`
		Errors  map[string][]string `json:"errors"`
		Request map[string]string   `json:"request"`
	}{"The request is invalid.", map[string][]string{}, map[string]string{}}
	for k, v := range fields {
		answer.Errors[k] = []string{v}
	}
	for k, v := range r.URL.Query() {
		answer.Request[k] = strings.Join(v, ",")
	}
	body, err := json.Marshal(answer)
	if err != nil {
		body = []byte("{}")
	}
	o.send(http.StatusUnprocessableEntity, "application/json; charset=utf-8", body)
}

// huge streams a valid but endless-looking body of n bytes.
func (o *sender) huge(n int64, bomb bool) {
	if n <= 0 {
		n = 1 << 30
	}
	h := o.rw.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	var dst io.Writer = o.rw
	if bomb {
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(o.rw)
		defer z.Close()
		dst = z
	}
	o.status = http.StatusOK
	o.count()
	o.rw.WriteHeader(http.StatusOK)
	blank := bytes.Repeat([]byte(" "), 64<<10)
	io.WriteString(dst, `{"data":[],"paging":{}`)
	for ; n > 0; n -= int64(len(blank)) {
		if _, err := dst.Write(blank); err != nil {
			return // the client has had enough
		}
	}
	io.WriteString(dst, "}")
}
