package delta

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/paylake/paylake/partitioning"
)

// state is what the actions of a log add up to (PROTOCOL.md, "Action
// Reconciliation").
type state struct {
	version    int64
	protocol   *protocol
	meta       *metaData
	files      map[string]*file  // live, by decoded path
	tombstones map[string]remove // by decoded path; kept for checkpoints
	txns       map[string]txn
	in         interner
	base       []checkpointPart             // the checkpoint that the state was read from, if any
	unread     map[partitioning.Value]int64 // version of the foreign RESTORE that touched it: see Snapshot.Unread
	doubt      string                       // why unread may lack some

	vectors int                         // live files with a deletion vector
	strays  int                         // live files outside the table's folder
	fresh   []*file                     // live files that came since the last snapshot
	dirty   map[partitioning.Value]bool // partitions that changed since then
}

func newState() *state {
	return &state{version: -1, files: map[string]*file{}, tombstones: map[string]remove{}, txns: map[string]txn{}, in: interner{},
		unread: map[partitioning.Value]int64{}, dirty: map[partitioning.Value]bool{}}
}

// clone copies the state so that the copy can go on. Files are shared: they
// never change.
func (s *state) clone() *state {
	c := *s
	c.files, c.tombstones, c.txns, c.in = maps.Clone(s.files), maps.Clone(s.tombstones), maps.Clone(s.txns), maps.Clone(s.in)
	c.unread, c.fresh, c.dirty = maps.Clone(s.unread), nil, map[partitioning.Value]bool{}
	return &c
}

// touch tells what a commit did, for the conflict rules.
type touch struct {
	provenance
	partitions map[partitioning.Value]bool // of every add and remove, dataChange or not
	everything bool                        // a remove that does not tell its partition
	newRows    bool                        // an add or remove with dataChange
}

// commit applies the actions of one commit. Removes come first: a commit may
// remove a file's old state and add its new one.
func (s *state) commit(version int64, actions []action) touch {
	t := touch{partitions: map[partitioning.Value]bool{}}
	for _, a := range actions {
		if a.CommitInfo != nil {
			t.provenance = readCommitInfo(a.CommitInfo)
		}
		if a.Remove != nil {
			s.remove(a.Remove, &t)
			t.newRows = t.newRows || a.Remove.DataChange
		}
		s.apply(a)
	}
	for _, a := range actions {
		if a.Add != nil {
			t.partitions[s.add(a.Add).values.value] = true
			t.newRows = t.newRows || a.Add.DataChange
		}
	}
	s.version = version
	s.noteRestore(version, t)
	return t
}

// apply takes over the actions of which the latest counts.
func (s *state) apply(a action) {
	switch {
	case a.Protocol != nil:
		s.protocol = a.Protocol
	case a.MetaData != nil:
		s.meta = a.MetaData
	case a.Txn != nil:
		s.txns[a.Txn.AppID] = *a.Txn
	}
}

func (s *state) add(a *add) *file {
	f := newFile(a, s.in.intern(a.PartitionValues))
	s.live(f)
	return f
}

// live takes a file in.
func (s *state) live(f *file) {
	delete(s.tombstones, f.path)
	s.put(f)
}

// put makes a file live, in place of one of the same path.
func (s *state) put(f *file) {
	s.drop(f.path)
	s.files[f.path] = f
	s.fresh, s.dirty[f.values.value] = append(s.fresh, f), true
	s.count(f, 1)
}

// drop makes a file not live, if it is.
func (s *state) drop(path string) {
	if f, ok := s.files[path]; ok {
		delete(s.files, path)
		s.dirty[f.values.value] = true
		s.count(f, -1)
	}
}

func (s *state) count(f *file, n int) {
	if f.deleted {
		s.vectors += n
	}
	if f.stray {
		s.strays += n
	}
}

func (s *state) remove(r *remove, t *touch) {
	path := canonical(r.Path)
	f, live := s.files[path]
	switch {
	case r.PartitionValues != nil:
		t.partitions[s.in.intern(r.PartitionValues).value] = true
	case live:
		t.partitions[f.values.value] = true
	default:
		t.everything = true
	}
	s.drop(path)
	s.tombstones[path] = *r
}

// check reports a log that lacks what every table must have.
func (s *state) check() error {
	switch {
	case s.protocol == nil:
		return errors.New("the log has no protocol action")
	case s.meta == nil:
		return errors.New("the log has no metaData action")
	}
	return nil
}

// readsAtOnce is how many commits are read side by side.
const readsAtOnce = 8

// readCommits reads commits, some at a time, and gives them to each in the
// order of versions.
func (t *Table) readCommits(ctx context.Context, versions []int64, each func(version int64, actions []action)) error {
	for some := range slices.Chunk(versions, readsAtOnce) {
		read := make([][]action, len(some))
		g, gctx := errgroup.WithContext(ctx)
		for i, v := range some {
			g.Go(func() (err error) {
				read[i], err = t.readCommit(gctx, v)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for i, v := range some {
			each(v, read[i])
		}
	}
	return nil
}

// readCommit reads the actions of one commit.
func (t *Table) readCommit(ctx context.Context, version int64) (_ []action, err error) {
	key := t.key(commitName(version))
	body, err := t.store.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, fmt.Errorf("read commit %d of table %s: %w", version, t.root, err)
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	actions, err := readActions(body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: if the object is damaged, restore it; if it is the newest and its writer died, remove it", key, err)
	}
	return actions, nil
}

// readActions reads newline-delimited actions. Lines may be of any length.
func readActions(r io.Reader) ([]action, error) {
	var actions []action
	buf := bufio.NewReaderSize(r, 64<<10)
	for line := 1; ; line++ {
		text, err := buf.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if !blank(text) {
			a, derr := decodeAction(text)
			if derr != nil {
				return nil, fmt.Errorf("line %d: %w", line, derr)
			}
			actions = append(actions, a)
		}
		if err != nil {
			return actions, nil
		}
	}
}

func blank(line []byte) bool {
	for _, c := range line {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
