package s3

import (
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConnectionsOnWhichNothingMovesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		conn := &guarded{Conn: here}
		begin := time.Now()
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.Equal(t, stallTimeout, time.Since(begin))
		_, err = conn.Write([]byte("x"))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)

		// A slow upload keeps the wait for its answer alive.
		answer := make(chan error)
		go func() {
			_, err := conn.Read(make([]byte, 1))
			answer <- err
		}()
		for range 5 {
			time.Sleep(stallTimeout * 3 / 4)
			go func() { _, _ = there.Read(make([]byte, 10)) }()
			_, err := conn.Write([]byte("part"))
			require.NoError(t, err)
		}
		_, err = there.Write([]byte("!"))
		require.NoError(t, err)
		require.NoError(t, <-answer)
		require.NoError(t, here.Close())
		require.NoError(t, there.Close())
	})
}
