package pipeline_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// clockwork notes when requests for each path were sent.
type clockwork struct {
	next http.RoundTripper
	mu   sync.Mutex
	sent map[string][]time.Time
}

func (c *clockwork) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	name := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	c.sent[name] = append(c.sent[name], time.Now())
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

// used is the part of the allowed rate that a stream used from its first to its
// last request.
func (c *clockwork) used(name string, perMinute float64) float64 {
	sent := c.sent[name]
	minutes := sent[len(sent)-1].Sub(sent[0]).Minutes()
	return float64(len(sent)-1) / minutes / perMinute
}

// Polite: under the documented limits a 90-day export uses nearly all of its
// share, never more, and asks hardly more than the records need.
func TestPromisePolite(t *testing.T) {
	t.Parallel()
	var s *scene
	var rep *report.Run
	synctest.Test(t, func(t *testing.T) {
		s = newScene(t, 90, 45_000, simapi.Config{Faults: simapi.Faults{Latency: 20 * time.Millisecond}})
		s.streams = []string{simapi.Orders, simapi.Charges, simapi.Payables}
		s.limits, s.share, s.url = nil, 0.8, "https://api.pagar.me/core/v5"
		s.inBubble()
		watch := &clockwork{next: s.rt, sent: map[string][]time.Time{}}
		s.rt = watch
		rep = s.sync()
		require.Equal(t, report.Succeeded, rep.Status)
		require.Zero(t, s.server.Total().Throttled, "a 429 was provoked")

		for name, limit := range map[string]float64{simapi.Orders: 200, simapi.Charges: 200} {
			used := watch.used(name, limit*0.8)
			require.GreaterOrEqual(t, used, 0.97, name)
			require.LessOrEqual(t, used, 1.001, name)
			needed := float64(of(rep, name).Records) / 30
			require.LessOrEqual(t, float64(of(rep, name).Requests), needed*1.05, name)
		}
		payables := of(rep, simapi.Payables)
		least := (payables.Records + 999) / 1000
		require.LessOrEqual(t, payables.Requests, least+int64(payables.Windows)+2, "two ask for what changed of records from before the start")
	})
	s.t = t
	s.requireTruth(rep)
}

// Polite: a platform that limits more than it documents slows the export down;
// it does not break it.
func TestPromisePoliteWhenTheLimitIsLower(t *testing.T) {
	t.Parallel()
	var s *scene
	var rep *report.Run
	synctest.Test(t, func(t *testing.T) {
		s = newScene(t, 20, 15_000, simapi.Config{
			Limits: map[string]int{"orders": 60}, Faults: simapi.Faults{Latency: 20 * time.Millisecond, RetryAfter: 7 * time.Second},
		})
		s.streams = []string{simapi.Orders}
		s.limits, s.share, s.url = nil, 0.8, "https://api.pagar.me/core/v5"
		s.inBubble()
		rep = s.sync()
		require.Equal(t, report.Succeeded, rep.Status)
		orders := of(rep, simapi.Orders)
		require.NotZero(t, orders.Throttled)
		require.Less(t, orders.Throttled, orders.Requests/5, "a 429 slows every worker down")
	})
	s.t = t
	s.requireTruth(rep)
}
