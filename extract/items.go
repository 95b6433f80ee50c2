package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/schema"
)

// ReadItems reads records one by one by their keys, within the limit of that
// endpoint. Keys that the source does not know (404 or 410; some endpoints say
// 400) are in Result.Missing, in order; so are keys that cannot be part of a path. A
// record without a time is a reject. All rows are held: ask for a few hundred at
// a time. Errors as Read, but never *TooWideError.
func (r *Reader) ReadItems(ctx context.Context, ids []string) (Result, error) {
	if r.ep.ItemPath == "" {
		return Result{}, fmt.Errorf("read %s by key: it has no such endpoint", r.stream())
	}
	rd, err := r.begin(window.Window{}, nil)
	if err != nil {
		return Result{}, err
	}
	defer r.end(rd)
	rd.keep = allTimes
	if err := rd.restart(); err != nil {
		return Result{}, err
	}
	it := items{rd: rd, row: r.client.itemLimiter(&r.ep)}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Concurrency)
	for _, id := range ids {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error { return it.read(groupCtx, id) })
	}
	if err := group.Wait(); err != nil {
		return Result{}, r.explainItem(ctx, err)
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	result, err := rd.result(evidence{proof: ProofObject, total: -1})
	slices.Sort(it.missing)
	result.Missing = it.missing
	return result, err
}

// explainItem adds the stream to an error.
func (r *Reader) explainItem(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("read %s by key: %w", r.stream(), err)
}

// items is one ReadItems call.
type items struct {
	rd      *reading
	row     *limiter
	missing []string
}

// read reads one record.
func (it *items) read(ctx context.Context, id string) error {
	rd, found := it.rd, 0
	if inPath(id) {
		q := query{path: strings.ReplaceAll(rd.r.ep.ItemPath, "{id}", url.PathEscape(id)), row: it.row}
		err := rd.send(ctx, q, func(body []byte, request string) error {
			p, err := rd.dec.Page(body, schema.Layout{Single: true}, request)
			rd.duplicates += p.Duplicates
			found = p.Records
			return err
		})
		if err != nil && !unknownItem(err) {
			return err
		}
	}
	if found > 0 {
		return nil
	}
	if err := rd.lock(ctx); err != nil {
		return err
	}
	defer rd.unlock()
	it.missing = append(it.missing, id)
	return nil
}

// inPath reports whether a key can be a segment of a path.
func inPath(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= 200 && !strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// unknownItem reports whether the source says that it does not have a record
// (API notes, section 9: some endpoints answer 400).
func unknownItem(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return false
	}
	return status.Status == http.StatusNotFound || status.Status == http.StatusGone || status.Status == http.StatusBadRequest
}
