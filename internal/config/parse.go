package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// Load reads and checks the file. The error is the file system's, or joins an
// [Error] for every mistake.
func Load(file string, catalog Catalog) (*Config, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("read configuration %s: longer than %d bytes", file, maxFile)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(file, data, catalog)
}

// Parse checks the text of a configuration file. Relative paths in it start at
// the directory of file. The error joins an [Error] for every mistake.
func Parse(file string, data []byte, catalog Catalog) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read configuration %s: %w", file, err)
	}
	r := &reader{problems: &problems{file: file}, dir: dir, catalog: catalog, config: &Config{File: file}}
	if root := r.document(data); root != nil {
		r.file(root)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return r.config, nil
}

// reader turns the nodes of one file into a Config.
type reader struct {
	*problems
	dir     string // absolute directory of the file
	catalog Catalog
	config  *Config
	folder  string // destination.folder
}

// document parses the YAML text, which holds exactly one document.
func (r *reader) document(data []byte) *yaml.Node {
	var doc, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.add(second.Line, "a second document starts here; the file must hold one")
	case !errors.Is(err, io.EOF):
		r.syntax(err)
	}
	if len(doc.Content) == 0 {
		r.add(0, "the file is empty; `paylake init` writes one to start from")
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML parser. Its line is only in its text.
func (r *reader) syntax(err error) {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits; 0 is right for a number too long
		text = m[2]
	}
	r.add(line, "not valid YAML: %s", text)
}

func (r *reader) file(root *yaml.Node) {
	o, ok := r.object(root, "the file", "version", "destination", "connections", "work_dir", "delta", "maintenance", "manifests", "refresh_budget")
	if !ok {
		return
	}
	o.require("version", "destination", "connections")
	if v, ok := o.scalar("version"); ok && v != "1" {
		r.add(o.lineOf("version"), "version must be 1, not %q", v)
	}
	if dir, ok := o.text("work_dir"); ok {
		r.config.WorkDir = r.path(dir)
	}
	r.config.Destination.Granularity, r.config.Destination.Location = Day, time.UTC
	if o.has("destination") {
		r.destination(o.values["destination"])
	}
	r.tables(o)
	r.budget(o)
	if o.has("connections") {
		for _, n := range r.list(o.values["connections"], "connections") {
			r.connection(n)
		}
	}
	r.collisions()
}

// path makes a path absolute; relative ones start at the file's directory.
func (r *reader) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(r.dir, p)
}

// segments reads a folder of the lake: one or more names between slashes.
func (r *reader) segments(o object, key string) string {
	text, ok := o.text(key)
	if !ok || text == "" {
		return ""
	}
	for name := range strings.SplitSeq(text, "/") {
		if !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*$`).MatchString(name) {
			r.add(o.lineOf(key), "%s %q: each name between slashes has letters a-z, digits, _, - and ., and starts with a letter or digit", key, text)
			return ""
		}
	}
	return text
}

// collisions reports tables that would lie in the same place or inside of one
// another. File systems may ignore case, so case makes no difference.
func (r *reader) collisions() {
	type place struct{ key, owner string }
	taken := map[string]place{}
	var keys []string
	for _, conn := range r.config.Connections {
		for _, s := range conn.Streams {
			key := r.config.TableKey(conn, s)
			owner := fmt.Sprintf("%s of connection %q", s.Name, conn.Name)
			if other, ok := taken[strings.ToLower(key)]; ok {
				r.add(s.Line, "%s would fill the same table as %s: %s; give one of them a table, table_prefix or folder of its own", owner, other.owner, key)
				continue
			}
			taken[strings.ToLower(key)] = place{key, owner}
			keys = append(keys, strings.ToLower(key))
		}
	}
	slices.Sort(keys)
	for i, key := range keys {
		for _, below := range keys[i+1:] {
			if strings.HasPrefix(below, key+"/") {
				r.add(0, "%s would lie inside the table of %s: %s", taken[below].owner, taken[key].owner, taken[below].key)
			}
		}
	}
}
