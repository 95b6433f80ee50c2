package delta

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/partitioning"
)

// Tags on the adds of Paylake: sums over the rows of the file, in hexadecimal.
const (
	tagFingerprint = "paylake.fingerprint" // of schema.Fingerprint
	tagKeys        = "paylake.keys"        // of schema.KeyHashes
)

// File is a live data file of a snapshot.
type File struct {
	URI         string // add.path as it stands in the log
	Path        string // the same decoded: relative to the table's root, except in a shallow clone
	Partition   partitioning.Value
	Size        int64     // bytes
	Rows        int64     // -1 where the log does not say
	Modified    time.Time // UTC
	Fingerprint uint64    // sum over the rows, if Tagged
	Keys        uint64    // sum over the rows' key hashes, if Tagged
	Tagged      bool      // the log holds Fingerprint, Keys and Rows
	Deleted     bool      // every row is of a record that the source no longer has: _deleted_at is set
}

// file is a live data file in memory. It is never changed after it was made:
// snapshots share it. The statistics of a file that came from a checkpoint are
// not kept: they are most of its bytes, and only the next checkpoint needs them.
type file struct {
	uri      string
	path     string
	values   *values
	size     int64
	modified int64             // ms since 1970
	stats    string            // JSON text, "" for none
	stored   bool              // stats lie in the checkpoint that the state was read from
	tags     map[string]string // those of other engines
	states   string            // tagStates
	kept     bool              // tagDeleted: its records are deleted at the source
	sums     sums
	tagged   bool
	deleted  bool // has a deletion vector
	stray    bool // lies outside the table's folder
}

// sums tells whether two sets of rows are the same, whatever their order and
// files.
type sums struct {
	rows        int64 // -1 = unknown
	fingerprint uint64
	keys        uint64
}

func (s sums) plus(o sums) sums {
	if s.rows < 0 || o.rows < 0 {
		return sums{rows: -1}
	}
	return sums{s.rows + o.rows, s.fingerprint + o.fingerprint, s.keys + o.keys}
}

// minus takes away the sums of rows that are among those of s.
func (s sums) minus(o sums) sums {
	return sums{s.rows - o.rows, s.fingerprint - o.fingerprint, s.keys - o.keys}
}

// values are the partition values of a file, shared by the files of a partition.
type values struct {
	log   map[string]*string
	value partitioning.Value
}

// interner keeps one copy of equal partition values.
type interner map[string]*values

func (in interner) intern(log map[string]*string) *values {
	var id strings.Builder
	names := slices.Sorted(maps.Keys(log))
	for _, name := range names {
		id.WriteString(name)
		if v := log[name]; v != nil {
			id.WriteString("\x01" + *v)
		}
		id.WriteByte(0)
	}
	if v, ok := in[id.String()]; ok {
		return v
	}
	v := &values{log: log, value: partitionValue(names, log)}
	if v.log == nil {
		v.log = map[string]*string{} // partitionValues is required in an add
	}
	in[id.String()] = v
	return v
}

// internRow is intern of row i of a map column. It makes nothing for a value that
// was met before, as long as there is one partition column.
func (in interner) internRow(c column, i int) *values {
	var id [128]byte
	key := id[:0]
	n := 0
	c.eachEntry(i, func(name, value string, null bool) {
		n++
		key = append(key, name...)
		if !null {
			key = append(append(key, 1), value...)
		}
		key = append(key, 0)
	})
	if v, ok := in[string(key)]; ok && n == 1 {
		return v
	}
	return in.intern(c.textMap(i))
}

// partitionValue spells the values of a file as one Value. Tables of Paylake
// have at most one partition column; others read like "year=2020/day=5".
func partitionValue(names []string, log map[string]*string) partitioning.Value {
	value := func(name string) string {
		if v := log[name]; v != nil {
			return *v
		}
		return ""
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return partitioning.Value(value(names[0]))
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + "=" + value(name)
	}
	return partitioning.Value(strings.Join(parts, "/"))
}

// newFile makes a file from an add with the given partition values.
func newFile(a *add, v *values) *file {
	f := &file{
		uri: a.Path, path: canonical(a.Path), values: v,
		size: a.Size, modified: a.ModificationTime, stats: a.Stats,
		deleted: len(a.DeletionVector) > 0 && string(a.DeletionVector) != "null",
	}
	f.stray = outside(f.path)
	f.sums.rows = -1
	if n, ok := recordsOf(a.Stats); ok {
		f.sums.rows = n
	}
	f.readTags(a.Tags)
	return f
}

