//go:build integration

package crash_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireOneMessage fails unless a sync of one stream failed with one line that
// holds a text.
func requireOneMessage(t *testing.T, e ended, says string) {
	t.Helper()
	require.Contains(t, []int{1, 3}, e.code, "%s", e)
	message := e.Error
	if e.Run != nil && e.Error == "" {
		require.Len(t, e.Run.Streams, 1)
		message = e.Run.Streams[0].Error
	}
	require.Contains(t, message, says)
	require.Equal(t, 1, strings.Count(message, says), "the advice stands there once: %s", message)
	require.NotContains(t, message, "\n")
	require.NotContains(t, message, secretKey)
}
