package delta

import (
	"bytes"
	"strings"
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

		other := l.rival()
		require.Equal(t, int64(12), other.load().Version())
		other.requireRows(want...)
		require.Equal(t, logFolder+checkpointName(10)[len(logFolder):], other.DamagedCheckpoint(t.Context()))
		_, warnings, err := other.Settle(t.Context())
		require.NoError(t, err)
		require.Empty(t, warnings)
		require.Empty(t, other.DamagedCheckpoint(t.Context()))
		fresh := l.rival()
		fresh.requireRows(want...)
		require.Empty(t, fresh.DamagedCheckpoint(t.Context()), "a newer one took its place")

		for _, key := range l.keys(logFolder) {
			if strings.Contains(key, "checkpoint") && !strings.HasSuffix(key, checkpointName(10)) {
				require.NoError(t, l.st.Delete(t.Context(), l.key(key)))
			}
		}
		require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(3))))
		_, err = l.rival().Load(t.Context())
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