// readTags takes the sums of our own tags, if all are there and the rows are
// known, and keeps the other tags.
func (f *file) readTags(tags map[string]string) {
	f.readSums(tags[tagFingerprint], tags[tagKeys])
	for k, v := range tags {
		f.keepTag(k, v)
	}
}

// readTagColumn is readTags of row i of a map column.
func (f *file) readTagColumn(c column, i int) {
	var fingerprint, keys string
	c.eachEntry(i, func(k, v string, _ bool) {
		switch k {
		case tagFingerprint:
			fingerprint = v
		case tagKeys:
			keys = v
		}
	})
	f.readSums(fingerprint, keys)
	c.eachEntry(i, func(k, v string, null bool) {
		if !null {
			f.keepTag(k, v)
		}
	})
}

func (f *file) readSums(fingerprint, keys string) {
	a, ok1 := parseHex(fingerprint)
	b, ok2 := parseHex(keys)
	if ok1 && ok2 && f.sums.rows >= 0 {
		f.sums.fingerprint, f.sums.keys, f.tagged = a, b, true
	}
}

// keepTag keeps a tag that is not among the sums.
func (f *file) keepTag(k, v string) {
	switch {
	case f.tagged && (k == tagFingerprint || k == tagKeys):
		return
	case k == tagStates:
		f.states = strings.Clone(v)
		return
	case f.tagged && k == tagDeleted:
		f.kept = true
		return
	}
	if f.tags == nil {
		f.tags = map[string]string{}
	}
	f.tags[strings.Clone(k)] = strings.Clone(v)
}

// recordsOf reads numRecords. Statistics that cannot be read count as absent.
func recordsOf(stats string) (int64, bool) {
	if rest, ok := strings.CutPrefix(stats, `{"numRecords":`); ok { // as everybody writes it: no need to read the rest
		if end := strings.IndexAny(rest, ",}"); end > 0 {
			if n, err := strconv.ParseInt(rest[:end], 10, 64); err == nil && n >= 0 {
				return n, true
			}
		}
	}
	var s struct {
		NumRecords *int64 `json:"numRecords"`
	}
	if stats == "" || json.Unmarshal([]byte(stats), &s) != nil || s.NumRecords == nil || *s.NumRecords < 0 {
		return 0, false
	}
	return *s.NumRecords, true
}

// allTags returns the tags that the file was added with.
func (f *file) allTags() map[string]string {
	if !f.tagged && f.states == "" {
		return f.tags
	}
	tags := maps.Clone(notNilMap(f.tags))
	if f.tagged {
		tags[tagFingerprint], tags[tagKeys] = hex(f.sums.fingerprint), hex(f.sums.keys)
	}
	if f.states != "" {
		tags[tagStates] = f.states
	}
	if f.kept {
		tags[tagDeleted] = tagTrue
	}
	return tags
}

// remove makes the action that removes the file at now (ms since 1970).
func (f *file) remove(now int64) *remove {
	size := f.size
	return &remove{Path: f.uri, DeletionTimestamp: &now, DataChange: true, ExtendedFileMetadata: true,
		PartitionValues: f.values.log, Size: &size}
}

func (f *file) public() File {
	return File{URI: f.uri, Path: f.path, Partition: f.values.value, Size: f.size, Rows: f.sums.rows,
		Modified:    time.UnixMilli(f.modified).UTC(),
		Fingerprint: f.sums.fingerprint, Keys: f.sums.keys, Tagged: f.tagged, Deleted: f.kept}
}

func hex(v uint64) string { return strconv.FormatUint(v, 16) }

func parseHex(text string) (uint64, bool) {
	v, err := strconv.ParseUint(text, 16, 64)
	return v, err == nil
}

// canonical decodes the path of an add or remove. Engines spell an absolute
// path on disk with or without its scheme; both mean one file.
func canonical(uri string) string {
	path, err := partitioning.FromURI(uri)
	if err != nil {
		path = uri // not an encoding: the name itself
	}
	if rest, ok := strings.CutPrefix(path, "file:"); ok && strings.HasPrefix(rest, "/") {
		return "/" + strings.TrimLeft(rest, "/")
	}
	return path
}

// outside reports whether a decoded path leads out of the table's folder, as
// those of a shallow clone do: "/lake/t/f.parquet", "s3://lake/t/f.parquet".
func outside(path string) bool {
	scheme, _, ok := strings.Cut(path, ":/")
	notScheme := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '-' && r != '.'
	}
	return strings.HasPrefix(path, "/") || ok && !strings.ContainsFunc(scheme, notScheme)
}
