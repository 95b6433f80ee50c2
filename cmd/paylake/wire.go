package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/pagarme"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// sources lists the platforms that can be read.
func sources() []extract.Source { return []extract.Source{pagarme.Source()} }

// catalog tells the configuration what the sources offer.
func catalog() config.Catalog {
	streams := map[string][]string{}
	for _, s := range sources() {
		for _, ep := range s.Streams {
			streams[s.Name] = append(streams[s.Name], ep.Table.Name)
		}
	}
	return config.Catalog{
		Streams: streams,
		CheckExclude: func(source, stream, path string) error {
			_, ep, err := findEndpoint(source + "/" + stream)
			if err != nil {
				return err
			}
			_, err = ep.Table.Exclude(path)
			return err
		},
	}
}

// findEndpoint gives the stream of that name, "orders" or "pagarme/orders".
func findEndpoint(name string) (extract.Source, extract.Endpoint, error) {
	type match struct {
		source   extract.Source
		endpoint extract.Endpoint
	}
	var found []match
	var names []string
	for _, s := range sources() {
		for _, ep := range s.Streams {
			full := s.Name + "/" + ep.Table.Name
			if name == ep.Table.Name || name == full {
				found = append(found, match{s, ep})
			}
			names = append(names, ep.Table.Name)
		}
	}
	switch len(found) {
	case 0:
		return extract.Source{}, extract.Endpoint{}, usagef("unknown stream %q; %s", name, config.Hint(name, names))
	case 1:
		return found[0].source, found[0].endpoint, nil
	}
	return extract.Source{}, extract.Endpoint{}, usagef("stream %q is in several sources; write it as %s/%s", name, found[0].source.Name, name)
}

// configFlag is the flag of commands that read the configuration.
func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"c"}, Value: "paylake.yaml", Usage: "configuration `FILE`"}
}

var errNoConfig = errors.New("there is no such file")

// loadConfig reads the configuration. Whatever is wrong with it is a usage
// error.
func loadConfig(c *cli.Context) (*config.Config, error) {
	file := c.String("config")
	cfg, err := config.Load(file, catalog())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("read configuration %s: %w", file, errNoConfig)
	case err != nil:
		return nil, &exitError{code: exitUsage, err: err}
	}
	return cfg, nil
}

// spec is how the table of an endpoint is partitioned.
func spec(cfg *config.Config, ep extract.Endpoint) partitioning.Spec {
	if ep.Partition == "" {
		return partitioning.Spec{}
	}
	s := partitioning.Spec{Column: ep.Partition + "_date", Source: ep.Table.Time, Granularity: partitioning.Day, Location: cfg.Destination.Location}
	if cfg.Destination.Granularity == config.Month && ep.Write != extract.AppendSnapshot {
		s.Column, s.Granularity = ep.Partition+"_month", partitioning.Month
	}
	return s
}

// granularity names a spec's granularity as the configuration does.
func granularity(s partitioning.Spec) string {
	if s.Granularity == partitioning.Month {
		return string(config.Month)
	}
	return string(config.Day)
}

// choice is one stream of one connection.
type choice struct {
	conn   config.Connection
	stream config.Stream
	source extract.Source
	ep     extract.Endpoint
	key    string // of its table below the destination
}

// table is the stream's table with what the configuration asks for: less what is
// excluded, and with the mark of deleted records where they are kept. Snapshots
// never lose any.
func (c choice) table() (*schema.Table, error) {
	table, err := c.ep.Table.Exclude(c.stream.Exclude...)
	if err == nil && c.keepsDeleted() {
		table = table.KeepingDeleted()
	}
	if err == nil {
		table = c.hideExcluded(table)
	}
	return table, err
}

// choose gives the streams of the configuration that the flags --connection
// and --streams select; none of both selects all. Streams that are named by
// the flag count as named.
func choose(cfg *config.Config, connections, streams []string) ([]choice, error) {
	if err := known("connection", connections, connectionNames(cfg)); err != nil {
		return nil, err
	}
	var all []choice
	var names []string
	for _, conn := range cfg.Connections {
		if len(connections) > 0 && !slices.Contains(connections, conn.Name) {
			continue
		}
		for _, s := range conn.Streams {
			names = append(names, s.Name)
			if len(streams) > 0 && !slices.Contains(streams, s.Name) {
				continue
			}
			source, ep, err := findEndpoint(conn.Source + "/" + s.Name)
			if err != nil {
				return nil, err
			}
			if err := fitting(cfg, s, ep); err != nil {
				return nil, err
			}
			s.Named = s.Named || len(streams) > 0
			all = append(all, choice{conn: conn, stream: s, source: source, ep: ep, key: cfg.TableKey(conn, s)})
		}
	}
	return all, known("stream", streams, names)
}

// fitting refuses a setting that stands at a stream which it cannot change. From
// the connection it is taken in silence: it is meant for the others.
func fitting(cfg *config.Config, s config.Stream, ep extract.Endpoint) error {
	for _, key := range s.Own {
		why := ""
		switch {
		case ep.Write == extract.AppendSnapshot && key != "sync":
			why = "each run appends a snapshot"
		case ep.SinceParam == "" && key != "deletes" && key != "sync":
			why = "each run reads the whole list"
		case ep.Feed && key != "lookback" && key != "sync":
			why = "its entries do not change, and stay when the source forgets them"
		default:
			continue
		}
		return usagef("%s:%d: stream %s: %s has no effect there, since %s: remove it", cfg.File, s.Line, s.Name, key, why)
	}
	return nil
}

// byTable gives the stream whose table is configured under that name, if there
// is no stream of the name and just one such table.
func byTable(cfg *config.Config, connection, name string) (string, string) {
	var found []config.Connection
	var stream string
	for _, conn := range cfg.Connections {
		if connection != "" && conn.Name != connection {
			continue
		}
		for _, s := range conn.Streams {
			if s.Name == name {
				return connection, name
			}
			if s.Table == name || conn.TablePrefix+s.Table == name {
				found, stream = append(found, conn), s.Name
			}
		}
	}
	if len(found) != 1 {
		return connection, name
	}
	return found[0].Name, stream
}

// chooseOne gives the one connection of the configuration that has the stream,
// which may also be called by its table.
func chooseOne(cfg *config.Config, connection, stream string) (choice, error) {
	connection, stream = byTable(cfg, connection, stream)
	var connections []string
	if connection != "" {
		connections = []string{connection}
	}
	found, err := choose(cfg, connections, []string{stream})
	if err != nil {
		return choice{}, err
	}
	if len(found) > 1 {
		return choice{}, usagef("stream %q is in several connections; choose one with --connection: %s", stream, strings.Join(connectionNames(cfg), ", "))
	}
	return found[0], nil
}

func connectionNames(cfg *config.Config) []string {
	names := make([]string, len(cfg.Connections))
	for i, conn := range cfg.Connections {
		names[i] = conn.Name
	}
	return names
}

// known reports the first wanted name that is not a valid one.
func known(kind string, wanted, valid []string) error {
	for _, name := range wanted {
		if !slices.Contains(valid, name) {
			return usagef("the configuration has no %s %q; %s", kind, name, config.Hint(name, slices.Compact(slices.Sorted(slices.Values(valid)))))
		}
	}
	return nil
}

// list splits a flag that may be given several times and hold commas.
func list(values []string) []string {
	var all []string
	for _, v := range values {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				all = append(all, name)
			}
		}
	}
	return all
}

// engine names this program in tables and user agents.
func engine() string { return fmt.Sprintf("paylake/%s", strings.TrimPrefix(version, "v")) }
