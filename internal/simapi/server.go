package simapi

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// BasePath is the path under which the API is served.
const BasePath = "/core/v5"

// Server serves a World over HTTP. It is safe for concurrent use.
type Server struct {
	world *World
	cfg   Config

	before, after Config // cfg as it is before and after a change of the contract
	feed          feed
	items         itemIndex

	arrived  atomic.Int64 // requests in all
	admitted atomic.Int64 // requests past key and limits
	limits   limiter
	buffers  sync.Pool // *[]byte of finished pages

	mu       sync.Mutex
	counts   map[string]*Counts
	repeated map[string]bool // lists whose page was repeated once
}

// Counts are the answers given to the requests of one row of the rate-limit
// table. Requests = Answered + Throttled + Refused + Failed.
type Counts struct {
	Requests  int
	Answered  int // with status 200 and a whole body
	Throttled int // 429
	Refused   int // other 4xx
	Failed    int // 5xx, redirects, and every other fault
}

// New serves a world with the switches of a configuration.
func New(w *World, cfg Config) *Server {
	s := &Server{world: w, cfg: cfg, feed: cfg.Feed.ready(), counts: map[string]*Counts{}, repeated: map[string]bool{}}
	s.before, s.after = contracts(cfg)
	return s
}

// World is the world that is served.
func (s *Server) World() *World { return s.world }

// Counts returns the counters by row ("orders", "recipients/*", ...).
func (s *Server) Counts() map[string]Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]Counts{}
	for row, c := range s.counts {
		out[row] = *c
	}
	return out
}

// Total sums the counters of all rows.
func (s *Server) Total() Counts {
	var t Counts
	for _, c := range s.Counts() {
		t.Requests += c.Requests
		t.Answered += c.Answered
		t.Throttled += c.Throttled
		t.Refused += c.Refused
		t.Failed += c.Failed
	}
	return t
}

// Truth is what a perfect reader of this server gets for a window of a stream:
// World.Truth in the server's shape, less what lies behind a horizon or is not
// served at all.
func (s *Server) Truth(stream string, since, until time.Time) Truth {
	if s.cfg.empty(stream) {
		return Truth{}
	}
	return s.view(stream).truth(stream, since, until)
}

// Each is World.Each in the server's shape.
func (s *Server) Each(stream string, since, until time.Time, f func(Record) bool) {
	if !s.cfg.empty(stream) {
		s.view(stream).each(stream, since, until, true, f)
	}
}

// Days is World.Days in the server's shape.
func (s *Server) Days(stream string, loc *time.Location) []DayTruth {
	if s.cfg.empty(stream) {
		return nil
	}
	return s.view(stream).dayTruths(stream, loc)
}

// view is the served world at this moment.
func (s *Server) view(stream string) *view {
	now := s.world.now() + s.arrived.Load()*int64(s.cfg.TickPerRequest/100)
	c := s.contract()
	v := s.world.view(&c.Shape, now)
	v.since, v.deleted, v.feed = c.horizon(stream, now), c.Deleted, s.feed
	return v
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.arrived.Add(1)
	path, under := strings.CutPrefix(r.URL.Path, BasePath)
	stream, row := route(path)
	if !under {
		stream, row = "", "other"
	}
	out := &sender{rw: rw, r: r, gzip: s.cfg.Gzip, id: s.arrived.Load()}
	out.count = sync.OnceFunc(func() { s.tally(row, out) })
	defer out.count()
	if !pause(r, s.cfg.Latency) {
		out.failed = true
		return
	}
	switch {
	case !s.authorized(r):
		out.error(http.StatusUnauthorized, r)
	case !s.cfg.NoLimits && !s.limits.allow(row, s.limit(row), testKey(r), time.Now()):
		s.throttle(out, r)
	case s.outage(out, r), s.fault(out, r):
	case stream == "":
		out.error(http.StatusNotFound, r)
	case r.Method != http.MethodGet:
		out.error(http.StatusMethodNotAllowed, r)
	case s.status(stream) != 0:
		out.error(s.status(stream), r)
	default:
		s.answer(out, r, stream, path)
	}
}

// answer serves a list or a single object.
func (s *Server) answer(out *sender, r *http.Request, stream, path string) {
	if id, rest, ok := recipientPath(path); ok {
		s.recipient(out, r, id, rest)
		return
	}
	if stream, id, ok := itemPath(path); ok {
		s.item(out, r, stream, id)
		return
	}
	q, bad := s.parse(r, stream)
	switch {
	case bad != nil:
		out.invalid(bad, r)
	case path == "/charges/summary":
		out.total(s.list(q).total())
	case stream == Payables && !s.contract().PayablesByPage:
		s.cursorPage(out, q)
	default:
		s.page(out, r, q)
	}
}

func (s *Server) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	if !ok || password != "" || !strings.HasPrefix(user, "sk_") {
		return false
	}
	return len(s.cfg.Keys) == 0 || slices.Contains(s.cfg.Keys, user)
}

func testKey(r *http.Request) bool {
	user, _, _ := r.BasicAuth()
	return strings.HasPrefix(user, "sk_test_")
}

func (s *Server) limit(row string) int {
	if n, ok := s.cfg.Limits[row]; ok {
		return n
	}
	return documentedLimit(row)
}

func (s *Server) status(stream string) int {
	if n := s.cfg.Status[stream]; n != 0 {
		return n
	}
	if stream == BalanceOperations && s.contract().BalanceGone {
		return http.StatusNotFound
	}
	return s.cfg.Status["*"]
}

func (s *Server) tally(row string, out *sender) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[row]
	if c == nil {
		c = &Counts{}
		s.counts[row] = c
	}
	c.Requests++
	switch {
	case out.failed || out.status >= 500 || out.status == 0:
		c.Failed++
	case out.status == http.StatusTooManyRequests:
		c.Throttled++
	case out.status >= 400:
		c.Refused++
	default:
		c.Answered++
	}
}

// pause waits, and says whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
