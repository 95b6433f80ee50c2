package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
)

// row is what the tests look at of a row of the lake.
type row struct {
	partition, key, facts string
	updated               time.Time // zero where the table has no such column
}

// lake reads tables. Data files never change, so each is read once. Safe for
// concurrent use.
type lake struct {
	store store.Store
	mu    sync.Mutex
	files map[string][]row
}

func newLake(st store.Store) *lake { return &lake{store: st, files: map[string][]row{}} }

// version is a version of a table that was read in whole.
type version struct {
	number int64
	rows   map[string]row // by key and, of snapshots, the time
	content
}

// newest reads the newest version of a stream's table; number -1 if there is
// none.
func (l *lake) newest(ctx context.Context, stream string) (*version, error) {
	return l.read(ctx, l.store, stream)
}

// at reads an older version.
func (l *lake) at(ctx context.Context, stream string, number int64) (*version, error) {
	v, err := l.read(ctx, &until{Store: l.store, last: number}, stream)
	if err == nil && v.number != number {
		err = fmt.Errorf("table %s: version %d was asked for, %d was found", stream, number, v.number)
	}
	return v, err
}

// read reads a version and fails when a file is not there in whole, or a key
// stands twice.
func (l *lake) read(ctx context.Context, st store.Store, stream string) (*version, error) {
	snapshot, err := delta.ReadSnapshot(ctx, st, root(stream))
	if err != nil {
		return nil, err
	}
	v := &version{number: snapshot.Version(), rows: map[string]row{}, content: content{}}
	for f := range snapshot.Files() {
		rows, err := l.file(ctx, stream, f)
		if err != nil {
			return nil, fmt.Errorf("table %s version %d: %w", stream, v.number, err)
		}
		for _, r := range rows {
			id := r.partition + " " + r.key
			if stream != simapi.RecipientBalance {
				id = r.key // also in another partition
			}
			if _, twice := v.rows[id]; twice {
				return nil, fmt.Errorf("table %s version %d: key %s stands twice", stream, v.number, id)
			}
			v.rows[id] = r
			if v.content[r.partition] == nil {
				v.content[r.partition] = map[string]string{}
			}
			v.content[r.partition][r.key] = r.facts
		}
	}
	return v, nil
}

// file gives the rows of a live file after a look whether it is still there
// with its size.
func (l *lake) file(ctx context.Context, stream string, f delta.File) ([]row, error) {
	tail, err := l.store.Open(ctx, root(stream)+"/"+f.Path, f.Size-4, -1)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(tail)
	if err = errors.Join(err, tail.Close()); err != nil {
		return nil, err
	}
	if string(data) != "PAR1" {
		return nil, fmt.Errorf("%s: its last bytes by its size are %q", f.Path, data)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	id := stream + "/" + f.Path
	if rows, ok := l.files[id]; ok {
		return rows, nil
	}
	rows, err := l.parse(ctx, stream, f)
	if err == nil && int64(len(rows)) != f.Rows {
		err = fmt.Errorf("%s: %d rows, the log says %d", f.Path, len(rows), f.Rows)
	}
	if err == nil {
		l.files[id] = rows
	}
	return rows, err
}

func (l *lake) parse(ctx context.Context, stream string, f delta.File) ([]row, error) {
	ep := endpoint(stream)
	table, err := openTable(l.store, ep)
	if err != nil {
		return nil, err
	}
	amount := "amount"
	if stream == simapi.RecipientBalance {
		amount = "available_amount"
	}
	var names []string
	for _, c := range ep.Table.Columns() {
		if slices.Contains(append([]string{amount, "status", "updated_at"}, ep.Table.Key...), c.Name) {
			names = append(names, c.Name)
		}
	}
	var rows []row
	err = table.ReadFile(ctx, f, names, func(b arrow.RecordBatch) error {
		for i := range int(b.NumRows()) {
			r := row{partition: string(f.Partition), key: text(b, ep.Table.Key[0], i), updated: instant(b, "updated_at", i)}
			if stream == simapi.RecipientBalance {
				r.partition = instant(b, ep.Table.Key[1], i).Format(time.RFC3339)
			}
			r.facts = facts(stream, number(b, amount, i), text(b, "status", i))
			rows = append(rows, r)
		}
		return nil
	})
	return rows, err
}

func column(b arrow.RecordBatch, name string) arrow.Array {
	if at := b.Schema().FieldIndices(name); len(at) > 0 {
		return b.Column(at[0])
	}
	return nil
}

func text(b arrow.RecordBatch, name string, i int) string {
	if c, ok := column(b, name).(*array.String); ok && c.IsValid(i) {
		return strings.Clone(c.Value(i))
	}
	return ""
}

func number(b arrow.RecordBatch, name string, i int) int64 {
	if c, ok := column(b, name).(*array.Int64); ok && c.IsValid(i) {
		return c.Value(i)
	}
	return 0
}

func instant(b arrow.RecordBatch, name string, i int) time.Time {
	if c, ok := column(b, name).(*array.Timestamp); ok && c.IsValid(i) {
		return time.UnixMicro(int64(c.Value(i))).UTC()
	}
	return time.Time{}
}

// until shows a store as it was when a version was the newest of a table: what
// later versions put into the log is not there.
type until struct {
	store.Store
	last int64
}

func (u *until) hidden(key string) bool {
	dir, name := path.Split(key)
	if !strings.HasSuffix(dir, "/_delta_log/") {
		return false
	}
	if len(name) < 20 {
		return true // _last_checkpoint may name a later one
	}
	n, err := strconv.ParseInt(name[:20], 10, 64)
	return err == nil && n > u.last
}

func (u *until) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if u.hidden(key) {
		return nil, fmt.Errorf("open %s: %w", key, store.ErrNotFound)
	}
	return u.Store.Open(ctx, key, off, n)
}

func (u *until) List(ctx context.Context, prefix, start string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range u.Store.List(ctx, prefix, start) {
			if err == nil && u.hidden(o.Key) {
				continue
			}
			if !yield(o, err) {
				return
			}
		}
	}
}
