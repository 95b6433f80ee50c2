package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode"
)

// maxSecret bounds what is read from a file or a command, in bytes.
const maxSecret = 64 << 10

// commandTime bounds how long a command may take to print a secret.
const commandTime = time.Minute

// Secret says where a key is. Exactly one field is set. It holds no secret
// itself, but prints without the command's arguments all the same.
type Secret struct {
	Env     string   // name of an environment variable
	File    string   // path, absolute
	Command []string // program and arguments; the key is what it prints
}

// String names the place of the secret.
func (s Secret) String() string {
	switch {
	case s.Env != "":
		return "environment variable " + s.Env
	case s.File != "":
		return "file " + s.File
	case len(s.Command) > 0:
		return "command " + s.Command[0]
	}
	return "nothing"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// MarshalText is String, for JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue is String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Resolve reads the key. Spaces and line breaks around it are dropped. The
// warnings are for the operator. Neither they nor the error contain anything
// of what was read; a command's output, on either stream, is shown nowhere.
func (s Secret) Resolve(ctx context.Context) (key Key, warnings []string, err error) {
	var text string
	switch {
	case s.Env != "":
		text, err = s.fromEnv()
	case s.File != "":
		text, warnings, err = s.fromFile()
	case len(s.Command) > 0:
		text, err = s.fromCommand(ctx)
	default:
		err = errors.New("no place is given")
	}
	if err != nil {
		return Key{}, nil, fmt.Errorf("read api_key: %w", err)
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return Key{}, nil, fmt.Errorf("read api_key: %s is empty", s)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return Key{}, nil, fmt.Errorf("read api_key: %s holds more than one word or unprintable characters", s)
	}
	return NewKey(text), warnings, nil
}

func (s Secret) fromEnv() (string, error) {
	text, ok := os.LookupEnv(s.Env)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", s.Env)
	}
	return text, nil
}

func (s Secret) fromFile() (string, []string, error) {
	f, err := os.Open(s.File)
	if err != nil {
		return "", nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return "", nil, err
	}
	var warnings []string
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		warnings = append(warnings, fmt.Sprintf("%s can be read by other users (mode %#o); chmod 600 it", s, info.Mode().Perm()))
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(text) > maxSecret {
		err = fmt.Errorf("%s is longer than %d bytes", s, maxSecret)
	}
	return string(text), warnings, err
}

func (s Secret) fromCommand(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var out limited
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...)
	cmd.Stdout = &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s did not end: %w", s, ctx.Err())
	case out.over: // the program may have died of it
		return "", fmt.Errorf("%s printed more than %d bytes", s, maxSecret)
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s ended with %s; run it by hand to see why", s, exit.ProcessState)
	case err != nil:
		return "", fmt.Errorf("run %s: %w", s, err)
	}
	return out.text.String(), nil
}

// limited keeps what a command prints, up to maxSecret, and refuses the rest.
// The buffer is no embedded field: its ReadFrom would go round the bound.
type limited struct {
	text bytes.Buffer
	over bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.over = l.over || l.text.Len()+len(p) > maxSecret; l.over {
		return 0, io.ErrShortBuffer
	}
	return l.text.Write(p)
}
