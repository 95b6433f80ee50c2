package crash_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

const day = 24 * time.Hour

// account is a simulated account with a clock that the test moves, and the
// lake that child processes fill from it.
type account struct {
	t       *testing.T
	world   *simapi.World
	server  *simapi.Server
	clock   *atomic.Int64 // microseconds since 1970
	url     string
	place   place
	work    string
	streams []string
	start   time.Time

	mu       sync.Mutex
	total    int64
	tick     time.Duration // by which the clock moves with every request
	answered int64
	hook     func(n int64, sent bool) // before a request is served, and when its answer left
}

var (
	worldStart = time.Date(2026, 8, 23, 0, 0, 0, 0, time.UTC)
	allStreams = []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.BalanceOperations, simapi.Recipients, simapi.RecipientBalance}
)

// newAccount serves a small account.
func newAccount(t *testing.T, days, size int, config simapi.Config) *account {
	t.Helper()
	world := simapi.Merchant(7, worldStart, days, size)
	a := &account{t: t, world: world, clock: &atomic.Int64{}, streams: allStreams, start: worldStart, work: t.TempDir()}
	a.clock.Store(world.End().UnixMicro())
	world.Now = a.now
	config.NoLimits = true
	a.server = simapi.New(world, config)
	url, stop, err := simapi.Listen(context.Background(), a)
	require.NoError(t, err)
	t.Cleanup(stop)
	a.url = url
	a.place = place{Dir: t.TempDir()}
	return a
}

func (a *account) now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.moved()
}

func (a *account) moved() time.Time {
	return time.UnixMicro(a.clock.Load()).UTC().Add(time.Duration(a.total) * a.tick)
}

// ticking lets the clock move on with every request from now on; zero stops it
// where it is.
func (a *account) ticking(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock.Store(a.moved().UnixMicro())
	a.total, a.tick = 0, d
}

// pass lets time go by in the account.
func (a *account) pass(d time.Duration) { a.clock.Add(d.Microseconds()) }

// ServeHTTP answers, and tells the hook.
func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	a.answered++
	a.total++
	n, hook := a.answered, a.hook
	a.mu.Unlock()
	if hook != nil {
		hook(n, false)
	}
	a.server.ServeHTTP(w, r)
	if hook != nil {
		http.NewResponseController(w).Flush()
		hook(n, true)
	}
}

// count sets the counter of requests to zero and gives what it was.
func (a *account) count(hook func(n int64, sent bool)) int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.answered
	a.answered, a.hook = 0, hook
	return n
}

func (a *account) order() order {
	return order{API: a.url, Place: a.place, Work: a.work, Now: a.now(), Start: a.start, Streams: a.streams, Lookback: 60 * day, Tries: 8}
}

// ended is how a child process ended.
type ended struct {
	answer
	code   int // -1: by a signal
	stderr string
}

// process is a child that runs.
type process struct {
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr bytes.Buffer
	done   chan struct{} // closed when it ended
	err    error
}

// begin starts a child process.
func (a *account) begin(o order) *process {
	a.t.Helper()
	text, err := json.Marshal(o)
	require.NoError(a.t, err)
	program, err := binary()
	require.NoError(a.t, err)
	p := &process{cmd: exec.CommandContext(context.Background(), program), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVar+"="+string(text))
	if o.Disk.Dir != "" {
		p.cmd.SysProcAttr = ownMounts()
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	require.NoError(a.t, p.cmd.Start())
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// wait gives how the process ended.
func (p *process) wait(t *testing.T) ended {
	t.Helper()
	<-p.done
	var exit *exec.ExitError
	if p.err != nil {
		require.ErrorAs(t, p.err, &exit)
	}
	e := ended{code: p.cmd.ProcessState.ExitCode(), stderr: p.stderr.String()}
	if e.code >= 0 {
		require.NoError(t, json.Unmarshal(p.stdout.Bytes(), &e.answer), "stdout %q, stderr %q", p.stdout.String(), e.stderr)
	}
	return e
}

func (a *account) run(o order) ended {
	a.t.Helper()
	return a.begin(o).wait(a.t)
}

// sync runs a sync that must do everything.
func (a *account) sync(o order) ended {
	a.t.Helper()
	e := a.run(o)
	require.Equal(a.t, 0, e.code, "%s", e)
	return e
}

// String tells what a child said of its troubles.
func (e ended) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "exit %d: %s %s", e.code, e.Error, e.stderr)
	if e.Run == nil {
		return b.String()
	}
	for _, s := range e.Run.Streams {
		if s.Error != "" {
			fmt.Fprintf(&b, "\n%s: %s", s.Stream, s.Error)
		}
		for _, w := range s.Failures {
			fmt.Fprintf(&b, "\n%s [%s, %s): %s", s.Stream, w.Since.Format(time.RFC3339), w.Until.Format(time.RFC3339), w.Error)
		}
	}
	return b.String()
}

// requireNamed fails unless a sync ended well or says of what it did not: of a
// stream and its window, or of a table.
func requireNamed(t *testing.T, e ended) {
	t.Helper()
	require.Contains(t, []int{0, 1, 3}, e.code, "the process ended in another way: %s", e)
	require.NotContains(t, e.stderr, "panic:")
	switch {
	case e.code == 0:
		return
	case e.Error != "":
		require.Contains(t, e.Error, "raw/pagarme/", "no table is named: %s", e)
		return
	}
	named := 0
	for _, s := range e.Run.Streams {
		if s.Status == report.Succeeded {
			continue
		}
		text := s.Error
		for _, w := range s.Failures {
			require.NotEmpty(t, w.Error, "window [%s, %s) of %s", w.Since, w.Until, s.Stream)
			text += w.Error
		}
		require.NotEmpty(t, text, "stream %s did not succeed and says nothing", s.Stream)
		named++
	}
	require.Positive(t, named, "%s", e)
}

// content is what a table holds: partition, key, facts of the row.
type content map[string]map[string]string

// truth is what a stream's table must hold once everything up to now was read.
func (a *account) truth(stream string) content {
	since, until := a.start, a.now().Add(-settle)
	if stream == simapi.Recipients || stream == simapi.RecipientBalance {
		since, until = time.Time{}, time.Time{}
	}
	partitioned := endpoint(stream).Partition == "created"
	out := content{}
	a.server.Each(stream, since, until, func(r simapi.Record) bool {
		where := ""
		if partitioned {
			where = r.Created.UTC().Format(time.DateOnly)
		}
		if stream == simapi.RecipientBalance {
			where = a.now().Format(time.RFC3339)
		}
		if out[where] == nil {
			out[where] = map[string]string{}
		}
		out[where][r.Key] = facts(stream, r.Amount, r.Status)
		return true
	})
	return out
}

// facts are what is compared of a row.
func facts(stream string, amount int64, status string) string {
	switch stream {
	case simapi.Recipients:
		return status
	case simapi.RecipientBalance:
		return fmt.Sprint(amount)
	}
	return fmt.Sprint(amount, " ", status)
}

func (a *account) truths() map[string]content {
	all := map[string]content{}
	for _, s := range a.streams {
		all[s] = a.truth(s)
	}
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
