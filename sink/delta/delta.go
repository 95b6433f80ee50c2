package delta

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
	"github.com/paylake/paylake/sink/store"
)

// Settings are what a run knows of a table. They are not changed by this
// package and must not change while a Table has them.
type Settings struct {
	Table       *schema.Table
	Spec        partitioning.Spec
	Description string // the table's comment; "" takes Table.Description

	// Properties become the properties of a new table. Those that start with
	// "paylake." must be equal in a table that exists already, except
	// paylake.schemaVersion, which only ever grows.
	Properties map[string]string

	// LogRetention and DeletedFileRetention become the table properties
	// delta.logRetentionDuration and delta.deletedFileRetentionDuration, of a
	// table that exists in its next commit. Zero leaves a property as it is.
	LogRetention, DeletedFileRetention time.Duration

	// BaseURL is where the store's root lies for the engines that read the lake:
	// "s3://bucket/prefix" or "file:///lake", without a slash at its end.
	// Only symlink manifests need it.
	BaseURL string

	Engine string           // who commits, like "paylake/0.1.0"
	Now    func() time.Time // for timestamps in the log; nil = time.Now
}

// PropertySchemaVersion is the property that holds the version of the columns.
const PropertySchemaVersion = "paylake.schemaVersion"

const (
	ownProperties = "paylake." // prefix of the properties that must be equal
	ownEngine     = "paylake/" // prefix of commitInfo.engineInfo of our commits
)

// Table is one Delta table. Load may be called at any time from any goroutine;
// one Commit at a time.
type Table struct {
	store    store.Store
	root     string
	settings Settings

	mu   sync.Mutex
	tip  *Snapshot           // the newest snapshot seen, nil before the first
	size int64               // of the commit object of tip, -1 if not known
	seen map[int64]touch     // of the commits that were read
	sums map[string]fileSums // of live files without tags that were read

	damaged string // checkpoint that the store delivers and nobody can read; "" for none

	saved int64                        // version of the newest checkpoint, -1 for none
	fresh bool                         // this Table wrote a checkpoint that Maintain has not seen yet
	own   map[int64]ownCommit          // commits of this Table that were not read back yet
	lost  []int64                      // those that are no longer in the log, not told yet
	same  map[partitioning.Value]int64 // newest version at which a change found the partition's rows equal
}

// newTable makes a Table that has read nothing.
func newTable(st store.Store, root string, s Settings) *Table {
	return &Table{store: st, root: root, settings: s, size: -1, saved: -1, seen: map[int64]touch{}, sums: map[string]fileSums{},
		own: map[int64]ownCommit{}, same: map[partitioning.Value]int64{}}
}

// fileSums are the sums of a file that had to be read.
type fileSums struct {
	size    int64
	sums    sums
	deleted int64 // rows that are marked as deleted, not in the sums
}

// Open prepares a table under the key prefix root, with "" for the store's own
// root. It does no I/O. An error means that the settings cannot be right.
func Open(st store.Store, root string, s Settings) (*Table, error) {
	switch {
	case s.Table == nil:
		return nil, errors.New("open delta table: no schema")
	case !strings.HasPrefix(s.Engine, ownEngine):
		return nil, fmt.Errorf("open delta table %s: engine %q does not start with %q", root, s.Engine, ownEngine)
	case strings.HasPrefix(root, "/") || strings.HasSuffix(root, "/"):
		return nil, fmt.Errorf("open delta table %q: a root has no slash at its ends", root)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return newTable(st, root, s), nil
}

// Root returns the key prefix of the table.
func (t *Table) Root() string { return t.root }

// key returns the store's key of a path below the table's root.
func (t *Table) key(path string) string {
	if t.root == "" {
		return path
	}
	return t.root + "/" + path
}

// now returns the time in milliseconds since 1970, as the log counts it.
func (t *Table) now() int64 { return t.settings.Now().UnixMilli() }

// partitionColumns returns the partition columns that the settings ask for.
func (t *Table) partitionColumns() []string {
	if t.settings.Spec.Column == "" {
		return []string{}
	}
	return []string{t.settings.Spec.Column}
}
