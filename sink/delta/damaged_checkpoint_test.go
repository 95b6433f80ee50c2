package delta

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

// A checkpoint that the store delivers and nobody can read is done without, as
// long as the commits are all there; else the error says what to do.
func TestADamagedCheckpointIsDoneWithout(t *testing.T) {
	eachStore(t, func(t *testing.T, l *lake) {
		want := fill(l, 12)
		key := l.key(checkpointName(10))
		l.damage(key, make([]byte, l.size(key)))

		l.rival().requireRows(want...)

		require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(3))))
		_, err := l.rival().Load(t.Context())
		require.ErrorContains(t, err, "restore it from a backup")
	})
}

func (l *lake) damage(key string, data []byte) {
	l.t.Helper()
	require.NoError(l.t, l.st.Put(l.t.Context(), key, bytes.NewReader(data)))
}

func (l *lake) size(key string) int {
	l.t.Helper()
	raw, err := store.ReadAll(l.t.Context(), l.st, key)
	require.NoError(l.t, err)
	return len(raw)
}
