package simapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// delivery is a hook as a reader sees it.
type delivery struct {
	ID        string
	Event     string
	Type      string
	Status    string
	Attempts  string
	CreatedAt time.Time       `json:"created_at"`
	Data      json.RawMessage `json:"data"`
}

func deliveries(t *testing.T, s *Server, since, until time.Time) (out []delivery) {
	s.Each(Hooks, since, until, func(r Record) bool {
		var d delivery
		require.NoError(t, json.Unmarshal(r.JSON, &d), "%s", r.JSON)
		out = append(out, d)
		return true
	})
	return out
}

// Every change of state that the platform has an event for has its hook, once,
// and the hook's data is the object as it could be read at that moment.
func TestHooksAreTheChangesOfState(t *testing.T) {
	w := Merchant(5, monday, 150, 6000)
	w.Late = LateLife()
	w.Late.TestData = 0
	now := w.End()
	w.Now = func() time.Time { return now }
	s := New(w, Config{NoLimits: true, Shape: Shape{Dates: DatesTicks}})
	c := newClient(t, s)
	all := deliveries(t, s, time.Time{}, time.Time{})
	events := map[string]map[string]int{}
	for i, d := range all {
		if events[d.Event] == nil {
			events[d.Event] = map[string]int{}
		}
		id := key(t, d.Data)
		events[d.Event][id]++
		require.Equal(t, 1, events[d.Event][id], "%s of %s twice", d.Event, id)
		now = d.CreatedAt
		kind, _, _ := strings.Cut(d.Event, ".")
		if i%29 != 0 || kind == "recipient" {
			continue
		}
		res, body, err := c.do("/"+kind+"s/"+id, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, res.StatusCode, "%s of %s: %s", d.Event, id, body)
		require.JSONEq(t, string(body), string(d.Data), d.Event)
	}
	now = w.End()
	for _, name := range hookNames {
		require.NotEmpty(t, events[name], name)
	}
	told := map[string]string{"paid": "charge.paid", "failed": "charge.payment_failed", "partial_canceled": "charge.partial_canceled", "chargedback": "charge.chargedback"}
	s.Each(Charges, time.Time{}, now.Add(-3*time.Second), func(r Record) bool {
		require.Equal(t, 1, events["charge.created"][r.Key])
		if name := told[r.Status]; name != "" && !strings.Contains(string(r.JSON), now.Add(-time.Second).Format("2006-01-02T15:04:05")) {
			require.Equal(t, 1, events[name][r.Key], "%s of %s", name, r.JSON)
		}
		return true
	})
}

func TestHooksAreFiltered(t *testing.T) {
	w := Merchant(5, monday, 20, 2000)
	s := New(w, Config{NoLimits: true})
	c := newClient(t, s)
	all := deliveries(t, s, time.Time{}, time.Time{})
	for name, of := range map[string]func(d delivery) string{
		"webhook_event": func(d delivery) string { return d.Event },
		"status":        func(d delivery) string { return d.Status },
	} {
		sum := 0
		seen := map[string]bool{}
		for _, d := range all {
			if v := of(d); !seen[v] {
				seen[v] = true
				rows := c.list(Hooks, url.Values{name: {v}}, 30)
				require.Equal(t, len(rows), *c.get("/hooks", url.Values{name: {v}}).Paging.Total)
				sum += len(rows)
			}
		}
		require.Equal(t, len(all), sum, name)
		require.Greater(t, len(seen), 1)
	}
	for _, d := range all {
		require.Regexp(t, `^[0-3]/3$`, d.Attempts)
		require.Empty(t, d.Type)
	}
	d := deliveries(t, New(w, Config{Shape: Shape{HookType: true}}), time.Time{}, time.Time{})[0]
	require.Equal(t, all[0].Event, d.Type)
	require.Empty(t, d.Event)
	require.Len(t, newClient(t, New(w, Config{NoLimits: true})).get("/hooks", url.Values{"size": {"700"}}).Data, 30)
}

func TestMissingHooks(t *testing.T) {
	w := Merchant(5, monday, 40, 4000)
	since, until := w.Start().AddDate(0, 0, 10), w.Start().AddDate(0, 0, 17)
	whole := New(w, Config{}).Truth(Hooks, time.Time{}, time.Time{}).Rows
	week := New(w, Config{}).Truth(Hooks, since, until).Rows
	rows := func(f Feed) int {
		s := New(w, Config{NoLimits: true, Feed: f})
		listed := newClient(t, s).list(Hooks, url.Values{}, 30)
		require.Len(t, listed, int(s.Truth(Hooks, time.Time{}, time.Time{}).Rows))
		require.Equal(t, len(listed), *newClient(t, s).get("/hooks", nil).Paging.Total)
		return len(listed)
	}
	require.Equal(t, int(whole-week), rows(Feed{HooksMissingSince: since, HooksMissingUntil: until}))
	require.InEpsilon(t, 0.7*float64(whole), rows(Feed{HooksMissing: 300}), 0.05)
	require.Equal(t, int(w.Truth(Hooks, w.End().AddDate(0, 0, -9), time.Time{}).Rows), rows(Feed{HooksFor: 9 * 24 * time.Hour}))
	for _, d := range deliveries(t, New(w, Config{Feed: Feed{HooksEvents: []string{"order.paid"}}}), time.Time{}, time.Time{}) {
		require.Equal(t, "order.paid", d.Event)
	}
}

func TestLyingHooks(t *testing.T) {
	w := Merchant(5, monday, 40, 4000)
	s := New(w, Config{NoLimits: true, Feed: Feed{HooksLie: 300}})
	c := newClient(t, s)
	honest := map[string]bool{}
	for _, d := range deliveries(t, New(w, Config{}), time.Time{}, time.Time{}) {
		honest[d.ID] = true
	}
	count := map[string]int{}
	told := map[string]bool{}
	for _, d := range deliveries(t, s, time.Time{}, time.Time{}) {
		if id := idOf(t, d); honest[d.ID] {
			told[d.Event+id] = true
			delete(honest, d.ID)
		} else {
			count[lieOf(t, c, d, told[d.Event+id])]++
		}
	}
	require.Empty(t, honest, "lies come on top")
	for _, kind := range []string{"null", "no id", "event", "created", "future", "other", "unknown", "again"} {
		require.Positive(t, count[kind], kind)
	}
}

func idOf(t *testing.T, d delivery) string {
	var o struct{ ID string }
	require.NoError(t, json.Unmarshal(d.Data, &o))
	return o.ID
}

// lieOf says what is wrong with a delivery; again tells that the same event of
// the same object was there before.
func lieOf(t *testing.T, c *client, d delivery, again bool) string {
	var o struct {
		UpdatedAt time.Time `json:"updated_at"`
	}
	require.NoError(t, json.Unmarshal(d.Data, &o))
	id, now := idOf(t, d), monday.AddDate(0, 0, 40)
	list, prefix := "orders", "or_"
	if strings.HasPrefix(d.Event, "charge") {
		list, prefix = "charges", "ch_"
	}
	switch {
	case string(d.Data) == "null":
		return "null"
	case id == "":
		return "no id"
	case d.Event == "order.teleported":
		return "event"
	case d.CreatedAt.After(now):
		return "created"
	case o.UpdatedAt.After(now):
		return "future"
	case strings.HasPrefix(id, "re_"):
		return "recipient"
	case !strings.HasPrefix(id, prefix):
		return "other"
	case again:
		return "again"
	}
	res, _, err := c.do("/"+list+"/"+id, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	return "unknown"
}
