package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// upkeepFlags choose the tables that optimize and vacuum work on.
func upkeepFlags() []cli.Flag {
	return []cli.Flag{
		configFlag(),
		&cli.StringSliceFlag{Name: "connection", Usage: "only the connection of this `NAME`; may be repeated"},
		&cli.StringSliceFlag{Name: "streams", Usage: "only the tables of these streams, `A,B`; may be repeated"},
	}
}

// upkeep is a command that looks after tables one by one.
type upkeep struct {
	cfg    *config.Config
	store  store.Store
	chosen []choice
}

func newUpkeep(c *cli.Context) (upkeep, error) {
	if err := arguments(c, 0, 0); err != nil {
		return upkeep{}, err
	}
	cfg, err := loadConfig(c)
	if err != nil {
		return upkeep{}, err
	}
	chosen, err := choose(cfg, list(c.StringSlice("connection")), list(c.StringSlice("streams")))
	if err != nil {
		return upkeep{}, err
	}
	st, err := openStore(c.Context, cfg)
	return upkeep{cfg: cfg, store: st, chosen: chosen}, err
}

// each calls do with every table that exists. A table that fails does not keep
// the others from their turn; what failed is told on stderr.
func (u upkeep) each(ctx context.Context, e *env, do func(context.Context, choice, *delta.Table) error) error {
	done, failed := 0, 0
	for _, c := range u.chosen {
		exists, err := u.one(ctx, c, do)
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		var own *exitError
		switch {
		case err != nil && (len(u.chosen) == 1 || errors.As(err, &own) || failed+done == 0 && unusable(err)):
			return err
		case err != nil:
			failed++
			e.warn(c.conn.Name, fmt.Sprintf("error: table %s: %v", c.key, err))
		case exists:
			done++
		}
	}
	switch {
	case failed > 0 && done == 0:
		return said(exitFailed)
	case failed > 0:
		return said(exitIncomplete)
	}
	return nil
}

func (u upkeep) one(ctx context.Context, c choice, do func(context.Context, choice, *delta.Table) error) (exists bool, err error) {
	table, err := openTable(u.cfg, u.store, c)
	if err != nil {
		return false, err
	}
	s, err := table.Load(ctx)
	if err != nil || !s.Exists() {
		return false, err
	}
	return true, do(ctx, c, table)
}

// openTable opens the table of a stream without a connection to its source: what
// depends on the key is not checked.
func openTable(cfg *config.Config, st store.Store, c choice) (*delta.Table, error) {
	table, err := c.table()
	if err != nil {
		return nil, err
	}
	s := pipeline.Stream{Connection: c.conn.Name, Source: c.conn.Source, Endpoint: c.ep, Table: table, Spec: spec(cfg, c.ep)}
	own := properties(s, "")
	delete(own, "paylake.mode")
	delete(own, delta.PropertySchemaVersion)
	return delta.Open(st, c.key, delta.Settings{
		Table: table, Spec: s.Spec, Description: c.conn.Description, Properties: own, Engine: engine(),
		LogRetention: cfg.Delta.LogRetention, DeletedFileRetention: cfg.Delta.DeletedFileRetention, BaseURL: baseURL(cfg),
	})
}

// baseURL is where the engines that read the lake find the root of the store.
func baseURL(cfg *config.Config) string {
	if d := cfg.Destination.S3; d != nil {
		return strings.TrimSuffix("s3://"+d.Bucket+"/"+d.Prefix, "/")
	}
	return "file://" + strings.TrimSuffix(filepath.ToSlash(cfg.Destination.Dir), "/")
}

// finishUpkeep prints the result; err is that of each.
func (e *env) finishUpkeep(err error, result any, rows [][]string) error {
	var own *exitError
	if err != nil && !(errors.As(err, &own) && own.err == nil) {
		return err
	}
	if e.json {
		return errors.Join(e.printJSON(result), err)
	}
	if len(rows) == 1 {
		if _, perr := fmt.Fprintln(e.stdout, "There is no table yet; `paylake sync` makes them."); perr != nil {
			return fmt.Errorf("write output: %w", perr)
		}
		return err
	}
	return errors.Join(e.printTable(rows), err)
}
