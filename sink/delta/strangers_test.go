package delta

import (
	"context"
	"fmt"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// What others do in the random histories of TestRandomHistories.

// stranger lets another engine, or an OPTIMIZE of Paylake, commit on the newest
// version.
func (w *world) stranger(what string, day int) {
	s, err := ReadSnapshot(context.Background(), w.st, testRoot)
	if err != nil || !s.Exists() {
		return
	}
	engine, operation, value := "Apache-Spark/4.1.1 Delta-Lake/4.1.0", strings.ToUpper(what), dayValue(day)
	if what == "compact" {
		engine, operation = "paylake/0.1.0", "OPTIMIZE"
	}
	actions := []action{{CommitInfo: []byte(fmt.Sprintf(`{"operation":%q,"engineInfo":%q,"txnId":"s%d","paylakeRunId":"%s-%d"}`, operation, engine, s.version, what, day))}}
	old := s.partition(value).files
	for _, f := range old {
		if what == "insert" {
			break
		}
		remove := f.remove(1)
		remove.DataChange = what == "delete"
		actions = append(actions, action{Remove: remove})
	}
	switch {
	case what == "insert":
		actions = append(actions, w.moved(w.file(day, 900)[0], nil))
	case what == "delete" || len(old) == 0:
	default:
		for _, f := range old {
			actions = append(actions, w.moved(writer.File{Partition: value, Bytes: f.size, Rows: f.sums.rows}, f))
		}
	}
	body, err := encodeActions(actions)
	require.NoError(w.t, err)
	if err := w.st.Create(context.Background(), w.look.key(commitName(s.version+1)), body); err != nil {
		return // an injected failure met it: the log tells whether it took effect
	}
	w.note("%s day %d: version %d", what, day, s.version+1)
}

// moved makes an add without tags: of a new file, or of a copy of an old one.
func (w *world) moved(f writer.File, old *file) action {
	w.next++
	path := fmt.Sprintf("created_date=%s/moved-%08d.parquet", f.Partition, w.next)
	ctx := context.Background()
	var err error
	if old == nil {
		err = store.PutFile(ctx, w.st, w.look.key(path), f.Path)
	} else {
		var body []byte
		if body, err = store.ReadAll(ctx, w.st, w.look.key(old.path)); err == nil {
			err = w.st.Put(ctx, w.look.key(path), strings.NewReader(string(body)))
		}
	}
	if err != nil {
		path = "absent.parquet" // its commit is the failure's victim, too
		require.ErrorIs(w.t, err, errLost)
		return w.moved(f, old)
	}
	a := w.look.newAdd(path, f)
	a.Tags, a.DataChange, a.Stats = nil, old == nil, fmt.Sprintf(`{"numRecords":%d}`, f.Rows)
	return action{Add: a}
}

// calm lets waiting failures happen to nobody.
func (w *world) calm() {
	for range 4 {
		for _, op := range []mem.Op{mem.Open, mem.Put, mem.Create} {
			key := fmt.Sprintf("calm/%s-%d", op, w.st.Calls(""))
			switch op {
			case mem.Open:
				_, _ = store.ReadAll(context.Background(), w.st, key)
			case mem.Put:
				_ = w.st.Put(context.Background(), key, strings.NewReader(""))
			case mem.Create:
				_ = w.st.Create(context.Background(), key, nil)
			}
		}
		for range w.st.List(context.Background(), "calm/", "") {
			continue
		}
	}
}

// runIDOf returns the paylakeRunId of a commit.
func runIDOf(actions []action) string {
	for _, a := range actions {
		if a.CommitInfo != nil {
			_, rest, _ := strings.Cut(string(a.CommitInfo), `"paylakeRunId":"`)
			id, _, _ := strings.Cut(rest, `"`)
			return id
		}
	}
	return ""
}
