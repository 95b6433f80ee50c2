package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
)

// The demo's account: 90 days that end a week before a Black Friday.
const (
	demoStart      = "2026-08-23"
	demoConnection = "demo"
	demoKey        = "sk_test_demo" // the simulator takes any key of this form
)

// settleDemo is how far the run's clock is ahead of the simulator's: a run
// leaves out the newest minutes, and the demo should have all records.
const settleDemo = 5 * time.Minute

func (e *env) demoCommand() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "export a simulated account into local tables",
		Description: "Starts a simulated Pagar.me API on a loopback port, without rate limits and with a clock that stands still, and\n" +
			"syncs its account into Delta tables. Run it twice: the second run commits nothing to a data table. With\n" +
			"--days-later the clock has moved on: new records appear and older ones have changed. The clock never goes back: a\n" +
			"lake that was exported later moves it on. A lake belongs to one --seed, --days and --size.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "lake", Value: "./demo-lake", Usage: "`DIRECTORY` of the tables"},
			&cli.IntFlag{Name: "size", Value: 250_000, Usage: "about how many records the account has"},
			&cli.IntFlag{Name: "days", Value: 90, Usage: "how many days the account has existed"},
			&cli.IntFlag{Name: "days-later", Usage: "move the clock on by so many `DAYS`"},
			&cli.IntFlag{Name: "lookback", Usage: "read so many `DAYS` behind the watermark again; the whole account if not given"},
			&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "the account is a function of this number"},
			&cli.StringSliceFlag{Name: "streams", Value: cli.NewStringSlice(demoStreams()...), Usage: "these streams, `A,B`"},
			&cli.StringFlag{Name: "truth-out", Usage: "write what the tables must hold to this `FILE`, as JSON"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show warnings and errors only"},
		},
		Action: e.runDemo,
	}
}

func demoStreams() []string {
	return []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.BalanceOperations, simapi.Recipients}
}

func (e *env) runDemo(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	world, err := demoWorld(c)
	if err != nil {
		return err
	}
	moved, err := joinLake(c, world)
	if err != nil {
		return err
	}
	e.sayMoved(c, moved, world)
	api := simapi.New(world, simapi.Config{NoLimits: true})
	// The API must live on while a run that was interrupted comes to its end.
	url, stop, err := simapi.Listen(context.WithoutCancel(c.Context), api)
	if err != nil {
		return err
	}
	defer stop()
	cfg, err := demoConfig(c, world, url)
	if err != nil {
		return err
	}
	bars := newProgress(e, c.Bool("quiet"))
	streams, opts, err := demoRun(c, cfg, world, bars.log)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(opts.WorkDir) }() // in the system's temporary folder, which is emptied anyway
	run, err := runPipeline(c.Context, streams, opts, bars)
	if err != nil {
		return err
	}
	if file := c.String("truth-out"); file != "" {
		if err := writeTruth(file, api, cfg); err != nil {
			return err
		}
	}
	err = e.finishRun(run, func() error { return e.printStatements(cfg) })
	opts.Now = nil // a run is noted by the clock on the wall
	e.record(c.Context, opts, run)
	return err
}

func demoWorld(c *cli.Context) (*simapi.World, error) {
	for _, name := range []string{"size", "days"} {
		if c.Int(name) < 1 {
			return nil, usagef("--%s must be at least 1", name)
		}
	}
	for _, name := range []string{"days-later", "lookback"} {
		if c.Int(name) < 0 {
			return nil, usagef("--%s must not be negative", name)
		}
	}
	start, err := time.Parse(time.DateOnly, demoStart)
	if err != nil {
		return nil, fmt.Errorf("start the demo: %w", err)
	}
	world := simapi.Merchant(c.Uint64("seed"), start, c.Int("days"), c.Int("size"))
	now := world.End().AddDate(0, 0, c.Int("days-later"))
	world.Now = func() time.Time { return now }
	return world, nil
}

