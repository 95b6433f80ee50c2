package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/s3"
)

// The exit codes. exitCodeHelp tells them to users.
const (
	exitDone        = 0
	exitFailed      = 1
	exitIncomplete  = 3
	exitDifference  = 4
	exitUsage       = 5
	exitInterrupted = 130
)

// exitCodeHelp ends every help text.
const exitCodeHelp = `
EXIT CODES:
   0    done
   1    failed: nothing could be done
   3    finished, but incomplete: records were rejected, or streams or windows failed
   4    verification found a difference, or data is older than asked
   5    wrong usage or configuration
   130  interrupted
`

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	err  error // nil: everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usagef makes an error of wrong usage.
func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// said makes an error of which nothing is left to be said.
func said(code int) error {
	if code == exitDone {
		return nil
	}
	return &exitError{code: code}
}

// exitCode is where exit codes are decided.
func exitCode(ctx context.Context, err error) int {
	var own *exitError
	var mistake *config.Error
	var settings *sink.SettingsError
	var unsupported *sink.UnsupportedError
	var columns *sink.SchemaError
	var unconditional *s3.UnconditionalError
	var remote *s3.Error
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &own):
		return own.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &mistake), errors.As(err, &settings), errors.As(err, &unsupported), errors.As(err, &columns), errors.As(err, &unconditional),
		errors.As(err, &remote) && remote.Misconfigured():
		return exitUsage
	}
	return exitFailed
}

// report tells the error on stderr, with a hint, and gives its exit code.
func (e *env) report(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	var own *exitError
	if err == nil || errors.As(err, &own) && own.err == nil {
		return code
	}
	text, advice := err.Error(), advise(err)
	if code == exitInterrupted {
		text = "interrupted"
	}
	if e.json {
		line, merr := json.Marshal(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"code"`
		}{text, advice, code})
		if merr == nil { // strings and a number always encode
			fmt.Fprintln(e.stderr, string(line))
		}
		return code
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(e.stderr, "paylake:", line)
	}
	if advice != "" {
		fmt.Fprintln(e.stderr, "paylake: hint:", advice)
	}
	return code
}

// advise says what an operator can do about causes that packages below do not
// know how to judge.
func advise(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	var disk *local.Error
	var remote *s3.Error
	switch {
	case errors.As(err, &disk), errors.As(err, &remote):
		return "" // they say it themselves
	case errors.Is(err, errNoConfig):
		return "`paylake init` writes a configuration to start from; --config names another file"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "free some space, then run the same command again; it goes on where it stopped"
	case errors.Is(err, syscall.EROFS):
		return "the file system is mounted read-only; choose another directory"
	case errors.Is(err, fs.ErrPermission):
		return "check who owns the file or directory and its permissions"
	case errors.As(err, &dns):
		return "check base_url and this machine's name resolution"
	case errors.As(err, &op):
		return "check base_url, the network and a proxy (HTTPS_PROXY)"
	}
	return ""
}
