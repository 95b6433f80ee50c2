package pipeline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A position in the future is not believed; what stands before it is. Many runs
// in a wrong time do not push the right positions out.
func TestPositionsSurviveAWrongClock(t *testing.T) {
	noon := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	var p positions
	for i := range 10 {
		p = p.move(noon.AddDate(0, 0, i))
	}
	last := noon.AddDate(0, 0, 9)
	at, ok := p.at(last.Add(time.Hour))
	require.True(t, ok)
	require.Equal(t, last, at)

	wrong := p
	for i := range 200 { // five minutes apart, two years ahead
		wrong = wrong.move(noon.AddDate(2, 0, 0).Add(time.Duration(i) * 5 * time.Minute))
	}
	at, ok = wrong.at(last.Add(time.Hour))
	require.False(t, ok)
	require.Equal(t, last, at)

	behind := p.move(noon.AddDate(0, 0, 4).Add(time.Minute)) // the clock was set back
	at, ok = behind.at(last)
	require.True(t, ok)
	require.Equal(t, noon.AddDate(0, 0, 4).Add(time.Minute), at, "the earlier position is the safe one")

	early := noon.AddDate(-1, 0, 0)
	at, ok = p.at(early)
	require.False(t, ok)
	require.Equal(t, early, at, "all lie in the future: from now on")
}

func TestPositionsAreFew(t *testing.T) {
	var p positions
	begin := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	for i := range 5_000 {
		p = p.move(begin.Add(time.Duration(i) * time.Hour))
	}
	require.LessOrEqual(t, len(p), positionsKept)
	require.Greater(t, p[len(p)-1].Sub(p[0]), 20*24*time.Hour, "they reach back for weeks")
}

func TestTimesOfEntries(t *testing.T) {
	want := time.Date(2023, 10, 10, 20, 28, 13, 620199300, time.UTC)
	require.Equal(t, want, parseTime("2023-10-10T20:28:13.6201993Z"))
	require.Equal(t, want, parseTime("2023-10-10T17:28:13.6201993-03:00"))
	require.Equal(t, want, parseTime("2023-10-10T20:28:13.6201993"))
	require.Zero(t, parseTime("soon"))
}
