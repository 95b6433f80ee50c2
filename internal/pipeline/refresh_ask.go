package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// asking finds out with cheap questions which partitions that are not due are
// not what the lake holds: how many records are there in a range, in all or in a
// state. Where the numbers differ the range is halved until the partitions are
// known. Such a question cannot see every change; that is what the tiers are for.
type asking struct {
	p     *refreshing
	left  int64                                   // questions that may still be asked
	known map[partitioning.Value]map[string]int64 // records in the lake by state
	total map[partitioning.Value]int64            // records in the lake
	named map[string]map[partitioning.Value]bool  // partitions that differ, by the state that was asked for
}

// span is a run of neighbours in refreshing.list, [from, to).
type span struct{ from, to int }

// ask returns the partitions, beside those that are due, that the source says
// are not what the lake holds. A first partition of each kind of question is read
// at once: where the lake proves right, that kind of question is not believed.
func (p *refreshing) ask(ctx, readCtx context.Context) ([]aged, error) {
	a := &asking{p: p, left: p.questions(), known: map[partitioning.Value]map[string]int64{}, total: map[partitioning.Value]int64{}, named: map[string]map[partitioning.Value]bool{}}
	spans := a.spans()
	if len(spans) == 0 || !p.proceed() {
		return nil, nil
	}
	before := p.sent()
	for _, state := range append([]string{""}, a.states()...) {
		able, err := a.find(readCtx, spans, state)
		if err != nil {
			return nil, err
		}
		if !able && state != "" {
			break // the source has no summary
		}
	}
	p.job.rep.Refresh.Asked = int(p.sent() - before)
	if err := a.try(ctx, readCtx); err != nil {
		return nil, err
	}
	return a.believed(), nil
}

// questions is how many questions may be asked: a twentieth of the budget, and
// enough to find one partition among all of them, but never half of the budget.
func (p *refreshing) questions() int64 {
	enough := int64(2*bits.Len(uint(len(p.list))) + 16)
	return min(max(p.budget()/20, enough), p.budget()/2)
}

// spans lists the stretches of partitions that may be asked about, the longest
// first. Those that are due are read anyway; of those with rejected records the
// source knows more than the lake.
func (a *asking) spans() []span {
	var out []span
	for i, one := range a.p.list {
		if one.due(a.p.now) || one.rejects || one.last.IsZero() || !a.count(one.value) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].to == i {
			out[n-1].to++
			continue
		}
		out = append(out, span{i, i + 1})
	}
	slices.SortStableFunc(out, func(x, y span) int { return cmp.Compare(y.to-y.from, x.to-x.from) })
	return out
}

// count notes what the lake holds of a partition, without rows that are marked
// as deleted; false where the log does not tell.
func (a *asking) count(v partitioning.Value) bool {
	rows, _, _, _ := a.p.table.Partition(v)
	states, known := a.p.table.States(v)
	if !known {
		a.total[v] = rows
		return rows >= 0 && !a.p.job.s.KeepDeleted
	}
	a.known[v] = states
	for _, n := range states {
		a.total[v] += n
	}
	return true
}

// states lists the states that the lake knows, where the source can be asked by
// state.
func (a *asking) states() []string {
	found := map[string]bool{}
	if a.p.job.s.Endpoint.SummaryPath == "" {
		return nil
	}
	for _, states := range a.known {
		for state := range states {
			found[state] = state != ""
		}
	}
	maps.DeleteFunc(found, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(found))
}

// want is what the lake holds of a span.
func (a *asking) want(s span, state string) int64 {
	n := int64(0)
	for _, one := range a.p.list[s.from:s.to] {
		if state == "" {
			n += a.total[one.value]
		} else {
			n += a.known[one.value][state]
		}
	}
	return n
}

// find asks about each span. able is false where the source does not answer such
// a question.
func (a *asking) find(ctx context.Context, spans []span, state string) (able bool, err error) {
	for _, s := range spans {
		if state != "" && slices.ContainsFunc(a.p.list[s.from:s.to], func(one aged) bool { return a.known[one.value] == nil }) {
			continue
		}
		n, ok, err := a.question(ctx, s, state)
		if err != nil {
			return false, err
		}
		if !ok {
			return a.left <= 0, nil
		}
		if err := a.halve(ctx, s, state, n); err != nil {
			return false, err
		}
	}
	return true, nil
}

// halve narrows a span down in which the source has n records. The number of the
// second half follows from that of the first.
func (a *asking) halve(ctx context.Context, s span, state string, n int64) error {
	if n == a.want(s, state) {
		return nil
	}
	if s.to-s.from == 1 {
		if a.named[state] == nil {
			a.named[state] = map[partitioning.Value]bool{}
		}
		a.named[state][a.p.list[s.from].value] = true
		return nil
	}
	middle := (s.from + s.to) / 2
	first, ok, err := a.question(ctx, span{s.from, middle}, state)
	if err != nil || !ok {
		return err
	}
	if err := a.halve(ctx, span{s.from, middle}, state, first); err != nil {
		return err
	}
	return a.halve(ctx, span{middle, s.to}, state, n-first)
}

// question asks one question; ok is false where it is not answered, or where no
// more may be asked.
func (a *asking) question(ctx context.Context, s span, state string) (int64, bool, error) {
	if a.left <= 0 || !a.p.proceed() {
		a.left = 0
		return 0, false, nil
	}
	a.left--
	w := window.Window{Since: a.p.list[s.from].window.Since, Until: a.p.list[s.to-1].window.Until}
	return a.p.job.reader.Count(ctx, w, state)
}

// try reads one partition that each kind of question named.
func (a *asking) try(ctx, readCtx context.Context) error {
	first := map[string]partitioning.Value{}
	var list []partitioning.Value
	for _, state := range slices.Sorted(maps.Keys(a.named)) {
		first[state] = slices.Min(slices.Collect(maps.Keys(a.named[state])))
		list = append(list, first[state])
	}
	slices.Sort(list)
	if err := a.p.read(ctx, readCtx, slices.Compact(list)); err != nil {
		return err
	}
	for state, v := range first {
		if slices.Contains(a.p.out.read, v) && !slices.Contains(a.p.out.changed, v) {
			a.p.job.rep.Warn(fmt.Sprintf("the source counts %s otherwise than it lists them: partition %s is as it was, so its counts are not asked any more in this run", kindOf(state), v))
			delete(a.named, state)
		}
	}
	return nil
}

func kindOf(state string) string {
	if state == "" {
		return "the records of a range"
	}
	return fmt.Sprintf("the records with status %q", state)
}

// believed lists the partitions that are still to be read.
func (a *asking) believed() []aged {
	return slices.DeleteFunc(slices.Clone(a.p.list), func(one aged) bool {
		for _, named := range a.named {
			if named[one.value] && !slices.Contains(a.p.out.read, one.value) {
				return false
			}
		}
		return true
	})
}
