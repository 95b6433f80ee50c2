package delta

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store/mem"
)

func TestRangeReaderReadsWhatIsThere(t *testing.T) {
	ctx := context.Background()
	rnd := rand.New(rand.NewPCG(1, 2))
	want := make([]byte, 3*readAhead+17)
	for i := range want {
		want[i] = byte(rnd.Uint32())
	}
	st := mem.New()
	require.NoError(t, st.Put(ctx, "x", bytes.NewReader(want)))
	r := newRangeReader(ctx, st, "x", int64(len(want)))
	ref := bytes.NewReader(want)
	for range 200 {
		off, n := rnd.Int64N(int64(len(want))+10), rnd.IntN(3000)
		if rnd.IntN(20) == 0 {
			n = rnd.IntN(2 * readAhead)
		}
		got, exp := make([]byte, n), make([]byte, n)
		gotN, gotErr := r.ReadAt(got, off)
		expN, expErr := ref.ReadAt(exp, off)
		require.Equal(t, expN, gotN)
		require.Equal(t, expErr, gotErr)
		require.True(t, bytes.Equal(exp, got))
	}
	end, err := r.Seek(-4, io.SeekEnd)
	require.NoError(t, err)
	require.Equal(t, int64(len(want)-4), end)
	_, err = r.Seek(-1, io.SeekStart)
	require.Error(t, err)
}

func TestNeighbouringRangesShareARequest(t *testing.T) {
	ctx := context.Background()
	st := mem.New()
	require.NoError(t, st.Put(ctx, "x", bytes.NewReader(make([]byte, 2*readAhead))))
	r := newRangeReader(ctx, st, "x", 2*readAhead)
	for off := int64(0); off < readAhead; off += 1000 {
		_, err := r.ReadAt(make([]byte, 500), off)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, st.Calls(mem.Open), 2)
}

func TestDataFileIsReadByRanges(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 200))
	for f := range l.load().Files() {
		r, err := newParquet(newRangeReader(context.Background(), l.st, l.key(f.Path), f.Size), f.Path)
		require.NoError(t, err)
		rows, err := r.GetRecordReader(context.Background(), nil, nil)
		require.NoError(t, err)
		batch, err := rows.Read()
		require.NoError(t, err)
		require.ElementsMatch(t, rowsOf(0, 200), readRows(batch))
		rows.Release()
	}
}

func TestDamagedDataFileIsAnErrorWithItsName(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 20))
	for f := range l.load().Files() {
		for _, body := range []string{"", "PAR1", "PAR1 this is no Parquet file at all PAR1"} {
			require.NoError(t, l.st.Put(context.Background(), l.key(f.Path), bytes.NewReader([]byte(body))))
			f.Size = int64(len(body))
			err := l.ReadFile(context.Background(), f, nil, nil)
			require.ErrorContains(t, err, f.Path)
		}
	}
}
