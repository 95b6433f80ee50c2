package config

import (
	"errors"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Tier is one step of a stream's refresh policy.
type Tier struct {
	YoungerThan time.Duration // age of what is read again; 0 = any age
	Every       time.Duration // how often; 0 = at every run
	Settled     time.Duration // instead of Every where every record is in a final state; 0 = as Every
}

// defaultRefreshFor is how long a stream refreshes older records in one run.
const defaultRefreshFor = 30 * time.Minute

// longest bounds ages and intervals: a hundred years.
const longest = 36500 * day

// budget reads refresh_budget: a duration, a number of requests, or off.
func (r *reader) budget(o object) {
	r.config.RefreshFor = defaultRefreshFor
	text, ok := o.scalar("refresh_budget")
	if !ok {
		return
	}
	r.config.RefreshFor = 0
	if text == "off" {
		return
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		r.config.RefreshRequests = n
		return
	}
	d, err := parseDuration(text)
	if err != nil || d <= 0 {
		r.add(o.lineOf("refresh_budget"), "refresh_budget %q: not a duration like 30m, a number of requests like 2000, or off", text)
		return
	}
	r.config.RefreshFor = d
}

// refresh reads a list of tiers, or off. The tier of every run is the lookback.
func (r *reader) refresh(o object, s *Stream) {
	if !o.has("refresh") {
		return
	}
	if o.has("lookback") {
		r.add(o.lineOf("refresh"), "refresh and lookback exclude each other: the tier `every: run` is the lookback")
		return
	}
	s.Refresh = []Tier{}
	if text := target(o.values["refresh"]); text.Kind == yaml.ScalarNode && text.Value == "off" {
		return
	}
	before := time.Duration(0)
	for i, n := range r.list(o.values["refresh"], "refresh") {
		t, ok := r.tier(n)
		if !ok {
			continue
		}
		switch {
		case i > 0 && before == 0:
			r.add(n.Line, "a tier of refresh comes after one without younger_than, which holds every age: move that one to the end")
		case t.YoungerThan > 0 && t.YoungerThan <= before:
			r.add(n.Line, "the tiers of refresh must go from young to old: younger_than is not greater than that of the tier before")
		}
		before = t.YoungerThan
		if t.Every > 0 {
			s.Refresh = append(s.Refresh, t)
			continue
		}
		if i > 0 {
			r.add(n.Line, "only the first tier of refresh may be of every run")
		}
		s.Lookback = &t.YoungerThan
	}
}

func (r *reader) tier(n *yaml.Node) (Tier, bool) {
	o, ok := r.object(n, "tier", "younger_than", "every", "settled")
	if !ok {
		return Tier{}, false
	}
	o.require("every")
	every, given := o.scalar("every")
	var t Tier
	young := r.interval(o, "younger_than", &t.YoungerThan)
	switch {
	case !given || !young || !r.interval(o, "settled", &t.Settled):
		return Tier{}, false
	case every != "run":
		ok = r.interval(o, "every", &t.Every)
	case t.YoungerThan == 0:
		r.add(o.line, "a tier of every run needs younger_than: to read everything at every run, use sync: full")
		return Tier{}, false
	}
	if ok && t.Settled > 0 && t.Settled < t.Every {
		r.add(o.lineOf("settled"), "settled is less than every: settled records need reading less often, not more")
	}
	return t, ok
}

// interval reads a duration that is more than nothing. It is true where the key
// is not given.
func (r *reader) interval(o object, key string, into *time.Duration) bool {
	if !o.has(key) {
		return true
	}
	text, ok := o.scalar(key)
	if !ok {
		return false
	}
	d, err := parseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("it must be more than nothing")
	}
	if err == nil && d > longest {
		err = errors.New("more than a hundred years")
	}
	if err != nil {
		r.add(o.lineOf(key), "%s %q: %v", key, text, err)
		return false
	}
	*into = d
	return true
}

// care reads what happens to records that changed or disappeared long after they
// were created.
func (r *reader) care(o object, s *Stream) {
	r.refresh(o, s)
	r.interval(o, "full_every", &s.FullEvery)
	if word, ok := o.choice("deletes", "remove", "keep"); ok {
		s.KeepDeleted = word == "keep"
	}
	if o.has("include_updated") {
		s.IncludeUpdated = o.flag("include_updated")
	}
}
