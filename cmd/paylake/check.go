package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink/store"
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
	Connections []connectionCheck `json:"connections"`
}

// checkItem is one thing that was checked.
type checkItem struct {
	Name   string `json:"name"`
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
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
			"object in the destination. Nothing else is written.",
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
	shared := extract.NewLimits()
	for _, conn := range cfg.Connections {
		result.Connections = append(result.Connections, checkConnection(c.Context, conn, shared))
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
	return said(result.code())
}

// checkDestination proves that objects can be written, that one is not created
// twice, and that they can be read, listed and deleted.
func checkDestination(ctx context.Context, cfg *config.Config) checkItem {
	item := checkItem{Name: cfg.Destination.URL, Result: checkOK, Detail: "writable, refuses to create an object twice"}
	st, err := openStore(cfg)
	if err == nil {
		err = probeStore(ctx, st)
	}
	if err != nil {
		item.Result, item.Detail = checkFailed, err.Error()
		if hint := advise(err); hint != "" {
			item.Detail += "; " + hint
		}
	}
	return item
}

func probeStore(ctx context.Context, st store.Store) (err error) {
	key := "_paylake/check-" + uuid.NewString()
	defer func() { err = errors.Join(err, st.Delete(context.WithoutCancel(ctx), key)) }()
	if err := st.Create(ctx, key, []byte("paylake check\n")); err != nil {
		return err
	}
	if err := st.Create(ctx, key, []byte("twice\n")); !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("create %s a second time: it was not refused (%v); tables need a store that refuses", key, err)
	}
	data, err := store.ReadAll(ctx, st, key)
	if err == nil && string(data) != "paylake check\n" {
		err = fmt.Errorf("read %s: not what was written", key)
	}
	return err
}

func checkConnection(ctx context.Context, conn config.Connection, shared *extract.Limits) connectionCheck {
	out := connectionCheck{Key: checkItem{Name: conn.Name, Result: checkOK, Detail: conn.APIKey.String()}}
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
		}
		out.Streams = append(out.Streams, item)
	}
	return out
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
	return e.printTable(rows)
}

// code is the exit code: wrong keys are wrong configuration; a destination or
// a connection of which nothing works is a failure.
func (r checkResult) code() int {
	code := exitDone
	if r.Destination.Result != checkOK {
		code = exitFailed
	}
	for _, conn := range r.Connections {
		if conn.Key.Result != checkOK {
			return exitUsage
		}
		failed, worked := 0, 0
		for _, s := range conn.Streams {
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
