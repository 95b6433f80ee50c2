package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink/delta"
)

// fileInfo is an element of the output of files --json.
type fileInfo struct {
	Path      string `json:"path"` // absolute, or a URL like s3://bucket/key
	Partition string `json:"partition,omitempty"`
	Rows      int64  `json:"rows"` // -1 where the log does not say
	Bytes     int64  `json:"bytes"`
}

func (e *env) filesCommand() *cli.Command {
	return &cli.Command{
		Name:      "files",
		Usage:     "print the live data files of a stream's table",
		ArgsUsage: "STREAM",
		Description: "Prints the path or s3:// URL of every data file that the newest version of the table consists of, one a line. It is for\n" +
			"engines that do not know Delta: a pattern like **/*.parquet would count replaced files twice. STREAM is the\n" +
			"stream's name, or its table's name in the configuration. --lake reads the tables of `paylake demo` instead.",
		Flags: []cli.Flag{
			configFlag(),
			&cli.StringFlag{Name: "connection", Usage: "connection `NAME`, if several have the stream"},
			&cli.StringFlag{Name: "lake", Usage: "`DIRECTORY` of a demo's tables, without a configuration"},
		},
		Action: e.runFiles,
	}
}

func (e *env) runFiles(c *cli.Context) error {
	if err := arguments(c, 1, 1); err != nil {
		return err
	}
	cfg, key, err := filesTable(c)
	if err != nil {
		return err
	}
	st, err := openStore(c.Context, cfg)
	if err != nil {
		return err
	}
	snapshot, err := delta.ReadSnapshot(c.Context, st, key)
	if err != nil {
		return err
	}
	if !snapshot.Exists() {
		return fmt.Errorf("read table %s: there is none yet; `paylake sync` makes it", key)
	}
	files := []fileInfo{}
	for f := range snapshot.Files() {
		path := f.Path
		if !filepath.IsAbs(path) && !strings.Contains(path, "://") { // the files of a shallow clone lie elsewhere
			path = address(cfg, key+"/"+path)
		}
		files = append(files, fileInfo{Path: path, Partition: string(f.Partition), Rows: f.Rows, Bytes: f.Size})
	}
	if e.json {
		return e.printJSON(files)
	}
	for _, f := range files {
		if _, err := fmt.Fprintln(e.stdout, f.Path); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// filesTable gives the table's key and where the lake lies.
func filesTable(c *cli.Context) (cfg *config.Config, key string, err error) {
	name := c.Args().First()
	if c.IsSet("lake") {
		if c.IsSet("config") || c.IsSet("connection") {
			return nil, "", usagef("--lake is for the demo's tables, which have no configuration: leave out --config and --connection")
		}
		source, ep, err := findEndpoint(name)
		if err != nil {
			return nil, "", err
		}
		dir, err := filepath.Abs(c.String("lake"))
		return &config.Config{Destination: config.Destination{Dir: dir}}, demoTable(source.Name, ep.Table.Name), err
	}
	if cfg, err = loadConfig(c); err != nil {
		return nil, "", err
	}
	chosen, err := chooseOne(cfg, c.String("connection"), name)
	return cfg, chosen.key, err
}
