package verify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// whole compares a table with itself: its files with what the log says of them,
// and its keys with each other. It is done once for a stream.
func (v *verifier) whole(ctx context.Context, t Target, l *lake, rep *Stream, out *collector) error {
	if slices.Contains(rep.Methods, byItself) {
		return nil
	}
	select {
	case v.local <- struct{}{}:
		defer func() { <-v.local }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	rep.by(byItself)
	c := &checker{v: v, t: t, rep: rep}
	var values []partitioning.Value
	for _, value := range l.values() {
		if !t.skips(value) {
			values = append(values, value)
		}
	}
	rep.Partitions = max(rep.Partitions, len(values))
	if err := c.filesOf(ctx, l, values, out); err != nil {
		return err
	}
	return c.unique(ctx, l, out)
}

// checker compares a table with itself.
type checker struct {
	v   *verifier
	t   Target
	rep *Stream

	drafts map[partitioning.Value][]*draft
	states map[partitioning.Value]map[string]int64 // counted in the rows
	lost   map[partitioning.Value]bool             // with files that could not be read
}

// filesOf reads the files of partitions. What differs counts only if the newest
// version of the table has these files still.
func (c *checker) filesOf(ctx context.Context, l *lake, values []partitioning.Value, out *collector) error {
	for try := 1; len(values) > 0; try++ {
		readErr := c.read(ctx, l, values, try == 1)
		if c.compareStates(l, values); readErr == nil && len(c.drafts) == 0 {
			return nil
		}
		now, err := load(ctx, c.t.Lake)
		if err != nil {
			return errors.Join(readErr, err)
		}
		if readErr != nil { // a checkpoint that holds statistics may have been cleaned away
			if try == confirmTries || now.snap.Version() == l.snap.Version() {
				return readErr
			}
			l = now
			continue
		}
		values = nil
		for _, v := range slices.Sorted(maps.Keys(c.drafts)) {
			if try == confirmTries || sameFiles(l, now, v) {
				out.add(c.drafts[v]...)
				continue
			}
			values = append(values, v)
		}
		l = now
	}
	return nil
}

// read checks every file of the partitions, with its statistics.
func (c *checker) read(ctx context.Context, l *lake, values []partitioning.Value, first bool) error {
	c.drafts = map[partitioning.Value][]*draft{}
	c.states, c.lost = map[partitioning.Value]map[string]int64{}, map[partitioning.Value]bool{}
	wanted := map[partitioning.Value]bool{}
	files := 0
	for _, v := range values {
		wanted[v] = true
		files += len(l.files[v])
	}
	read := 0
	err := c.t.Lake.EachStats(ctx, l.snap, func(f delta.File, stats string) error {
		if !wanted[f.Partition] || outside(f) {
			return nil
		}
		read++
		if first {
			c.rep.Files++
			c.v.progress(c.t, c.rep, float64(read)/float64(files+1))
		}
		return c.file(ctx, f, stats)
	})
	if err != nil {
		return fmt.Errorf("compare the table with itself: %w", err)
	}
	return nil
}

// note adds a difference of a partition.
func (c *checker) note(v partitioning.Value, d *draft) {
	if d.count > 0 {
		c.drafts[v] = append(c.drafts[v], d)
	}
}

// compareStates compares the log's numbers of records by state with the rows.
func (c *checker) compareStates(l *lake, values []partitioning.Value) {
	if c.t.Table.State == "" {
		return
	}
	for _, v := range values {
		told, known := l.snap.States(v)
		if !known || len(l.files[v]) == 0 || c.lost[v] {
			continue
		}
		maps.DeleteFunc(told, func(_ string, n int64) bool { return n == 0 })
		if !maps.Equal(told, c.states[v]) {
			d := &draft{kind: Tags, count: 1}
			d.at(v)
			d.find.Detail = "the log's numbers of records by state are not those of the rows"
			c.note(v, d)
		}
	}
}
