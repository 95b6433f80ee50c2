package pipeline

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/delta"
)

// The passes of a run over older records.
const (
	PassUpdates = "updates"     // what the source tells by the time of change
	PassFeed    = "change feed" // what its events name
	PassRefresh = "refresh"     // what the tiers say is due
	PassFull    = "full sync"   // that is due by full_every
)

// Pass is a part of a run about records that are older than what every run reads.
type Pass struct {
	Pass       string  `json:"pass"`                 // one of the above
	Requests   int64   `json:"requests"`             // -1 where nobody can tell beforehand
	Minutes    float64 `json:"minutes"`              // at the permitted rate; 0 where requests are unknown or the rate has no limit
	Partitions int     `json:"partitions,omitempty"` // that are read again
	Note       string  `json:"note,omitempty"`
}

// older adds the passes after the new data.
func (e *Estimate) older(ctx context.Context, r *run, s Stream, snapshot *delta.Snapshot, now time.Time) {
	if s.Endpoint.UpdatedSince != "" {
		e.pass(Pass{Pass: PassUpdates, Requests: -1, Note: "as many as changed since the last run; at least one"})
	}
	if s.Feed != nil {
		e.pass(Pass{Pass: PassFeed, Requests: -1, Note: "one for each record that an event names"})
	}
	o := r.opts
	if len(s.Refresh) == 0 || o.RefreshFor <= 0 && o.RefreshRequests <= 0 {
		return
	}
	var reads []report.WindowRead
	history, err := r.history(ctx)
	if err != nil {
		e.Warnings = append(e.Warnings, "the history of windows cannot be read, so everything counts as due: "+err.Error())
	} else if history != nil {
		reads = history(s.Connection, s.Name(), s.Path)
	}
	size := int(max(e.size, 1))
	debt := DebtOf(s, snapshot, reads, now, size)
	if _, synced := snapshot.Mark(s.app()); !synced {
		debt = e.foreseen(s, snapshot, now, size)
	}
	e.Refresh = &debt
	budget := refreshBudget(o, e.PerMinute)
	p := Pass{Pass: PassRefresh, Requests: min(debt.Requests, budget), Partitions: debt.Due}
	switch {
	case debt.Requests > budget:
		p.Note = fmt.Sprintf("%d requests are due, the rest in later runs", debt.Requests)
	case s.Endpoint.TotalPath != "":
		p.Note = "beside cheap questions, about a twentieth of the budget at most"
	}
	e.pass(p)
	if debt.PerDay > float64(budget) && budget > 0 {
		e.Warnings = append(e.Warnings, fmt.Sprintf(
			"the tiers need about %.0f requests a day, refresh_budget allows %d in a run: with one run a day it takes %.0f days to read everything older once, whatever the tiers say",
			math.Ceil(debt.PerDay), budget, math.Ceil(float64(debt.All)/float64(budget))))
	}
}

// fullByAge adds the full sync that ends the run, as large as the table is now.
func (e *Estimate) fullByAge(snapshot *delta.Snapshot) {
	size := max(e.size, 1)
	e.Warnings = append(e.Warnings, "a full sync is due, by full_every")
	e.pass(Pass{Pass: PassFull, Requests: max(1, (snapshot.Rows()+size-1)/size), Note: "everything since start, after the rest"})
}

// pass adds a pass.
func (e *Estimate) pass(p Pass) {
	if e.PerMinute > 0 && p.Requests > 0 {
		p.Minutes = float64(p.Requests) / e.PerMinute
	}
	e.Passes = append(e.Passes, p)
}

// foreseen is what the tiers will cost once the first sync is done, if the
// records are spread evenly over time. Nothing is due yet.
func (e *Estimate) foreseen(s Stream, snapshot *delta.Snapshot, now time.Time, size int) Debt {
	var d Debt
	rng := agedRange(s, snapshot, now, now)
	if rng.IsZero() || rng.Empty() {
		return d
	}
	if e.Rows < 0 {
		d.PerDay, d.All = -1, -1
		return d
	}
	perDay := float64(e.Rows) / max(e.window.Length().Hours()/24, 1)
	for _, a := range grid(s.Spec, rng) {
		if a.place(s.Refresh, now); a.tiered {
			d.expect(a, perDay*lengthInDays(a.window), size)
		}
	}
	return d
}

func lengthInDays(w window.Window) float64 { return w.Length().Hours() / 24 }
