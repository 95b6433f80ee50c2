package simapi

import (
	"net/http"
	"strconv"
	"time"
)

// fault counts the request and answers it badly if it is the turn of one of
// the faults.
func (s *Server) fault(out *sender, r *http.Request) bool {
	f := &s.cfg.Faults
	n := s.admitted.Add(1)
	turn := func(every int) bool { return every > 0 && n%int64(every) == 0 }
	switch {
	case f.ThrottleEvery > 0 && n >= int64(f.ThrottleEvery) && n%int64(f.ThrottleEvery) < int64(max(f.ThrottleBurst, 1)):
		s.throttle(out, r)
	case turn(f.UnavailableEvery):
		out.rw.Header().Set("Retry-After", seconds(max(f.RetryAfter, time.Second)))
		out.error(http.StatusServiceUnavailable, r)
	case turn(f.ErrorEvery):
		status := f.ErrorStatus
		if status == 0 {
			status = http.StatusInternalServerError
		}
		out.error(status, r)
	case turn(f.BreakEvery):
		out.failed = true
		out.count()
		breakConnection(out.rw)
	case turn(f.HTMLEvery):
		out.failed = true
		out.send(http.StatusOK, "text/html; charset=utf-8", []byte("<!DOCTYPE html><html><head><title>Manuten\u00e7\u00e3o</title></head><body>Voltamos j\u00e1.</body></html>"))
	case turn(f.RedirectEvery):
		out.failed = true
		out.rw.Header().Set("Location", f.RedirectTo+r.URL.RequestURI())
		out.send(http.StatusFound, "text/plain", nil)
	case turn(f.HugeEvery):
		out.failed = true
		out.huge(f.HugeBytes, false)
	case turn(f.BombEvery):
		out.failed = true
		out.huge(f.HugeBytes, true)
	case turn(f.TruncateEvery):
		out.failed, out.truncate = true, true
		return false
	default:
		return false
	}
	return true
}

func (s *Server) throttle(out *sender, r *http.Request) {
	if d := s.cfg.RetryAfter; d > 0 {
		out.rw.Header().Set("Retry-After", seconds(d))
	}
	out.error(http.StatusTooManyRequests, r)
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// breakConnection ends the connection in a way that a client cannot take for
// an answer.
func breakConnection(rw http.ResponseWriter) {
	if h, ok := rw.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}
