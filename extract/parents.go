package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

// ReadParents reads the one record of each parent and marks it with the
// parent's key and the time of the snapshot. Parents that the source does not
// know any more (404) are in Result.Missing, in order. All rows are held.
func (r *Reader) ReadParents(ctx context.Context, parents []string, snapshot time.Time) (Result, error) {
	if r.ep.Paging != SingleObject || !strings.Contains(r.ep.Path, "{id}") {
		return Result{}, fmt.Errorf("read %s: it is not read per parent", r.stream())
	}
	rd, err := r.begin(window.Window{}, nil)
	if err != nil {
		return Result{}, err
	}
	defer r.end(rd)
	if err := rd.restart(); err != nil {
		return Result{}, err
	}
	var missing []string
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Concurrency)
	for _, id := range parents {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			found, err := rd.object(groupCtx, id, snapshot)
			if err != nil || found {
				return err
			}
			if err := rd.lock(groupCtx); err != nil {
				return err
			}
			defer rd.unlock()
			missing = append(missing, id)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Result{}, r.explain(ctx, window.Window{}, err)
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	result, err := rd.result(evidence{proof: ProofObject, total: -1})
	slices.Sort(missing)
	result.Missing = missing
	return result, err
}

// object reads the record of one parent; false if the source does not have it.
func (rd *reading) object(ctx context.Context, id string, snapshot time.Time) (bool, error) {
	if id == "" || id == "." || id == ".." {
		return false, fmt.Errorf("key %q of %s cannot be part of a path", id, rd.r.ep.Parent)
	}
	ep := &rd.r.ep
	q := query{path: strings.ReplaceAll(ep.Path, "{id}", url.PathEscape(id))}
	err := rd.send(ctx, q, func(body []byte, request string) error {
		if ep.ParentColumn != "" {
			rd.dec.Inject(ep.ParentColumn, id)
		}
		if ep.SnapshotTime != "" {
			rd.dec.Inject(ep.SnapshotTime, snapshot)
		}
		p, err := rd.dec.Page(body, schema.Layout{Single: true}, request)
		rd.duplicates += p.Duplicates
		return err
	})
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}
