//go:build unix

package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

// asProgram makes this test binary behave as paylake itself.
const asProgram = "PAYLAKE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// program prepares paylake as a process of its own.
func program(t *testing.T, args ...string) (*exec.Cmd, *output) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr := new(output)
	cmd.Stderr = stderr
	return cmd, stderr
}

// output is what a process wrote so far. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func exitOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	require.True(t, err == nil || errors.As(err, &exit), "%v", err)
	if err == nil {
		return exitDone
	}
	return exit.ExitCode()
}

func TestFirstSignalStopsAtASafePoint(t *testing.T) {
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		a := serve(t, simapi.Config{Faults: simapi.Faults{Latency: 50 * time.Millisecond}}, "[orders, charges]")
		cmd, stderr := program(t, "sync", "--config", a.config, "--json")
		stdout := new(output)
		cmd.Stdout = stdout
		require.NoError(t, cmd.Start())
		a.waitForRequests(t, 2)
		require.NoError(t, cmd.Process.Signal(signal))
		require.Equal(t, exitInterrupted, exitOf(t, cmd.Wait()), stderr.String())
		require.Contains(t, stderr.String(), "interrupt again to end at once")
		require.Equal(t, report.Interrupted, parseReport(t, stdout.String()).Status)
	}
}

// A read of standard input that never ends is no safe point.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	cmd, stderr := program(t, "decode", "orders")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = stdin.Write(bytes.Repeat([]byte(" "), 1<<20)) // more than a pipe holds: it has begun to read
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Eventually(t, func() bool { return strings.Contains(stderr.String(), "interrupt again") }, 30*time.Second, time.Millisecond)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.Equal(t, exitInterrupted, exitOf(t, cmd.Wait()))
	_ = stdin.Close() // Wait has closed it
}

// An API that does not answer does not hold up the end of a run: it reports and
// the process ends within the ten seconds that an orchestrator gives it.
func TestSignalWhileTheAPIHangs(t *testing.T) {
	today := time.Now().UTC().Truncate(24 * time.Hour)
	world := simapi.Merchant(7, today.AddDate(0, 0, -4), 3, 400)
	api := simapi.New(world, simapi.Config{NoLimits: true})
	for _, command := range [][]string{{"sync"}, {"backfill", "--since", "2026-01-01", "--until", "2026-02-01"}} {
		asked := make(chan struct{}, 100)
		a := configured(t, world, api, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			<-r.Context().Done()
		}), "[orders, recipients]")
		cmd, stderr := program(t, append(command, "--config", a.config, "--json")...)
		stdout := new(output)
		cmd.Stdout = stdout
		require.NoError(t, cmd.Start())
		<-asked
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.Equal(t, exitInterrupted, exitOf(t, cmd.Wait()), stderr.String())
		require.NotContains(t, stderr.String(), "does not answer", "it ended by itself")
		require.Equal(t, report.Interrupted, parseReport(t, stdout.String()).Status)
	}
}
