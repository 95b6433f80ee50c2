package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/internal/books"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/ledger"
)

// booksReport is the books of one connection, in the output of verify --json.
type booksReport struct {
	Connection string `json:"connection"`
	books.Result
	Error string `json:"error,omitempty"` // why the books could not be read
}

// checkBooks checks the books of the connections, all if none is named. It asks
// nothing of the source. A connection whose source has no payables has no books.
// Books that cannot be read are an error where they are all that is asked for, else
// a part of their report.
func (e *env) checkBooks(ctx context.Context, cfg *config.Config, connections []string, since, until time.Time, alone bool) ([]booksReport, error) {
	lakes, err := e.booksLakes(ctx, cfg, connections)
	if err != nil {
		return nil, err
	}
	dir, err := workDir(cfg)
	if err != nil {
		return nil, err
	}
	reports := []booksReport{}
	for _, name := range slices.Sorted(maps.Keys(lakes)) {
		r, err := books.Check(ctx, books.Options{Lakes: lakes[name], Since: since, Until: until, WorkDir: dir})
		if err != nil && (alone && len(lakes) == 1 || ctx.Err() != nil) {
			return nil, fmt.Errorf("connection %s: %w", name, err)
		}
		report := booksReport{Connection: name, Result: r}
		if err != nil {
			report.Error = err.Error() + ": `paylake verify --repair` reads damaged tables again"
			e.warn(name, "error: "+report.Error)
		}
		reports = append(reports, report)
	}
	return reports, nil
}

// booksLakes gives the tables of the books by connection and stream, and until
// when each was read.
func (e *env) booksLakes(ctx context.Context, cfg *config.Config, connections []string) (map[string]map[string]books.Lake, error) {
	chosen, err := choose(cfg, connections, nil)
	if err != nil {
		return nil, err
	}
	st, err := openStore(ctx, cfg)
	if err != nil {
		return nil, err
	}
	runs, history := ledger.Recent(ctx, st, max(leastRuns, 4*len(cfg.Connections)))
	if history != nil {
		e.say("warning: the history of runs cannot be read, so only watermarks count: " + history.Error())
	}
	look := looking{cfg: cfg, store: st, now: time.Now().UTC()}
	all := map[string]map[string]books.Lake{}
	for _, c := range chosen {
		if c.conn.Source != "pagarme" || !slices.Contains(books.Streams(), c.stream.Name) {
			continue
		}
		table, err := openTable(cfg, st, c)
		if err != nil {
			return nil, err
		}
		lake := books.Lake{Table: table}
		if at := look.at(ctx, c, entriesOf(runs, c)).ReadUntil; at != nil {
			lake.Until = *at
		}
		if all[c.conn.Name] == nil {
			all[c.conn.Name] = map[string]books.Lake{}
		}
		all[c.conn.Name][c.stream.Name] = lake
	}
	return all, nil
}

// booksBroken tells whether an identity is broken anywhere.
func booksBroken(reports []booksReport) bool {
	return slices.ContainsFunc(reports, func(r booksReport) bool { return r.Broken > 0 })
}

// booksUnchecked tells whether some books could not be checked at all, or there
// are none.
func booksUnchecked(reports []booksReport) bool {
	return len(reports) == 0 || slices.ContainsFunc(reports, func(r booksReport) bool { return r.NotChecked == len(r.Identities) })
}

// printBooks prints a line for each identity, and below them what breaks them
// and what was left out.
func (e *env) printBooks(reports []booksReport) error {
	rows := [][]string{{"CONNECTION", "IDENTITY", "CHECKED", "BROKEN", "LEFT", "RIGHT"}}
	var remarks []string
	for _, r := range reports {
		for _, i := range r.Identities {
			row := []string{r.Connection, i.Name, strconv.FormatInt(i.Checked, 10), strconv.FormatInt(i.Broken, 10), money(i.Left), money(i.Right)}
			if i.NotChecked != "" {
				row[2], row[3], row[4], row[5] = "not checked", "", "", ""
				remarks = append(remarks, fmt.Sprintf("%s/%s: not checked: %s", r.Connection, i.Name, i.NotChecked))
			}
			rows = append(rows, row)
			remarks = append(remarks, identityRemarks(r.Connection, i)...)
		}
	}
	if err := e.printTable(rows); err != nil {
		return err
	}
	for _, text := range remarks {
		fmt.Fprintln(e.stdout, text)
	}
	return nil
}

// identityRemarks tells the breaks and the exceptions of an identity.
func identityRemarks(connection string, i books.Identity) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(i.Exceptions)) {
		out = append(out, fmt.Sprintf("%s/%s: exception %s: %d", connection, i.Name, name, i.Exceptions[name]))
	}
	for _, b := range i.Breaks {
		var at []string
		for _, part := range []string{b.Charge, b.Recipient, b.Day} {
			if part != "" {
				at = append(at, part)
			}
		}
		keys := ""
		if len(b.Keys) > 0 {
			keys = " (rows " + strings.Join(b.Keys, ", ") + ")"
		}
		out = append(out, fmt.Sprintf("%s/%s: BROKEN at %s: %s: %s against %s%s", connection, i.Name, strings.Join(at, " "), b.Reason, money(b.Left), money(b.Right), keys))
	}
	if more := i.Broken - int64(len(i.Breaks)); more > 0 {
		out = append(out, fmt.Sprintf("%s/%s: and %d more", connection, i.Name, more))
	}
	return out
}

// money writes cents with two decimals.
func money(cents int64) string {
	sign, n := "", uint64(cents)
	if cents < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}
