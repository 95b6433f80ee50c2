package verify

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/partitioning"
)

// mostTimes is how many rows a partition may have whose times are held to count
// windows inside it, 8 bytes each.
const mostTimes = 2_000_000

// clock holds the times of the records of one partition, by state, ascending.
type clock struct {
	lake  *lake
	value partitioning.Value
	times map[string][]int64
}

// counts is the number of records of a clock.
func (k *clock) counts() map[string]int64 {
	out := map[string]int64{}
	for state, times := range k.times {
		out[state] = int64(len(times))
	}
	return out
}

// in is the number of records of a state in a window; "" stands for all states.
func (k *clock) in(w window.Window, state string) (n int64) {
	for name, times := range k.times {
		if state != "" && state != name {
			continue
		}
		before := func(t time.Time) int {
			return sort.Search(len(times), func(i int) bool { return times[i] >= t.UnixMicro() })
		}
		n += int64(before(w.Until) - before(w.Since))
	}
	return n
}

// liveRows is how many records of a window and a state the lake has, without
// those that are marked as deleted.
func (c *comparer) liveRows(ctx context.Context, w window.Window, state string) (n int64, err error) {
	for _, v := range partitionsOf(c.t.Spec, c.lake, w) {
		counts, cut := map[string]int64(nil), c.cuts(w, v)
		if !cut {
			if counts, err = c.partitionCounts(ctx, v, state != ""); err != nil {
				return 0, err
			}
			n += sumOf(counts, state)
			continue
		}
		k, err := c.clockOf(ctx, v)
		if err != nil {
			return 0, err
		}
		n += k.in(w, state)
	}
	return n, nil
}

func sumOf(counts map[string]int64, state string) (n int64) {
	if state != "" {
		return counts[state]
	}
	for _, m := range counts {
		n += m
	}
	return n
}

// cuts reports whether a window holds only a part of a partition.
func (c *comparer) cuts(w window.Window, v partitioning.Value) bool {
	if w.IsZero() || c.t.Spec.Column == "" {
		return false
	}
	start, err := c.t.Spec.Start(v)
	return err == nil && (w.Since.After(start) || w.Until.Before(c.t.Spec.Next(start)))
}

// canCut reports whether a window can be counted in the lake.
func (c *comparer) canCut(w window.Window) bool {
	v := c.t.Spec.Of(w.Since)
	rows, _ := c.lake.rows(v)
	return !c.cuts(w, v) || c.t.Table.Time != "" && rows <= mostTimes
}

// partitionCounts gives the records of a partition by state, or under "" where
// states are not asked for. The log tells them, unless files lack what it needs.
func (c *comparer) partitionCounts(ctx context.Context, v partitioning.Value, byState bool) (map[string]int64, error) {
	if c.counted == nil || c.countedOf != c.lake {
		c.counted, c.countedOf = map[partitioning.Value]map[string]int64{}, c.lake
		c.marks = c.lake.snap.KeepsDeleted()
	}
	if counts, ok := c.counted[v]; ok {
		return counts, nil
	}
	rows, _, tagged, _ := c.lake.snap.Partition(v)
	if !byState && rows >= 0 && (tagged || !c.marks) {
		return map[string]int64{"": rows}, nil
	}
	counts, known := c.lake.snap.States(v)
	if !known || c.t.Table.State == "" {
		k, err := c.clockOf(ctx, v)
		if err != nil {
			return nil, err
		}
		counts = k.counts()
	}
	c.counted[v] = counts
	return counts, nil
}

// statesIn lists the states of the lake's records in a range, ascending.
func (c *comparer) statesIn(ctx context.Context, rng window.Window) ([]string, error) {
	names := map[string]bool{}
	for _, v := range partitionsOf(c.t.Spec, c.lake, rng) {
		counts, err := c.partitionCounts(ctx, v, true)
		if err != nil {
			return nil, err
		}
		for state := range counts {
			names[state] = true
		}
	}
	return slices.Sorted(maps.Keys(names)), nil
}

// clockOf reads the times of a partition's records. Rows in the wrong partition
// count where they are. Files that cannot be read have none.
func (c *comparer) clockOf(ctx context.Context, v partitioning.Value) (*clock, error) {
	if c.clock != nil && c.clock.lake == c.lake && c.clock.value == v {
		return c.clock, nil
	}
	k := &clock{lake: c.lake, value: v, times: map[string][]int64{}}
	names := append(c.t.keyColumns(), c.t.Table.State)
	for _, f := range c.lake.files[v] {
		err := c.t.Lake.ReadFile(ctx, f, slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" }), func(b arrow.RecordBatch) error {
			k.add(c.t, b)
			return nil
		})
		if err != nil && c.v.broken(ctx, c.t, f) == nil {
			return nil, err
		}
	}
	for _, times := range k.times {
		slices.Sort(times)
	}
	c.clock = k
	return k, nil
}

func (k *clock) add(t Target, b arrow.RecordBatch) {
	times, deleted := columnOf(b, t.Table.Time), deletedIn(b)
	states, _ := columnOf(b, t.Table.State).(*array.String)
	for i := range int(b.NumRows()) {
		if deleted(i) {
			continue
		}
		at, _ := microsOf(times, i)
		state := ""
		if states != nil && states.IsValid(i) {
			state = strings.Clone(states.Value(i))
		}
		k.times[state] = append(k.times[state], at)
	}
}
