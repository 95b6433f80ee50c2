package config

import (
	"errors"
	"log/slog"
	"strings"
)

// hidden is what a key shows of itself.
const hidden = "[hidden]"

// Key is a resolved API key. All its printed forms are hidden, also inside of
// other values; only [Key.Reveal] gives it away.
type Key struct {
	reveal func() string // a function, so that no printer can reach the text
}

// NewKey wraps the text of a key.
func NewKey(text string) Key { return Key{reveal: func() string { return text }} }

// Reveal gives the text of the key, "" for the zero Key.
func (k Key) Reveal() string {
	if k.reveal == nil {
		return ""
	}
	return k.reveal()
}

// String hides the key.
func (k Key) String() string { return hidden }

// GoString hides the key.
func (k Key) GoString() string { return hidden }

// MarshalText hides the key, in JSON and YAML too.
func (k Key) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue hides the key.
func (k Key) LogValue() slog.Value { return slog.StringValue(hidden) }

// The kinds of data a key opens. A table remembers which one it holds.
const (
	ModeTest = "test"
	ModeLive = "live"
)

// ErrPublicKey reports a public key where a secret one is needed.
var ErrPublicKey = errors.New("this is a public key (pk_...), which cannot read anything; use the secret key (sk_...)")

// Mode tells what data the key opens, by its form: ModeTest or ModeLive. A
// form that is not known today may be known tomorrow, so usual is false and
// nothing more.
func (k Key) Mode() (mode string, usual bool, err error) {
	text := k.Reveal()
	switch {
	case strings.HasPrefix(text, "pk_"):
		return "", false, ErrPublicKey
	case strings.HasPrefix(text, "sk_test_"):
		return ModeTest, true, nil
	case strings.HasPrefix(text, "sk_"):
		return ModeLive, true, nil
	case strings.Contains(text, "_test_"):
		return ModeTest, false, nil
	}
	return ModeLive, false, nil
}
