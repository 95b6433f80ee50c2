package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/paylake/paylake/internal/pipeline"
)

const (
	redrawEvery = 100 * time.Millisecond // on a terminal
	logEvery    = 10 * time.Second       // elsewhere, for each stream
	barWidth    = 24
)

// progress shows how a run goes on: bars on a terminal, log lines elsewhere.
// It is safe for concurrent use.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	bars   bool
	log    *slog.Logger
	width  int
	begun  time.Time
	drawn  time.Time // when the bars were drawn last
	lines  int       // how many lines the bars take on the screen
	order  []string
	states map[string]pipeline.Progress
	logged map[string]time.Time
}

// newProgress shows nothing before the first update. Its log may be used from
// the start.
func newProgress(e *env, quiet bool) *progress {
	p := &progress{out: e.stderr, begun: time.Now(), states: map[string]pipeline.Progress{}, logged: map[string]time.Time{}}
	if f, ok := e.stderr.(*os.File); ok && !e.json && !quiet && term.IsTerminal(int(f.Fd())) {
		p.bars = true
		p.width, _, _ = term.GetSize(int(f.Fd())) // 0 when unknown
	}
	p.log = e.newLog(p, quiet || p.bars)
	return p
}

// expect names the streams that will be shown, in their order.
func (p *progress) expect(streams []pipeline.Stream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = time.Now()
	for _, s := range streams {
		state := pipeline.Progress{Connection: s.Connection, Stream: s.Name()}
		p.order = append(p.order, id(state))
		p.states[id(state)] = state
	}
}

func id(s pipeline.Progress) string { return s.Connection + "/" + s.Stream }

// Write puts text of the log above the bars.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	n, err := p.out.Write(text)
	p.draw()
	return n, err
}

// update takes the new state of a stream.
func (p *progress) update(s pipeline.Progress) {
	p.mu.Lock()
	now := time.Now()
	if _, ok := p.states[id(s)]; !ok {
		p.order = append(p.order, id(s))
	}
	p.states[id(s)] = s
	due := !p.bars && (s.Ended || now.Sub(p.logged[id(s)]) >= logEvery)
	if due {
		p.logged[id(s)] = now
	}
	if p.bars && (s.Ended || now.Sub(p.drawn) >= redrawEvery) {
		p.clear()
		p.draw()
		p.drawn = now
	}
	p.mu.Unlock()
	if due {
		p.log.Info("progress", "connection", s.Connection, "stream", s.Stream, "done", fmt.Sprintf("%.0f%%", 100*s.Done),
			"windows", s.Windows, "requests", s.Requests, "records", s.Records, "status", s.Status)
	}
}

// close leaves the last state of the bars on the screen.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	p.draw()
	p.lines = 0
}

// clear takes the bars off the screen.
func (p *progress) clear() {
	if p.lines > 0 {
		fmt.Fprintf(p.out, "\x1b[%dA\r\x1b[J", p.lines)
		p.lines = 0
	}
}

// draw puts the bars on the screen, a line for each stream.
func (p *progress) draw() {
	if !p.bars {
		return
	}
	var screen bytes.Buffer
	for _, key := range p.order {
		line := bar(p.states[key], time.Since(p.begun))
		if p.width > 1 {
			line = cut(line, p.width-1)
		}
		screen.WriteString(line + "\n")
	}
	p.lines = len(p.order)
	// A screen that is gone must not stop the run.
	_, _ = p.out.Write(screen.Bytes())
}

// bar is the line of one stream.
func bar(s pipeline.Progress, elapsed time.Duration) string {
	done := min(max(s.Done, 0), 1)
	full := int(done * barWidth)
	rate := 0.0
	if seconds := elapsed.Seconds(); seconds > 0 {
		rate = float64(s.Records) / seconds
	}
	end := fmt.Sprintf("%6.0f/s", rate)
	if s.Ended {
		end = s.Status
	}
	return fmt.Sprintf("%-18s [%s%s] %3.0f%%  %8d requests  %9d records  %s", s.Stream, strings.Repeat("=", full),
		strings.Repeat(" ", barWidth-full), 100*done, s.Requests, s.Records, end)
}

// cut shortens a line so that it stays one line of the screen.
func cut(line string, width int) string {
	if runes := []rune(line); len(runes) > width {
		return string(runes[:width])
	}
	return line
}
