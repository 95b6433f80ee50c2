package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink/store/s3"
)

// The results of a check.
const (
	checkOK          = "ok"
	checkUnavailable = "unavailable" // the account does not have the stream, which is selected by default only
	checkFailed      = "failed"
)

// checkResult is the output of check --json.
type checkResult struct {
	Destination checkItem         `json:"destination"`
	Policy      json.RawMessage   `json:"policy,omitempty"` // the smallest IAM policy for the destination, in S3 only
	Connections []connectionCheck `json:"connections"`
}

// checkItem is one thing that was checked.
type checkItem struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
	code   int    // exit code that a failure alone leads to; 0 where others count
}

// connectionCheck is what was found about a connection.
type connectionCheck struct {
	Key      checkItem   `json:"key"`
	Mode     string      `json:"mode,omitempty"` // "test" or "live", by the key's form
	Warnings []string    `json:"warnings,omitempty"`
	Streams  []checkItem `json:"streams"`
}

func (e *env) checkCommand() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "test credentials, permissions and the destination",
		Description: "Reads each key, asks the API for one page of each stream, and writes, refuses to overwrite and deletes a small\n" +
			"object in the destination. Nothing else is written. For a destination in S3 it prints the smallest IAM policy.",
		Flags:  []cli.Flag{configFlag()},
		Action: e.runCheck,
	}
}

func (e *env) runCheck(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return err
	}
	result := checkResult{Destination: checkDestination(c.Context, cfg)}
	tables := wiring{cfg: cfg}
	if d := cfg.Destination.S3; d != nil {
		result.Policy = json.RawMessage(s3.Policy(s3Options(d)))
	}
	if result.Destination.Result == checkOK {
		if tables.store, err = openStore(c.Context, cfg); err != nil {
			return err
		}
	}
	shared := extract.NewLimits()
	for _, conn := range cfg.Connections {
		result.Connections = append(result.Connections, tables.check(c.Context, conn, shared))
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	if e.json {
		err = e.printJSON(result)
	} else {
		err = e.printCheck(result)
	}
	if err != nil {
		return err
	}
	code := result.code()
	if text := result.failure(); e.json && text != "" && code != exitIncomplete {
		return &exitError{code: code, err: errors.New(text)}
	}
	return said(code)
}

// checkDestination proves that objects can be written, that one is not created
// twice, and that they can be read, listed and deleted.
func checkDestination(ctx context.Context, cfg *config.Config) checkItem {
	item := checkItem{Name: cfg.Destination.URL, Result: checkOK, Detail: "writable, refuses to create an object twice"}
	if d := cfg.Destination.S3; d != nil && d.SingleWriter {
		item.Detail = "writable; single_writer is on: never let two processes write to it"
	}
	st, err := openStore(ctx, cfg)
	if err == nil {
		err = probeStore(ctx, st)
	}
	if err != nil {
		item.Result, item.Detail, item.code = checkFailed, err.Error(), exitCode(ctx, err)
		if hint := advise(err); hint != "" {
			item.Detail += "; " + hint
		}
	}
	return item
}

// check asks for a page of each stream and loads its table, unless there is no
// store to load it from.
func (w wiring) check(ctx context.Context, conn config.Connection, shared *extract.Limits) connectionCheck {
	out := connectionCheck{Key: checkItem{Name: conn.Name, Result: checkOK, Detail: conn.APIKey.String()}, Streams: []checkItem{}}
	ready, err := connect(ctx, conn, extract.Options{Shared: shared, MaxTries: 3, RetryFor: time.Minute})
	out.Warnings, out.Mode = ready.warnings, ready.mode
	if err != nil {
		out.Key.Result, out.Key.Detail = checkFailed, err.Error()
		return out
	}
	for _, s := range conn.Streams {
		item := checkItem{Name: s.Name, Result: checkOK}
		if ep, ok := endpointOf(ready.source, s.Name); ok {
			err := probeStream(ctx, ready, ep)
			item.Result, item.Detail = judge(err, s.Named)
			if err := w.checkTable(ctx, ready, s, ep); err != nil {
				item.Result, item.Detail, item.code = checkFailed, err.Error(), exitCode(ctx, err)
			}
		}
		out.Streams = append(out.Streams, item)
	}
	return out
}

