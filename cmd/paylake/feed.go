package main

import (
	"slices"
	"strings"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/schema"
)

// feed gives the table of the connection's change feed to a stream that follows
// it: nil where the stream follows none, or the connection does not copy it.
func (w wiring) feed(conn connected, c choice) (*pipeline.Feed, error) {
	if c.ep.ItemPath == "" || len(c.ep.Objects) == 0 {
		return nil, nil
	}
	for _, s := range c.conn.Streams {
		ep, ok := endpointOf(c.source, s.Name)
		if !ok || !ep.Feed {
			continue
		}
		own, err := w.stream(conn, choice{conn: c.conn, stream: s, source: c.source, ep: ep, key: w.cfg.TableKey(c.conn, s)})
		if err != nil {
			return nil, err
		}
		return &pipeline.Feed{Stream: s.Name, Lake: own.Lake, Spec: own.Spec}, nil
	}
	return nil, nil
}

// onlyNew leaves out, for a change feed, what a connection says of how records
// that change are read again: its entries do not, and the source forgets them. A
// full sync is done only where the command asks for it.
func onlyNew(s *pipeline.Stream, full bool) {
	s.Full, s.FullEvery, s.Refresh = full, 0, nil
	s.Lookback = min(s.Lookback, s.Endpoint.Lookback)
}

// hideExcluded drops from a change feed's entries, at any depth, the members that
// the configuration excludes from other streams of the connection: an entry
// holds a copy of their records. Keys stay, they are what the feed is for, and so
// do the feed's own columns.
func (c choice) hideExcluded(table *schema.Table) *schema.Table {
	if !c.ep.Feed {
		return table
	}
	out := *table
	out.Fields = slices.Clone(table.Fields)
	for _, s := range c.conn.Streams {
		ep, ok := endpointOf(c.source, s.Name)
		if !ok || ep.Feed {
			continue
		}
		for _, path := range s.Exclude {
			name := path[strings.LastIndexByte(path, '.')+1:]
			if name != "id" && !slices.ContainsFunc(out.Fields, func(f schema.Field) bool { return f.Name == name }) {
				out.Fields = append(out.Fields, schema.Secret(name, "Excluded from "+s.Name+"."))
			}
		}
	}
	return &out
}

// keepsDeleted reports whether records that the source no longer lists stay in
// the table. Those of a change feed always do: the source forgets them in time.
func (c choice) keepsDeleted() bool {
	return (c.stream.KeepDeleted || c.ep.Feed) && c.ep.Write != extract.AppendSnapshot
}
