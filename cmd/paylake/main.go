package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"
)

// version is set by the linker: -X main.version=v1.2.3.
var version = "dev"

// memoryLimit is the soft limit of the Go runtime unless GOMEMLIMIT is set, in
// bytes.
const memoryLimit = 200 << 20

// lastMoment is when the process ends after the first signal, come what may.
const lastMoment = 10 * time.Second

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	// Nothing here writes to the standard logger, but net/http does, with bytes of
	// an answer that is longer than it said: a customer's data.
	log.SetOutput(io.Discard)
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		fmt.Fprintln(os.Stderr, "paylake: stopping at the next safe point; interrupt again to end at once")
		cancel()
		select {
		case <-signals:
		case <-time.After(lastMoment):
			fmt.Fprintln(os.Stderr, "paylake: something does not answer and cannot be interrupted: ending without a safe point")
		}
		os.Exit(exitInterrupted)
	}()
	os.Exit(run(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program but the process: args includes the program's name.
// When ctx is cancelled it stops at the next safe point. It returns the exit
// code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr, json: slices.Contains(args, "--json")}
	app := e.app()
	args = flagsFirst(app, args)
	err := app.RunContext(ctx, args)
	return e.report(ctx, err)
}