// checkTable loads the table of a stream, which refuses one that belongs to
// other settings. No table is fine.
func (w wiring) checkTable(ctx context.Context, ready connected, s config.Stream, ep extract.Endpoint) error {
	if w.store == nil {
		return nil
	}
	stream, err := w.stream(ready, choice{conn: ready.conn, stream: s, source: ready.source, ep: ep, key: w.cfg.TableKey(ready.conn, s)})
	if err != nil {
		return err
	}
	_, err = stream.Lake.Load(ctx)
	return err
}

func endpointOf(source extract.Source, stream string) (extract.Endpoint, bool) {
	for _, ep := range source.Streams {
		if ep.Table.Name == stream {
			return ep, true
		}
	}
	return extract.Endpoint{}, false
}

// probeStream asks for one page. A stream that is read per parent is asked for
// its parents: their keys are needed first in any case.
func probeStream(ctx context.Context, ready connected, ep extract.Endpoint) error {
	if parent, ok := endpointOf(ready.source, ep.Parent); ok {
		ep = parent
	}
	var rng window.Window
	if ep.SinceParam != "" {
		now := time.Now().UTC()
		rng = window.Window{Since: now.AddDate(0, 0, -1), Until: now}
	}
	_, err := extract.NewReader(ready.client, ep, extract.ReaderOptions{Connection: ready.conn.Name}).Probe(ctx, rng)
	return err
}

// judge tells what an answer means for a stream: what the account does not
// have is only a warning, unless the stream was chosen by name.
func judge(err error, named bool) (result, detail string) {
	if err == nil {
		return checkOK, ""
	}
	var gone *extract.GoneError
	var status *extract.StatusError
	unavailable := errors.As(err, &gone) ||
		errors.As(err, &status) && (status.Status == http.StatusForbidden || status.Status == http.StatusNotFound)
	if unavailable && !named {
		return checkUnavailable, err.Error()
	}
	return checkFailed, err.Error()
}

func (e *env) printCheck(r checkResult) error {
	rows := [][]string{{"WHAT", "NAME", "RESULT", "DETAIL"}, {"destination", r.Destination.Name, r.Destination.Result, r.Destination.Detail}}
	for _, conn := range r.Connections {
		detail := conn.Key.Detail
		if conn.Mode != "" {
			detail += ", " + conn.Mode + " key"
		}
		rows = append(rows, []string{"connection", conn.Key.Name, conn.Key.Result, detail})
		for _, s := range conn.Streams {
			rows = append(rows, []string{"stream", conn.Key.Name + "/" + s.Name, s.Result, s.Detail})
		}
		for _, w := range conn.Warnings {
			e.warn(conn.Key.Name, w)
		}
	}
	err := e.printTable(rows)
	if err == nil && r.Policy != nil {
		if _, err = fmt.Fprintf(e.stdout, "\nThe smallest IAM policy for %s:\n%s\n", r.Destination.Name, r.Policy); err != nil {
			err = fmt.Errorf("write output: %w", err)
		}
	}
	return err
}

// failure tells the first thing that failed, "" if nothing did.
func (r checkResult) failure() string {
	if r.Destination.Result == checkFailed {
		return "destination " + r.Destination.Name + ": " + r.Destination.Detail
	}
	for _, conn := range r.Connections {
		if conn.Key.Result == checkFailed {
			return conn.Key.Detail
		}
		for _, s := range conn.Streams {
			if s.Result == checkFailed {
				return conn.Key.Name + "/" + s.Name + ": " + s.Detail
			}
		}
	}
	return ""
}

// code is the exit code: wrong keys, a table of other settings and a
// destination that is a file are wrong configuration; a destination or a
// connection of which nothing works is a failure.
func (r checkResult) code() int {
	code := exitDone
	if r.Destination.Result != checkOK {
		code = max(r.Destination.code, exitFailed)
	}
	if code == exitUsage {
		return code
	}
	for _, conn := range r.Connections {
		if conn.Key.Result != checkOK {
			return exitUsage
		}
		failed, worked := 0, 0
		for _, s := range conn.Streams {
			if s.code == exitUsage {
				return exitUsage
			}
			switch s.Result {
			case checkFailed:
				failed++
			case checkOK:
				worked++
			}
		}
		switch {
		case worked == 0:
			code = exitFailed
		case failed > 0 && code == exitDone:
			code = exitIncomplete
		}
	}
	return code
}
