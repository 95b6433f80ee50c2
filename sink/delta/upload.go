package delta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

const (
	uploads     = 4                // data files at once
	settleAfter = 30 * time.Second // for what must be done though the context has ended,
	settleSoon  = time.Second      // or when it had ended before: somebody waits for the process
)

// settling returns a context for what must be done though ctx may have ended.
func settling(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := settleAfter
	if ctx.Err() != nil {
		limit = settleSoon
	}
	return context.WithTimeout(context.WithoutCancel(ctx), limit)
}

// Store puts finished local files where a commit would put them and returns
// them with Stored set, in the same order; files that are stored already are
// returned as they are. No commit names them yet: a reader does not see them,
// and until one does they are orphans that a vacuum may remove once they are
// older than its retention. After an error some may be stored; they are not
// removed.
func (t *Table) Store(ctx context.Context, files []writer.File) ([]writer.File, error) {
	out := slices.Clone(files)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for i, f := range out {
		if f.Stored != "" {
			continue
		}
		out[i].Stored = t.pathOf(f)
		g.Go(func() error { return store.PutFile(gctx, t.store, t.key(out[i].Stored), f.Path) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("upload to table %s: %w", t.root, err)
	}
	return out, nil
}

// Missing returns the stored files of a change that are not in the store as they
// were put there, or that were put there before the given time, and when the
// oldest of the others was put. It lists their folder once.
func (t *Table) Missing(ctx context.Context, files []writer.File, before time.Time) (missing []writer.File, oldest time.Time, err error) {
	wanted := map[string]writer.File{}
	prefix := ""
	for _, f := range files {
		if f.Stored == "" {
			continue
		}
		key := t.key(f.Stored)
		if len(wanted) == 0 {
			prefix = key
		}
		prefix = common(prefix, key)
		wanted[key] = f
	}
	if len(wanted) == 0 {
		return nil, time.Time{}, nil
	}
	for o, err := range t.store.List(ctx, prefix, "") {
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("look for the stored files of table %s: %w", t.root, err)
		}
		if f, ok := wanted[o.Key]; !ok || o.Size != f.Bytes || o.Modified.Before(before) {
			continue
		}
		delete(wanted, o.Key)
		if oldest.IsZero() || o.Modified.Before(oldest) {
			oldest = o.Modified
		}
	}
	return slices.Collect(maps.Values(wanted)), oldest, nil
}

// common returns the longest common prefix.
func common(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// pathOf returns where a local file goes, below the table's root.
func (t *Table) pathOf(f writer.File) string {
	if dir := t.settings.Spec.Dir(f.Partition); dir != "" {
		return dir + "/" + f.Name
	}
	return f.Name
}

// uploaded remembers the data files that one commit has put into the store,
// over all its tries.
type uploaded struct {
	mu    sync.Mutex
	tried map[string]bool // keys that may exist
	done  map[string]*add // by path in the table
}

// upload puts the files that are not there yet and returns their adds, in the
// order of files. Files that were stored before are not touched.
func (x *transaction) upload(ctx context.Context, files []writer.File) ([]*add, error) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for _, f := range files {
		switch path := x.table.pathOf(f); {
		case f.Stored != "":
			x.files.keep(f.Stored, x.table.newAdd(f.Stored, f))
		case !x.files.has(path):
			g.Go(func() error { return x.put(gctx, path, f) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("upload to table %s: %w", x.table.root, err)
	}
	out := make([]*add, len(files))
	for i, f := range files {
		path := f.Stored
		if path == "" {
			path = x.table.pathOf(f)
		}
		out[i] = x.files.done[path]
	}
	return out, nil
}

// put uploads one file.
func (x *transaction) put(ctx context.Context, path string, f writer.File) error {
	key := x.table.key(path)
	x.files.mu.Lock()
	x.files.tried[key] = true
	x.files.mu.Unlock()
	if err := store.PutFile(ctx, x.table.store, key, f.Path); err != nil {
		return err
	}
	x.files.keep(path, x.table.newAdd(path, f))
	return nil
}

func (u *uploaded) has(path string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.done[path] != nil
}

func (u *uploaded) keep(path string, a *add) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.done[path] = a
}

// discard removes the files that this commit uploaded and no commit names. Files
// that were stored before it are not its own: it leaves them. It works though
// the run was interrupted.
func (x *transaction) discard(ctx context.Context, named []*add) error {
	if x.unclear {
		return nil // a commit that names them may still appear
	}
	for _, a := range named {
		delete(x.files.tried, x.table.key(canonical(a.Path)))
	}
	if len(x.files.tried) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(x.files.tried))
	ctx, cancel := settling(ctx)
	defer cancel()
	if err := x.table.store.Delete(ctx, keys...); err != nil {
		return fmt.Errorf("remove uploaded files that no commit names (%s): %w", strings.Join(keys, ", "), err)
	}
	return nil
}
