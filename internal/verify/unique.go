package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// mostDoubled bounds the keys that are settled by comparing in one pass.
const mostDoubled = 100_000

// unique looks for keys that stand more than once in the table: by hashes, in as
// many passes as it takes to hold few of them. What has the same hash is compared
// by its text.
func (c *checker) unique(ctx context.Context, l *lake, out *collector) error {
	for try := 1; ; try++ {
		drafts, err := c.doubled(ctx, l)
		if err != nil || len(drafts) == 0 {
			return err
		}
		now, err := load(ctx, c.t.Lake)
		if err != nil {
			return err
		}
		if try == confirmTries || !changedSince(l, now, drafts) {
			out.add(drafts...)
			return nil
		}
		l = now
	}
}

func (c *checker) doubled(ctx context.Context, l *lake) ([]*draft, error) {
	bits := 0 // the highest bits of a hash tell the pass
	for n := l.snap.Rows(); n > int64(c.v.o.PassKeys) && bits < 16; n /= 2 {
		bits++
	}
	var out []*draft
	for pass := range uint64(1) << bits {
		twice, err := c.pass(ctx, l, bits, pass)
		if err != nil {
			return nil, err
		}
		places := map[string][]partitioning.Value{}
		err = c.v.eachKey(ctx, c.t, l, l.values(), twice, c.t.Table.Key, func(_ uint64, p place, _ arrow.RecordBatch, _ int) error {
			places[p.key] = append(places[p.key], p.partition)
			return nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, doubledDrafts(places)...)
	}
	return out, nil
}

// pass gives the hashes of one pass that occur more than once.
func (c *checker) pass(ctx context.Context, l *lake, bits int, pass uint64) (map[uint64]bool, error) {
	var hashes []uint64
	for _, v := range l.values() {
		for _, f := range l.files[v] {
			before := len(hashes)
			err := c.t.Lake.ReadFile(ctx, f, c.t.Table.Key, func(b arrow.RecordBatch) error {
				for _, h := range schema.KeyHashes(b, c.t.Table.Key) {
					if bits == 0 || h>>(64-bits) == pass {
						hashes = append(hashes, h)
					}
				}
				return nil
			})
			if err != nil && c.v.broken(ctx, c.t, f) == nil {
				return nil, fmt.Errorf("read the keys of the table: %w", err)
			}
			if err != nil {
				hashes = hashes[:before] // a finding of its own
			}
		}
	}
	slices.Sort(hashes)
	twice := map[uint64]bool{}
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] && len(twice) < mostDoubled {
			twice[hashes[i]] = true
		}
	}
	return twice, nil
}

// doubledDrafts makes findings of the keys that stand more than once, one for
// each set of partitions that hold them.
func doubledDrafts(places map[string][]partitioning.Value) []*draft {
	groups := map[string]*draft{}
	for _, key := range slices.Sorted(maps.Keys(places)) {
		where := slices.Clone(places[key])
		if len(where) < 2 {
			continue // another key with the same hash
		}
		slices.Sort(where)
		where = slices.Compact(where)
		var id strings.Builder
		for _, v := range where {
			id.WriteString(string(v) + "\x00")
		}
		d := groups[id.String()]
		if d == nil {
			d = &draft{kind: Doubled, where: where}
			groups[id.String()] = d
		}
		d.key(key)
	}
	var out []*draft
	for _, id := range slices.Sorted(maps.Keys(groups)) {
		out = append(out, groups[id])
	}
	return out
}
