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
func onlyNew(s *pipeline.Stream, full bool, own []string) {
	s.Full, s.FullEvery, s.Refresh = full, 0, nil
	if !slices.Contains(own, "lookback") {
		s.Lookback = min(s.Lookback, s.Endpoint.Lookback)
	}
}

// hideExcluded drops from a change feed's entries, at any depth, the members that
// the configuration excludes from other streams of the connection: an entry
// holds a copy of their records. Keys stay, they are what the feed is for.
func (c choice) hideExcluded(table *schema.Table) *schema.Table {
	if !c.ep.Feed {
		return table
	}
	out := *table
	out.Hidden = slices.Clone(table.Hidden)
	for _, s := range c.conn.Streams {
		ep, ok := endpointOf(c.source, s.Name)
		if !ok || ep.Feed {
			continue
		}
		for _, path := range s.Exclude {
			for _, name := range namesOf(ep.Table, path) {
				if name != "id" && !slices.Contains(out.Hidden, name) {
					out.Hidden = append(out.Hidden, name)
				}
			}
		}
	}
	return &out
}

// namesOf gives the names of the last field of a dotted path: that of the column
// and, where it is another one, that of the record's member.
func namesOf(t *schema.Table, path string) []string {
	var last schema.Field
	fields := t.Fields
	for name := range strings.SplitSeq(path, ".") {
		at := slices.IndexFunc(fields, func(f schema.Field) bool { return f.Name == name })
		if at < 0 {
			return []string{path[strings.LastIndexByte(path, '.')+1:]}
		}
		last = fields[at]
		fields = last.Fields
		for e := last.Elem; e != nil; e = e.Elem {
			fields = e.Fields // a path goes through lists without saying so
		}
	}
	if last.Key == "" || last.Key == last.Name {
		return []string{last.Name}
	}
	return []string{last.Name, last.Key}
}

// keepsDeleted reports whether records that the source no longer lists stay in
// the table. Those of a change feed always do: the source forgets them in time.
func (c choice) keepsDeleted() bool {
	return (c.stream.KeepDeleted || c.ep.Feed) && c.ep.Write != extract.AppendSnapshot
}
