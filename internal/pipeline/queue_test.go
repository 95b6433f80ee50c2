package pipeline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract/window"
)

func days(n int) []window.Window {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var list []window.Window
	for i := range n {
		list = append(list, window.Window{Since: start.AddDate(0, 0, i), Until: start.AddDate(0, 0, i+1)})
	}
	return list
}

func TestQueuePopsInOrderOfTime(t *testing.T) {
	ctx := t.Context()
	w := days(3)
	q := newQueue(w)
	first, _ := q.take(ctx)
	second, _ := q.take(ctx)
	q.end(second, &read{}, nil)
	require.Nil(t, q.popEnded(), "the oldest window has not ended")
	require.True(t, q.oldest(first))
	require.False(t, q.oldest(second))
	q.end(first, &read{}, nil)
	for _, want := range w[:2] {
		it, err := q.pop(ctx)
		require.NoError(t, err)
		require.Equal(t, want, it.window)
	}
}

func TestQueueReadsThePartsOfAWideWindowNext(t *testing.T) {
	ctx := t.Context()
	w := days(3)
	q := newQueue(w)
	first, _ := q.take(ctx)
	noon := w[0].Since.Add(12 * time.Hour)
	q.split(first, []window.Window{{Since: w[0].Since, Until: noon}, {Since: noon, Until: w[0].Until}})
	var order []time.Time
	for range 4 {
		it, err := q.take(ctx)
		require.NoError(t, err)
		order = append(order, it.window.Since)
		q.end(it, &read{}, nil)
	}
	require.Equal(t, []time.Time{w[0].Since, noon, w[1].Since, w[2].Since}, order)
	for range 4 {
		it, err := q.pop(ctx)
		require.NoError(t, err)
		require.NotNil(t, it)
	}
	it, err := q.take(ctx)
	require.NoError(t, err)
	require.Nil(t, it, "nothing is left")
}

func TestQueueTellsWhyWaitingEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		q := newQueue(days(1))
		_, err := q.take(ctx)
		require.NoError(t, err)
		why := errors.New("the key was revoked")
		go cancel(why)
		_, err = q.pop(ctx)
		require.ErrorIs(t, err, why)
	})
}

func TestBudgetLetsTheOldestWindowPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		never := func() bool { return false }
		require.NoError(t, b.acquire(t.Context(), 8, never))
		passed := make(chan string, 2)
		go func() {
			if b.acquire(t.Context(), 8, never) == nil {
				passed <- "waited"
			}
		}()
		synctest.Wait()
		require.NoError(t, b.acquire(t.Context(), 8, func() bool { return true }))
		require.Empty(t, passed, "a window that is not the oldest waits for room")
		b.resize(8, 0)
		b.resize(8, 0)
		require.Equal(t, "waited", <-passed)
	})
}
