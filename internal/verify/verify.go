package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// sideBySide is how many streams are verified at once.
const sideBySide = 8

// verifier is what the streams of a verification share.
type verifier struct {
	o     Options
	local chan struct{} // who may read a whole table
}

// Err is why the stream could not be verified, nil if it was.
func (s *Stream) Err() error { return s.err }

// Run verifies the targets side by side. Trouble with a stream is part of the
// report, not an error; an error means that ctx ended, or a table that belongs to
// other settings: *sink.SettingsError.
func Run(ctx context.Context, targets []Target, o Options) (*Report, error) {
	v := &verifier{o: o.withDefaults(), local: make(chan struct{}, 2)}
	rep := &Report{Version: Version, Tool: o.Tool, Started: time.Now().UTC()}
	var group errgroup.Group
	group.SetLimit(sideBySide)
	for _, t := range targets {
		s := &Stream{Connection: t.Connection, Source: t.Source, Stream: t.Name(), Table: t.Path, TableVersion: -1, Methods: []string{}}
		rep.Streams = append(rep.Streams, s)
		group.Go(func() error {
			begun := time.Now()
			if err := v.stream(ctx, t, s); err != nil {
				v.judge(t, s, err)
			}
			s.settle()
			s.Seconds = time.Since(begun).Seconds()
			v.report(Progress{Connection: s.Connection, Stream: s.Stream, Done: 1, Windows: s.Windows, Requests: s.Requests,
				Records: s.LakeRows, Ended: true, Status: s.Status})
			return nil
		})
	}
	group.Wait() // streams put their errors into the report
	if ctx.Err() != nil {
		rep.Ended = time.Now().UTC()
		rep.Settle()
		return rep, context.Cause(ctx)
	}
	for _, s := range rep.Streams {
		var settings *sink.SettingsError
		if errors.As(s.err, &settings) {
			return nil, s.err
		}
	}
	rep.Ended = time.Now().UTC()
	rep.Settle()
	return rep, nil
}

// stream verifies one table.
func (v *verifier) stream(ctx context.Context, t Target, rep *Stream) error {
	l, err := load(ctx, t.Lake)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	rep.TableVersion = l.snap.Version()
	if !l.snap.Exists() {
		rep.missing = true
		if !t.Named {
			rep.skipped = true
			rep.note("there is no table yet; `paylake sync` makes it")
			return nil
		}
		return errors.New("there is no table yet; `paylake sync` makes it")
	}
	out := newCollector(rep)
	if err := v.files(ctx, t, l, rep, out); err != nil {
		return err
	}
	if v.o.Local {
		if err := v.whole(ctx, t, l, rep, out); err != nil {
			return err
		}
	}
	if v.o.Source || v.o.Deep {
		return v.source(ctx, t, l, rep, out)
	}
	return nil
}

// judge puts the error of a stream into its report. A stream that the account
// does not have is no failure unless it was named, as in a sync.
func (v *verifier) judge(t Target, rep *Stream, err error) {
	var gone *extract.GoneError
	var status *extract.StatusError
	rep.missing = rep.missing || errors.Is(err, errNothing) || errors.As(err, &gone) || errors.As(err, &status) && (status.Status == 403 || status.Status == 404)
	if gone != nil && gone.Gone != nil && !t.Named {
		rep.warn(err.Error())
		rep.note("only what the lake itself tells was verified: the source no longer serves the list")
		return
	}
	rep.err, rep.Error = err, err.Error()
}

// progress tells the caller where a stream stands.
func (v *verifier) progress(t Target, rep *Stream, done float64) {
	v.report(Progress{Connection: t.Connection, Stream: t.Name(), Done: done, Windows: rep.Windows, Requests: rep.Requests, Records: rep.LakeRows})
}

func (v *verifier) report(p Progress) {
	if v.o.Progress != nil {
		v.o.Progress(p)
	}
}

// broken tells why a file of the lake cannot be read: nil if the store does not
// answer, which says nothing about the file.
func (v *verifier) broken(ctx context.Context, t Target, f delta.File) (why error) {
	if ctx.Err() != nil {
		return nil
	}
	body, err := v.o.Store.Open(ctx, join(t.Lake.Root(), f.Path), 0, -1)
	if errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err != nil {
		return nil
	}
	defer body.Close()
	if _, err := io.Copy(io.Discard, body); err != nil {
		return nil
	}
	return errUnreadable
}

var errUnreadable = errors.New("it is no Parquet file that can be read")

func join(root, path string) string {
	if root == "" {
		return path
	}
	return root + "/" + path
}
