package delta

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/mem"
	"github.com/paylake/paylake/writer"
)

// stored stores the files of a change and removes their local copies.
func (l *lake) stored(c sink.Change) sink.Change {
	l.t.Helper()
	files, err := l.Store(l.t.Context(), c.Files)
	require.NoError(l.t, err)
	for i, f := range files {
		require.NoError(l.t, os.Remove(f.Path))
		files[i].Path = ""
	}
	c.Files = files
	return c
}

// Stored files are invisible until a commit names them, which uploads nothing
// more; the guard reads their keys from the store.
func TestStoredFilesAreCommittedAsTheyAre(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(1, 40))
	c := l.stored(l.replace(0, rowsOf(1, 39), 2))
	l.requireRows(rowsOf(1, 40))
	puts := l.st.(*mem.Store).Calls(mem.Put)
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, puts, l.st.(*mem.Store).Calls(mem.Put))
	l.requireRows(rowsOf(1, 39))
	require.True(t, l.load().Holds(c.Files[0].Stored))
	require.True(t, l.load().Named(c.Files[0].Stored))

	_, err := l.Commit(t.Context(), l.stored(l.replace(1, rowsOf(1, 20))))
	var shrink *sink.ShrinkError
	require.ErrorAs(t, err, &shrink)
	require.Equal(t, int64(19), shrink.Removed)
}

// A commit that fails leaves stored files alone: they are not its own.
func TestStoredFilesAreNeverDiscarded(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(1, 5))
	c := l.stored(l.replace(0, rowsOf(2, 5)))
	local := l.replace(0, rowsOf(3, 5))
	c.Files, c.Partitions = append(c.Files, local.Files...), append(c.Partitions, local.Partitions...)
	keys := l.dataKeys()
	l.st.(*mem.Store).Inject(mem.Fault{Op: mem.Put, N: 1, Err: errors.New("disk full")})
	_, err := l.Commit(t.Context(), c)
	require.Error(t, err)
	require.Equal(t, keys, l.dataKeys())
	require.Equal(t, sink.Committed, l.commit(c).Outcome)
	l.requireRows(rowsOf(1, 5), rowsOf(2, 5), rowsOf(3, 5))
}

// Two runs that hold the same stored file: the second adds it no second time and
// never removes it.
func TestTheSameStoredFileTwice(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(1, 5))
	c := l.stored(l.replace(0, rowsOf(2, 5)))
	require.Equal(t, sink.Committed, l.rival().commit(c).Outcome)
	require.Equal(t, sink.Conflict, l.commit(c).Outcome, "the rival's rows may be newer")

	c.Base = 1
	require.Equal(t, sink.Unchanged, l.commit(c).Outcome)
	more := l.files(row{id: "other", day: 2, minute: 700, status: "paid"})
	c.Files = append(c.Files, more...)
	r := l.commit(c)
	require.Equal(t, sink.Committed, r.Outcome)
	require.Equal(t, 1, r.FilesAdded)
	require.Zero(t, r.FilesRemoved)
	require.Len(t, l.rows(), 11)
}

// Files that are gone, cut short or too old are missing.
func TestMissing(t *testing.T) {
	l := newMemLake(t)
	c := l.stored(l.replace(-1, append(rowsOf(1, 5), append(rowsOf(2, 5), rowsOf(3, 5)...)...)))
	missing, oldest, err := l.Missing(t.Context(), c.Files, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Empty(t, missing)
	require.WithinDuration(t, time.Now(), oldest, time.Minute)

	require.NoError(t, l.st.Delete(t.Context(), testRoot+"/"+c.Files[0].Stored))
	c.Files[1].Bytes++
	missing, _, err = l.Missing(t.Context(), c.Files, time.Time{})
	require.NoError(t, err)
	require.ElementsMatch(t, []writer.File{c.Files[0], c.Files[1]}, missing)
	missing, _, err = l.Missing(t.Context(), c.Files, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Len(t, missing, 3)
}

// What rows depend on makes another fingerprint.
func TestFingerprintOfATable(t *testing.T) {
	l := newMemLake(t)
	print := func(l *lake) string {
		text, err := l.Fingerprint()
		require.NoError(t, err)
		return text
	}
	require.Equal(t, print(l), print(l.rival()))
	for name, change := range map[string]func(*Settings){
		"columns":    func(s *Settings) { s.Table, _ = s.Table.Exclude("amount") },
		"partitions": func(s *Settings) { s.Spec.Location = time.FixedZone("BRT", -3*3600) },
		"properties": func(s *Settings) { s.Properties = map[string]string{"paylake.mode": "other"} },
	} {
		require.NotEqual(t, print(l), print(l.rival(change)), name)
	}
}
