package main

import (
	"context"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
)

const (
	triggerVariable = "PAYLAKE_TRIGGER"
	longestTrigger  = 100 // bytes

	recordAfter     = time.Minute // longest time that recording a run may take
	recordInterrupt = time.Second // and when the run was interrupted
)

// record writes the history of a run into the lake, and looks after its tables
// if the options let it. That it cannot be written is a warning: the data is in the lake.
func (e *env) record(ctx context.Context, opts pipeline.Options, run *report.Run) {
	limit := recordAfter
	if ctx.Err() != nil {
		limit = recordInterrupt
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	o := ledger.Options{Store: opts.Store, Engine: engine(), WorkDir: opts.WorkDir, Trigger: e.trigger(), Now: opts.Now, Maintain: opts.Maintenance.Optimize}
	if err := ledger.Record(ctx, o, run); err != nil {
		e.say("warning: the history of this run is not complete: " + err.Error())
	}
}

// trigger says what started the program: what the environment says, or whether
// somebody sits at a terminal.
func (e *env) trigger() string {
	if text := os.Getenv(triggerVariable); text != "" {
		return strings.ToValidUTF8(text[:min(len(text), longestTrigger)], "")
	}
	for _, stream := range []any{e.stdin, e.stderr} {
		if isTerminal(stream) {
			return "manual"
		}
	}
	return "schedule"
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
