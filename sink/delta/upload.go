package delta

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/writer"
)

const (
	uploads     = 4                // data files at once
	settleAfter = 30 * time.Second // for what must be done though the context has ended
)

// uploaded remembers the data files that one commit has put into the store,
// over all its tries.
type uploaded struct {
	mu    sync.Mutex
	tried map[string]bool // keys that may exist
	done  map[string]*add // by local path
}

// upload puts the files that are not there yet and returns their adds, in the
// order of files.
func (x *transaction) upload(ctx context.Context, files []writer.File) ([]*add, error) {
	var missing []writer.File
	for _, f := range files {
		if x.files.done[f.Path] == nil {
			missing = append(missing, f)
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(uploads)
	for _, f := range missing {
		g.Go(func() error { return x.put(gctx, f) })
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("upload to table %s: %w", x.table.root, err)
	}
	out := make([]*add, len(files))
	for i, f := range files {
		out[i] = x.files.done[f.Path]
	}
	return out, nil
}

// put uploads one file.
func (x *transaction) put(ctx context.Context, f writer.File) error {
	t := x.table
	path := f.Name
	if dir := t.settings.Spec.Dir(f.Partition); dir != "" {
		path = dir + "/" + f.Name
	}
	key := t.key(path)
	x.files.mu.Lock()
	x.files.tried[key] = true
	x.files.mu.Unlock()
	if err := store.PutFile(ctx, t.store, key, f.Path); err != nil {
		return err
	}
	a := t.newAdd(path, f)
	x.files.mu.Lock()
	defer x.files.mu.Unlock()
	x.files.done[f.Path] = a
	return nil
}

// discard removes the uploaded files that no commit names. It works though the
// run was interrupted.
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
	keys := make([]string, 0, len(x.files.tried))
	for key := range x.files.tried {
		keys = append(keys, key)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleAfter)
	defer cancel()
	if err := x.table.store.Delete(ctx, keys...); err != nil {
		return fmt.Errorf("remove uploaded files that no commit names (%s): %w", strings.Join(keys, ", "), err)
	}
	return nil
}
