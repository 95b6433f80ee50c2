package simapi

import (
	"net/http"
	"strings"
	"sync"
)

// itemIndex finds orders and charges by their id. It is extended day by day
// when an id is asked for.
type itemIndex struct {
	mu   sync.Mutex
	days int
	refs map[string]ref // by stream and id
}

// itemPath splits /orders/{id} and /charges/{id}.
func itemPath(path string) (stream, id string, ok bool) {
	for _, stream := range [...]string{Orders, Charges} {
		if id, ok := strings.CutPrefix(path, "/"+stream+"/"); ok && id != "summary" {
			return stream, id, true
		}
	}
	return "", "", false
}

// item answers for a single order or charge.
func (s *Server) item(out *sender, r *http.Request, stream, id string) {
	body, ok := s.Item(stream, id)
	if !ok {
		status, name := http.StatusNotFound, "Order"
		if stream == Charges {
			name = "Charge"
		}
		if s.cfg.MissingIs400 {
			status = http.StatusBadRequest
		}
		if strings.Contains(id, "/") {
			out.error(http.StatusNotFound, r)
			return
		}
		out.message(status, name+" not found.")
		return
	}
	out.json(body)
}

// Item is the JSON of an order or a charge as GET /orders/{id} and GET
// /charges/{id} give it now; false where they answer 404.
func (s *Server) Item(stream, id string) ([]byte, bool) {
	v := s.view(stream)
	rec, ok := s.find(v, stream, id)
	if !ok || s.cfg.empty(stream) {
		return nil, false
	}
	v.write(stream, rec)
	return v.enc.b[:len(v.enc.b)-1], true
}

// find is the record with an id, if it is served at this moment.
func (s *Server) find(v *view, stream, id string) (ref, bool) {
	x := &s.items
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.refs == nil {
		x.refs = map[string]ref{}
	}
	for ; x.days <= v.w.dayOf(v.now); x.days++ {
		for _, stream := range [...]string{Orders, Charges} {
			day := v.w.dayIndex(stream, x.days)
			for pos := range day.len() {
				r := day.at(pos)
				f := v.facts(stream, r, false)
				x.refs[stream+" "+f.key] = r
			}
		}
	}
	r, ok := x.refs[stream+" "+id]
	return r, ok && r.t < v.now && r.t >= v.since && v.visible(stream, r)
}
