package extract

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/paylake/paylake/extract/window"
)

// summaryState is the parameter of Endpoint.SummaryPath that names a state.
const summaryState = "status"

// Count asks the source how many records were created in a window: with one
// request, and without reading them. With a state only the records in that state
// count, which Endpoint.SummaryPath must tell. ok is false where the source
// cannot tell exactly: it reports no totals, the creation filter is not known to
// work to the second, or it has no summary. Then nothing, or nothing more, should
// be asked.
//
// Nobody documents whether the ends of a filter belong to the range, so it is
// asked for one microsecond before each end: records have whole microseconds, so
// both readings give [Since, Until). Errors: *StatusError and *RequestError in the
// chain, or the context's cause.
func (r *Reader) Count(ctx context.Context, w window.Window, state string) (n int64, ok bool, err error) {
	q, able := r.countQuery(w, state)
	if !able {
		return 0, false, nil
	}
	n = -1
	stats, err := r.client.get(ctx, q, func(body []byte, _ string) error {
		n = r.countIn(body, state != "")
		return nil
	})
	l := &r.learned
	l.requests.Add(int64(stats.attempts))
	l.retries.Add(int64(max(stats.attempts-1, 0)))
	l.throttled.Add(int64(stats.throttled))
	switch {
	case refusesCount(err):
		return 0, false, nil
	case err != nil:
		return 0, false, r.explain(ctx, w, err)
	case n < 0 && state == "":
		l.sawTotal(false)
	}
	return n, n >= 0, nil
}

// countQuery is the request that tells how many records a window holds.
func (r *Reader) countQuery(w window.Window, state string) (query, bool) {
	ep := &r.ep
	listed := state == "" && ep.TotalPath != "" && len(ep.States) == 0 && r.Facts().Totals != "missing"
	if !listed && (state == "" || ep.SummaryPath == "") || w.IsZero() || w.Empty() || ep.SinceParam == "" || r.learned.filter() != exact {
		return query{}, false
	}
	v := url.Values{}
	v.Set(ep.SinceParam, w.Since.UTC().Add(-time.Microsecond).Format(time.RFC3339Nano))
	v.Set(ep.UntilParam, w.Until.UTC().Add(-time.Microsecond).Format(time.RFC3339Nano))
	q := query{stream: r.stream(), path: ep.Path, params: v, row: r.row}
	if state != "" {
		v.Set(summaryState, state)
		q.path = ep.SummaryPath
		return q, true
	}
	v.Set("page", "1")
	v.Set("size", "1")
	return q, true
}

// countIn finds the number in an answer; -1 if there is none.
func (r *Reader) countIn(body []byte, summary bool) int64 {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return -1
	}
	members := make(map[string][]byte, len(object))
	for name, raw := range object {
		members[name] = raw
	}
	if summary {
		return totalOf(members, "total")
	}
	return totalOf(members, r.ep.TotalPath)
}

// refusesCount reports whether the source does not serve such a question, which
// only one software kit of the platform knows of.
func refusesCount(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return false
	}
	switch status.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusPreconditionFailed, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// Calibrate finds out how precisely the creation filter works, where that is not
// known, with three requests about a range that holds records. Prepare does that
// too, unless the range is so small that it does not pay; it pays where many
// small windows will be read, or counted. Errors as Read.
func (r *Reader) Calibrate(ctx context.Context, rng window.Window) error {
	if r.learned.filter() != unknownPrecision || r.ep.SinceParam == "" || rng.IsZero() || rng.Empty() {
		return nil
	}
	found, err := r.root(ctx, rng, daysMargin)
	if err == nil && !found.newest.IsZero() {
		var p precision
		if p, err = r.calibrate(ctx, found.newest, found.state); err == nil {
			r.learned.setFilter(p)
		}
	}
	if err != nil {
		return r.explain(ctx, rng, err)
	}
	return nil
}

// WindowRows is how many rows a window should hold, as far as is known by now:
// what is read as one window is not split then.
func (r *Reader) WindowRows() int64 { return int64(targetFill * r.maxRows(r.learned.pageSize())) }
