package simapi

import (
	"net/http"
	"time"
)

// Outage is a time in which every request fails.
type Outage struct {
	Since, Until time.Time
	// Hang leaves requests without any answer until the client gives up;
	// otherwise they are answered with 503.
	Hang bool
}

// outage answers a request badly during an outage.
func (s *Server) outage(out *sender, r *http.Request) bool {
	now := toTime(s.world.now())
	for _, o := range s.cfg.Outages {
		if now.Before(o.Since) || !now.Before(o.Until) {
			continue
		}
		if o.Hang {
			out.failed = true
			out.count()
			<-r.Context().Done()
			return true
		}
		out.error(http.StatusServiceUnavailable, r)
		return true
	}
	return false
}

// contracts are the configurations before and after Config.ContractChange.
func contracts(cfg Config) (before, after Config) {
	before, after = cfg, cfg
	if cfg.ContractChange.IsZero() {
		return before, after
	}
	before.PayablesByPage, before.NumericIDs = true, true
	after.PayablesByPage, after.NumericIDs = false, false
	after.BalanceGone, after.OrderField = true, true
	return before, after
}

// contract is the configuration that is in force at the moment of the clock.
func (s *Server) contract() *Config {
	if c := s.cfg.ContractChange; c.IsZero() || s.world.now() < toTicks(c) {
		return &s.before
	}
	return &s.after
}
