package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// wiring is what the streams of a run have in common.
type wiring struct {
	cfg   *config.Config
	store store.Store
	log   *slog.Logger
	full  bool             // read everything again, whatever the configuration says
	now   func() time.Time // for timestamps in the tables' logs; nil = time.Now
}

// streams connects the chosen streams to their source and their table. The
// warnings are about keys.
func (w wiring) streams(ctx context.Context, e *env, chosen []choice) ([]pipeline.Stream, error) {
	shared := extract.NewLimits()
	ready := map[string]connected{}
	all := make([]pipeline.Stream, 0, len(chosen))
	for _, c := range chosen {
		conn, ok := ready[c.conn.Name]
		if !ok {
			var err error
			if conn, err = connect(ctx, c.conn, extract.Options{Shared: shared, Log: w.log}); err != nil {
				return nil, err
			}
			for _, text := range conn.warnings {
				e.warn(c.conn.Name, text)
			}
			ready[c.conn.Name] = conn
		}
		s, err := w.stream(conn, c)
		if err != nil {
			return nil, fmt.Errorf("connection %s: stream %s: %w", c.conn.Name, c.stream.Name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

func (w wiring) stream(conn connected, c choice) (pipeline.Stream, error) {
	table, err := c.table()
	if err != nil {
		return pipeline.Stream{}, err
	}
	s := pipeline.Stream{
		Connection: c.conn.Name,
		Source:     c.conn.Source,
		Endpoint:   c.ep,
		Table:      table,
		Spec:       spec(w.cfg, c.ep),
		Path:       c.key,
		Client:     conn.client,
		Full:       w.full || c.stream.Sync == config.Full,
		Start:      c.conn.Start,
		Lookback:   c.ep.Lookback,
		Refresh:    tiers(c.ep, c.stream),
		FullEvery:  c.stream.FullEvery,
		Named:      c.stream.Named,
		Account:    conn.account,

		KeepDeleted:    table.KeepsDeleted,
		IncludeUpdated: c.stream.IncludeUpdated,
	}
	if c.stream.Lookback != nil {
		s.Lookback = *c.stream.Lookback
	}
	if parent, ok := endpointOf(c.source, c.ep.Parent); ok {
		s.Parent = &pipeline.Parent{Endpoint: parent, Table: parent.Table}
	}
	if s.Feed, err = w.feed(conn, c); err != nil {
		return pipeline.Stream{}, err
	}
	if c.ep.Feed {
		onlyNew(&s, w.full, c.stream.Own)
	}
	s.Lake, err = delta.Open(store.Count(w.store), c.key, w.settings(s, c, conn.mode))
	return s, err
}

// settings are those of a stream's table.
func (w wiring) settings(s pipeline.Stream, c choice, mode string) delta.Settings {
	return delta.Settings{
		Table:                s.Table,
		Spec:                 s.Spec,
		Description:          c.conn.Description,
		Properties:           properties(s, mode),
		LogRetention:         w.cfg.Delta.LogRetention,
		DeletedFileRetention: w.cfg.Delta.DeletedFileRetention,
		BaseURL:              baseURL(w.cfg),
		Engine:               engine(),
		Now:                  w.now,
	}
}

// tiers is the refresh policy of a stream: the configuration's, or its own.
func tiers(ep extract.Endpoint, s config.Stream) []extract.Tier {
	if s.Refresh == nil {
		return ep.Refresh
	}
	list := make([]extract.Tier, len(s.Refresh))
	for i, t := range s.Refresh {
		list[i] = extract.Tier(t)
	}
	return list
}

// properties are what a table remembers of whom it belongs to. A run whose
// settings differ is refused.
func properties(s pipeline.Stream, mode string) map[string]string {
	p := map[string]string{
		"paylake.source":            s.Source,
		"paylake.connection":        s.Connection,
		"paylake.mode":              mode,
		"paylake.stream":            s.Name(),
		delta.PropertySchemaVersion: strconv.Itoa(s.Table.Version),
	}
	if s.Spec.Column != "" {
		p["paylake.timezone"] = s.Spec.Location.String()
		p["paylake.granularity"] = granularity(s.Spec)
	}
	return p
}

// workDir makes the folder for work in progress and gives its path. The
// default lies where everybody can write, so it must be nobody else's.
func workDir(cfg *config.Config) (string, error) {
	dir := cfg.WorkDir
	if dir == "" {
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("paylake-%d", os.Getuid()))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make work_dir: %w", err)
	}
	if cfg.WorkDir != "" {
		return dir, nil
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("make work_dir: %w", err)
	}
	if !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return "", usagef("%s is no folder that only this user can write; remove it or set work_dir", dir)
	}
	return dir, nil
}
