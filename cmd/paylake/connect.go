package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
)

// connected is a connection whose key was read. Nothing was sent yet.
type connected struct {
	conn     config.Connection
	source   extract.Source
	mode     string // config.ModeTest or config.ModeLive
	account  string // tells keys apart; nothing of the key can be told from it
	client   *extract.Client
	warnings []string
}

// connect reads the key of a connection and makes its client. What is wrong
// with the key or the settings is a usage error.
func connect(ctx context.Context, conn config.Connection, o extract.Options) (connected, error) {
	key, warnings, err := conn.APIKey.Resolve(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return connected{}, err
		}
		return connected{}, usagef("connection %s: %w", conn.Name, err)
	}
	out, err := connectWith(conn, key, o)
	out.warnings = append(warnings, out.warnings...)
	return out, err
}

// connectWith is connect with a key that is known.
func connectWith(conn config.Connection, key config.Key, o extract.Options) (connected, error) {
	out := connected{conn: conn}
	for _, s := range sources() {
		if s.Name == conn.Source {
			out.source = s
		}
	}
	mode, usual, err := key.Mode()
	if err != nil {
		return out, usagef("connection %s: %s: %w", conn.Name, conn.APIKey, err)
	}
	if !usual {
		out.warnings = append(out.warnings, fmt.Sprintf("the key in %s has an unusual form; secret keys begin with sk_", conn.APIKey))
	}
	out.mode, out.account = mode, digest(key)
	o.BaseURL, o.Secret, o.RateShare, o.Limits = conn.BaseURL, key.Reveal, conn.RateShare, conn.Limits
	if o.BaseURL == "" {
		o.BaseURL = out.source.BaseURL
	}
	o.UserAgent = engine() + " (+https://github.com/paylake/paylake)"
	if out.client, err = extract.NewClient(o); err != nil {
		return out, usagef("connection %s: %w", conn.Name, err)
	}
	return out, nil
}

// digest is 32 bits of a hash of the key: enough to see that a run has another
// key, far too little to find the key.
func digest(key config.Key) string {
	sum := sha256.Sum256([]byte("paylake account\n" + key.Reveal()))
	return fmt.Sprintf("%x", sum[:4])
}

// newLog writes to w: JSON lines with --json, text else. quiet leaves out what
// is no warning.
func (e *env) newLog(w io.Writer, quiet bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.LevelInfo}
	if quiet {
		opts.Level = slog.LevelWarn
	}
	if e.json {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// say tells the operator something on stderr that is no error.
func (e *env) say(text string) {
	if e.json {
		e.newLog(e.stderr, false).Warn(text)
		return
	}
	fmt.Fprintln(e.stderr, "paylake:", text)
}

// warn tells the operator something that does not stop the work.
func (e *env) warn(connection, text string) {
	if e.json {
		e.newLog(e.stderr, true).Warn(text, "connection", connection)
		return
	}
	fmt.Fprintf(e.stderr, "paylake: warning: connection %s: %s\n", connection, text)
}
