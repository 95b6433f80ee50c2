package verify

import (
	"slices"
	"sync"

	"github.com/paylake/paylake/partitioning"
)

// Bounds of what a report lists. Counts are always whole.
const (
	maxKeys     = 20
	maxFields   = 50
	maxFindings = 1000
)

// collector gathers the findings of a stream. Safe for concurrent use.
type collector struct {
	mu  sync.Mutex
	rep *Stream
}

func newCollector(rep *Stream) *collector { return &collector{rep: rep} }

// draft is a finding that is being put together.
type draft struct {
	kind   string
	where  []partitioning.Value
	keys   []string
	count  int64
	fields []string
	find   Finding
}

// key adds a record; its key is named as long as there is room.
func (d *draft) key(text string) {
	d.count++
	if len(d.keys) < maxKeys && text != "" {
		d.keys = append(d.keys, text)
	}
}

// at adds the partition of a difference.
func (d *draft) at(v partitioning.Value) {
	if !slices.Contains(d.where, v) {
		d.where = append(d.where, v)
	}
}

// finish makes the finding.
func (d *draft) finish() Finding {
	f := d.find
	f.Kind, f.Count, f.Keys = d.kind, d.count, d.keys
	f.KeysLeft = max(d.count-int64(len(d.keys)), 0)
	if len(d.keys) == 0 {
		f.KeysLeft = 0
	}
	slices.Sort(d.fields)
	f.Fields = slices.Compact(d.fields)
	f.Fields = f.Fields[:min(len(f.Fields), maxFields)]
	slices.Sort(d.where)
	for _, v := range d.where {
		f.Partitions = append(f.Partitions, string(v))
	}
	return f
}

// add takes findings over; those without a count are none.
func (c *collector) add(drafts ...*draft) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range drafts {
		if d == nil || d.count == 0 {
			continue
		}
		if c.rep.Differences == nil {
			c.rep.Differences, c.rep.damaged = map[string]int64{}, map[partitioning.Value]bool{}
		}
		c.rep.Differences[d.kind] += d.count
		for _, v := range d.where {
			c.rep.damaged[v] = true
		}
		if len(c.rep.Findings) == maxFindings {
			c.rep.FindingsLeft++
			continue
		}
		c.rep.Findings = append(c.rep.Findings, d.finish())
	}
}
