package config

import (
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"
)

const tableRule = "a table's name has letters a-z in lower case, digits and _, and starts with a letter or digit"

// streams reads which streams a connection copies, and how.
func (r *reader) streams(o object, c *Connection) {
	base := Stream{Sync: Incremental, IncludeUpdated: true, Line: o.line}
	r.pace(o, &base)
	valid := r.catalog.Streams[c.Source]
	if !o.has("streams") {
		for _, name := range valid {
			s := base
			s.Name, s.Table = name, name
			c.Streams = append(c.Streams, s)
		}
		return
	}
	for _, n := range r.list(o.values["streams"], "streams") {
		s := base
		s.Named, s.Line = true, n.Line
		if c.Source == "" || !r.stream(n, c.Source, valid, &s) {
			continue
		}
		if slices.ContainsFunc(c.Streams, func(other Stream) bool { return other.Name == s.Name }) {
			r.add(s.Line, "stream %q is named twice", s.Name)
			continue
		}
		c.Streams = append(c.Streams, s)
	}
}

// stream reads an element of streams: a name, or a mapping with one.
func (r *reader) stream(n *yaml.Node, source string, valid []string, s *Stream) bool {
	if t := target(n); t.Kind == yaml.ScalarNode {
		name, ok := r.text(t, "a stream's name")
		return ok && r.streamName(t.Line, source, name, valid, s)
	}
	o, ok := r.object(n, "stream", "name", "table", "sync", "lookback", "exclude", "refresh", "full_every", "deletes", "include_updated")
	if !ok {
		return false
	}
	o.require("name")
	name, ok := o.text("name")
	if !ok || !r.streamName(o.lineOf("name"), source, name, valid, s) {
		return false
	}
	r.pace(o, s)
	s.Own = nil
	for _, key := range []string{"sync", "lookback", "refresh", "full_every", "deletes", "include_updated"} {
		if o.has(key) {
			s.Own = append(s.Own, key)
		}
	}
	if table, ok := o.text("table"); ok {
		if !regexp.MustCompile(`^[a-z0-9][a-z0-9_]*$`).MatchString(table) {
			r.add(o.lineOf("table"), "table %q: %s", table, tableRule)
		}
		s.Table = table
	}
	if o.has("exclude") {
		s.Exclude = r.exclude(o.values["exclude"], source, name)
	}
	return true
}

func (r *reader) streamName(line int, source, name string, valid []string, s *Stream) bool {
	if !slices.Contains(valid, name) {
		r.add(line, "unknown stream %q of source %s; %s", name, source, Hint(name, valid))
		return false
	}
	s.Name, s.Table = name, name
	return true
}

// pace reads what connections and streams have: how a stream is kept up to date.
func (r *reader) pace(o object, s *Stream) {
	r.care(o, s)
	if sync, ok := o.choice("sync", string(Incremental), string(Full)); ok {
		s.Sync = Sync(sync)
	}
	text, ok := o.scalar("lookback")
	if !ok {
		return
	}
	d, err := parseDuration(text)
	if err == nil && d > 100*365*24*time.Hour {
		r.add(o.lineOf("lookback"), "lookback %q: more than a hundred years; use sync: full", text)
		return
	}
	if err != nil {
		r.add(o.lineOf("lookback"), "lookback %q: %v", text, err)
		return
	}
	s.Lookback = &d
}

func (r *reader) exclude(n *yaml.Node, source, stream string) []string {
	var paths []string
	for _, item := range r.list(n, "exclude") {
		path, ok := r.text(item, "an element of exclude")
		if !ok {
			continue
		}
		if r.catalog.CheckExclude != nil {
			if err := r.catalog.CheckExclude(source, stream, path); err != nil {
				r.add(item.Line, "exclude %q: %v", path, err)
				continue
			}
		}
		paths = append(paths, path)
	}
	return paths
}
