package config

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// maxDescription bounds a connection's description, in characters.
const maxDescription = 140

// defaultRateShare leaves a part of the limits to the merchant's own checkout.
const defaultRateShare = 0.8

func (r *reader) connection(n *yaml.Node) {
	o, ok := r.object(n, "connection", "name", "source", "folder", "table_prefix", "description", "api_key", "base_url", "start",
		"sync", "lookback", "rate_share", "limits", "streams", "refresh", "full_every", "deletes", "include_updated")
	if !ok {
		return
	}
	o.require("name", "source", "api_key", "start")
	c := Connection{RateShare: defaultRateShare, Line: o.line}
	c.Name = r.connectionName(o)
	if source, ok := o.choice("source", slices.Sorted(maps.Keys(r.catalog.Streams))...); ok {
		c.Source = source
	}
	c.Folder = r.connectionFolder(o, c.Source)
	if prefix, ok := o.text("table_prefix"); ok {
		if !regexp.MustCompile(`^([a-z0-9][a-z0-9_]*)?$`).MatchString(prefix) {
			r.add(o.lineOf("table_prefix"), "table_prefix %q: %s", prefix, tableRule)
		}
		c.TablePrefix = prefix
	}
	if text, ok := o.text("description"); ok {
		if n := utf8.RuneCountInString(text); n > maxDescription {
			r.add(o.lineOf("description"), "description has %d characters; at most %d are allowed", n, maxDescription)
		}
		c.Description = text
	}
	if o.has("api_key") {
		c.APIKey = r.secret(o.values["api_key"])
	}
	r.reading(o, &c)
	r.streams(o, &c)
	r.config.Connections = append(r.config.Connections, c)
}

// reading reads how a connection is read: address, start and speed.
func (r *reader) reading(o object, c *Connection) {
	var err error
	if text, ok := o.text("base_url"); ok {
		if c.BaseURL, err = parseBaseURL(text); err != nil {
			r.add(o.lineOf("base_url"), "base_url: %v", err)
		}
	}
	if text, ok := o.scalar("start"); ok {
		if c.Start, err = parseStart(text, r.config.Destination.Location); err != nil {
			r.add(o.lineOf("start"), "start %q: %v", text, err)
		}
	}
	if share, ok := o.number("rate_share"); ok {
		if !(share > 0 && share <= 1) { // NaN is neither
			r.add(o.lineOf("rate_share"), "rate_share must be above 0 and at most 1")
		}
		c.RateShare = share
	}
	if o.has("limits") && c.Source != "" {
		c.Limits = r.limits(o.values["limits"], c.Source)
	}
}

func (r *reader) connectionName(o object) string {
	name, ok := o.text("name")
	if !ok {
		return ""
	}
	if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$`).MatchString(name) || looksLikeKey(name) {
		r.add(o.lineOf("name"), "name %q: a name has 1 to 64 letters a-z, digits, _, - and ., and starts with a letter or digit", name)
		return ""
	}
	if other, ok := r.config.Connection(name); ok {
		r.add(o.lineOf("name"), "name %q is the name of the connection in line %d, too", name, other.Line)
	}
	return name
}

// connectionFolder is the connection's own folder, else the destination's,
// else the source's name.
func (r *reader) connectionFolder(o object, source string) string {
	if o.has("folder") {
		return r.segments(o, "folder")
	}
	if r.folder != "" {
		return r.folder
	}
	return source
}

// secret reads the place of a key. No message here shows a value of the file:
// it may be the key itself.
func (r *reader) secret(n *yaml.Node) Secret {
	const forms = "{env: NAME}, {file: path} or {command: [program, argument]}"
	n = target(n)
	if n.Kind == yaml.ScalarNode {
		r.add(n.Line, "api_key must not be in the file; say where it is with %s", forms)
		return Secret{}
	}
	o, ok := r.object(n, "api_key", "env", "file", "command")
	if !ok {
		return Secret{}
	}
	if len(n.Content) != 2 || len(o.values) != 1 {
		r.add(n.Line, "api_key must be exactly one of %s", forms)
		return Secret{}
	}
	var s Secret
	if env, ok := o.text("env"); ok {
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(env) || looksLikeKey(env) {
			r.add(o.lineOf("env"), "env must be the name of an environment variable, such as PAGARME_API_KEY, not the key itself")
			return Secret{}
		}
		s.Env = env
	}
	if file, ok := o.text("file"); ok {
		if file == "" || looksLikeKey(file) {
			r.add(o.lineOf("file"), "file must be the path of a file that holds the key, not the key itself")
			return Secret{}
		}
		s.File = r.path(file)
	}
	if o.has("command") {
		s.Command = r.texts(o.values["command"], "command")
		if len(s.Command) > 0 && s.Command[0] == "" {
			r.add(o.lineOf("command"), "command has no program")
		}
	}
	return s
}

func (r *reader) limits(n *yaml.Node, source string) map[string]int {
	names := append(slices.Clone(r.catalog.Streams[source]), AllLimits)
	o, ok := r.object(n, "limits", names...)
	if !ok {
		return nil
	}
	limits := map[string]int{}
	for _, name := range names {
		text, ok := o.scalar(name)
		if !ok {
			continue
		}
		limit, err := parseLimit(strings.TrimSpace(text))
		if err != nil {
			r.add(o.lineOf(name), "limit of %s %q: %v", name, text, err)
			continue
		}
		limits[name] = limit
	}
	return limits
}
