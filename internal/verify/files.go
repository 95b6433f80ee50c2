package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink/delta"
)

// files looks whether every file of a table is in the store and of its size, by
// one listing.
func (v *verifier) files(ctx context.Context, t Target, l *lake, rep *Stream, out *collector) error {
	rep.by(byFiles)
	if path := t.Lake.DamagedCheckpoint(ctx); path != "" {
		d := &draft{kind: Unreadable, count: 1}
		d.find.File = path
		out.add(d)
		rep.badLog = true
	}
	for try := 1; ; try++ {
		drafts, err := v.missingFiles(ctx, t, l)
		if err != nil {
			return err
		}
		if len(drafts) == 0 {
			return nil
		}
		now, err := load(ctx, t.Lake)
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

// changedSince reports whether partitions of drafts have other files now.
func changedSince(l, now *lake, drafts []*draft) bool {
	return slices.ContainsFunc(drafts, func(d *draft) bool {
		return slices.ContainsFunc(d.where, func(v partitioning.Value) bool { return !sameFiles(l, now, v) })
	})
}

func (v *verifier) missingFiles(ctx context.Context, t Target, l *lake) ([]*draft, error) {
	root := join(t.Lake.Root(), "")
	sizes := map[string]int64{}
	for o, err := range v.o.Store.List(ctx, root, "") {
		if err != nil {
			return nil, fmt.Errorf("list the files of the table: %w", err)
		}
		sizes[strings.TrimPrefix(o.Key, root)] = o.Size
	}
	var out []*draft
	for f := range l.snap.Files() {
		if t.skips(f.Partition) || outside(f) {
			continue
		}
		size, ok := sizes[f.Path]
		switch {
		case !ok:
			out = append(out, fileDraft(Lost, f, "the log names it, the store does not have it"))
		case size != f.Size:
			out = append(out, fileDraft(Cut, f, fmt.Sprintf("it has %d bytes, the log says %d", size, f.Size)))
		}
	}
	return out, nil
}

// skips reports whether a partition is not to be looked at.
func (t Target) skips(v partitioning.Value) bool {
	return t.Only != nil && !slices.Contains(t.Only, v)
}

// outside reports whether a file lies in another place than the table: a shallow
// clone names such files.
func outside(f delta.File) bool {
	return strings.HasPrefix(f.Path, "/") || strings.Contains(f.Path, ":/")
}

// fileDraft is a difference of a file.
func fileDraft(kind string, f delta.File, detail string) *draft {
	d := &draft{kind: kind, count: 1}
	d.at(f.Partition)
	d.find.File, d.find.Detail = f.Path, detail
	return d
}