// demoConfig is the configuration that a user would write for the simulator.
// Its lookback covers the whole account unless a flag says otherwise, so that
// every change is seen.
func demoConfig(c *cli.Context, world *simapi.World, url string) (*config.Config, error) {
	dir, err := filepath.Abs(c.String("lake"))
	if err != nil {
		return nil, fmt.Errorf("find --lake: %w", err)
	}
	lookback := world.Now().Sub(world.Start()) + 24*time.Hour
	if c.IsSet("lookback") {
		lookback = time.Duration(c.Int("lookback")) * 24 * time.Hour
	}
	conn := config.Connection{
		Name: demoConnection, Source: "pagarme", Folder: "pagarme", BaseURL: url, Start: world.Start(), RateShare: 1,
		Limits: map[string]int{config.AllLimits: config.Unlimited}, Description: "Simulated account",
	}
	valid := catalog().Streams[conn.Source]
	for _, name := range list(c.StringSlice("streams")) {
		if err := known("stream", []string{name}, valid); err != nil {
			return nil, err
		}
		conn.Streams = append(conn.Streams, config.Stream{Name: name, Table: name, Sync: config.Incremental, Lookback: &lookback, IncludeUpdated: true, Named: true})
		conn.Limits[name] = config.Unlimited
	}
	cfg := &config.Config{Connections: []config.Connection{conn}, Maintenance: true}
	cfg.Destination = config.Destination{URL: c.String("lake"), Dir: dir, Granularity: config.Day, Location: time.UTC}
	return cfg, nil
}

func demoRun(c *cli.Context, cfg *config.Config, world *simapi.World, log *slog.Logger) (streams []pipeline.Stream, opts pipeline.Options, err error) {
	st, err := local.New(cfg.Destination.Dir)
	if err != nil {
		return nil, opts, err
	}
	work, err := os.MkdirTemp("", "paylake-demo-")
	if err != nil {
		return nil, opts, fmt.Errorf("make work folder: %w", err)
	}
	opts = pipeline.Options{
		Store: store.Count(st), WorkDir: work, Tool: engine(), Command: c.Command.Name, Settle: settleDemo,
		Now: func() time.Time { return world.Now().Add(settleDemo) },
		Log: log,
	}
	opts.Maintenance.Optimize = true // no more: by the demo's clock every file is old
	chosen, err := choose(cfg, nil, nil)
	if err != nil {
		return nil, opts, err
	}
	conn, err := connectWith(cfg.Connections[0], config.NewKey(demoKey), extract.Options{Log: opts.Log})
	if err != nil {
		return nil, opts, err
	}
	w := wiring{cfg: cfg, store: opts.Store, log: opts.Log, now: opts.Now}
	for _, one := range chosen {
		s, err := w.stream(conn, one)
		if err != nil {
			return nil, opts, err
		}
		streams = append(streams, s)
	}
	return streams, opts, nil
}

// printStatements shows how to read the tables.
func (e *env) printStatements(cfg *config.Config) error {
	conn := cfg.Connections[0]
	var duckdb, spark strings.Builder
	for _, s := range conn.Streams {
		path := filepath.Join(cfg.Destination.URL, filepath.FromSlash(cfg.TableKey(conn, s)))
		fmt.Fprintf(&duckdb, "   CREATE VIEW %s AS SELECT * FROM delta_scan('%s');\n", s.Table, strings.ReplaceAll(path, "'", "''"))
		fmt.Fprintf(&spark, "   spark.read.format(\"delta\").load(%q).createOrReplaceTempView(%q)\n", path, s.Table)
	}
	first := conn.Streams[0].Table
	_, err := fmt.Fprintf(e.stdout, `
The tables are in %s. Read them with DuckDB:

   INSTALL delta; LOAD delta;
%s   SELECT count(*) FROM %s;

or with Spark (package io.delta:delta-spark):

%s   spark.sql("SELECT count(*) FROM %s").show()
`, cfg.Destination.URL, duckdb.String(), first, spark.String(), first)
	if err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
