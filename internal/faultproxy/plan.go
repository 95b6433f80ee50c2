package faultproxy

import (
	"hash/fnv"
	"net/http"
	"regexp"
	"strconv"
)

// Kind is what goes wrong with a request.
type Kind string

// The kinds of faults. One that needs a body does nothing to a request or an
// answer without one.
const (
	LostAnswer  Kind = "lost answer"  // the server answers, the client's connection is cut
	CutBefore   Kind = "cut before"   // the connection is cut, the server never sees the request
	CutRequest  Kind = "cut request"  // half of the request's body reaches the server, then both sides are cut
	CutAnswer   Kind = "cut answer"   // half of the answer's body, then the connection is cut
	SlowBytes   Kind = "slow bytes"   // bodies come in pieces with pauses between them
	TooLong     Kind = "too long"     // Content-Length promises more than there is
	TooShort    Kind = "too short"    // Content-Length tells half of what there is
	Stall       Kind = "stall"        // nothing happens for a while, then the connection is cut
	ServerError Kind = "server error" // 500
	SlowDown    Kind = "slow down"    // 503 as S3 says it
	Unavailable Kind = "unavailable"  // 503 with Retry-After
	Throttle    Kind = "throttle"     // 429 with Retry-After
	Conflict    Kind = "conflict"     // 409 as S3 answers a conditional put that meets another; puts only
	Answer      Kind = "answer"       // the answer of the rule
)

// Plan says which requests go wrong. Rules come first, then chance.
type Plan struct {
	Rules  []Rule
	Chance Chance
}

// Rule is a fault for chosen requests.
type Rule struct {
	Method string         // "" = any
	Path   *regexp.Regexp // of path and query as sent, nil = any
	From   int            // the first matching request that goes wrong, from 1 on; 0 = the first
	Times  int            // how many in a row; 0 = all that follow
	Kind   Kind
	Answer Canned // for the kind Answer
}

// Canned is an answer that the proxy gives itself.
type Canned struct {
	Status int
	Header map[string]string
	Body   string
}

// Chance lets requests go wrong by a seed.
type Chance struct {
	Seed   uint64
	Share  float64 // of the requests, 0 to 1
	Kinds  []Kind
	Method string // "" = any
	Max    int    // at most so many faults; 0 = no bound
}

// plan is a Plan with its counters.
type plan struct {
	Plan
	seen  []int // matching requests by rule
	drawn int   // faults by chance
	asked uint64
}

// fault is what happens to one request.
type fault struct {
	kind   Kind
	answer Canned
}

// draw counts the request and tells what goes wrong with it.
func (p *plan) draw(r *http.Request) fault {
	var found fault
	for i, rule := range p.Rules {
		if !rule.matches(r) {
			continue
		}
		p.seen[i]++
		first := max(rule.From, 1)
		if n := p.seen[i]; found.kind == "" && n >= first && (rule.Times == 0 || n < first+rule.Times) {
			found = fault{rule.Kind, rule.Answer}
		}
	}
	if found.kind == "" {
		found.kind = p.chance(r)
	}
	if own, ok := canned(found.kind); ok {
		found.answer = own
	}
	return found
}

func (r Rule) matches(q *http.Request) bool {
	return (r.Method == "" || r.Method == q.Method) && (r.Path == nil || r.Path.MatchString(q.RequestURI))
}

func (p *plan) chance(r *http.Request) Kind {
	c := p.Chance
	if len(c.Kinds) == 0 || c.Method != "" && c.Method != r.Method {
		return ""
	}
	p.asked++
	if c.Max > 0 && p.drawn >= c.Max {
		return ""
	}
	h := scatter(c.Seed, p.asked)
	if float64(h>>11)/(1<<53) >= c.Share {
		return ""
	}
	kind := c.Kinds[scatter(h, 1)%uint64(len(c.Kinds))]
	if kind == Conflict && r.Method != http.MethodPut {
		return ""
	}
	p.drawn++
	return kind
}

// scatter gives a number that depends on every bit of both.
func scatter(seed, n uint64) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatUint(seed, 36) + "/" + strconv.FormatUint(n, 36)))
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
