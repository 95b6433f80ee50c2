package local

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

// Disks that are full or read-only cannot be had everywhere, so the wrapping is
// tested by itself.
func TestOperatorsGetOneClearLine(t *testing.T) {
	s, err := New("/lake")
	require.NoError(t, err)
	for cause, want := range map[error]string{
		syscall.ENOSPC: "put a/b: the disk of /lake is full; free some space, then run the same command again, it goes on where it stopped (write x: no space left on device)",
		syscall.EDQUOT: "put a/b: the disk quota of /lake is used up; free some space or raise it",
		syscall.EROFS:  "put a/b: /lake is mounted read-only; mount it for writing or choose another directory (write x: read-only file system)",
		syscall.EACCES: "put a/b: no permission in /lake; check who owns it and its permissions (write x: permission denied)",
	} {
		err := s.wrap("put", "a/b", &fs.PathError{Op: "write", Path: "x", Err: cause})
		require.ErrorContains(t, err, want)
		require.ErrorIs(t, err, cause)
		var typed *Error
		require.ErrorAs(t, fmt.Errorf("commit: %w", err), &typed)
	}
	require.EqualError(t, s.wrap("create", "a", store.ErrExists), "create a: object exists already")
	require.EqualError(t, s.wrap("open", "a", os.ErrClosed), "open a: file already closed")
	require.NoError(t, s.wrap("open", "a", nil))
}
