package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Error is one mistake in a configuration file.
type Error struct {
	File string
	Line int // from 1; 0 when the file as a whole is meant
	Text string
}

// Error gives "file:line: text".
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Text)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// problems gathers the mistakes of one file.
type problems struct {
	file string
	all  []*Error
}

func (p *problems) add(line int, format string, args ...any) {
	p.all = append(p.all, &Error{File: p.file, Line: line, Text: redact(fmt.Sprintf(format, args...))})
}

// err joins the mistakes in the order of their lines; nil if there are none.
func (p *problems) err() error {
	slices.SortStableFunc(p.all, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(p.all))
	for i, e := range p.all {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// redact hides what has the form of an API key, so that a key at a wrong place
// of the file does not reach a log by way of the message about it.
func redact(text string) string {
	return keyForm().ReplaceAllStringFunc(text, func(word string) string {
		if !isKey(word) {
			return word
		}
		prefix, _, _ := strings.Cut(word, "_")
		return prefix + "_" + hidden
	})
}

// looksLikeKey tells whether a part of the text has the form of an API key.
func looksLikeKey(text string) bool {
	return slices.ContainsFunc(keyForm().FindAllString(text, -1), isKey)
}

func keyForm() *regexp.Regexp { return regexp.MustCompile(`\b(?:sk|pk|ak|rk|ek)_[A-Za-z0-9_]{6,}`) }

// isKey tells keys from names that begin like one, such as sk_pagarme.
func isKey(word string) bool {
	_, rest, _ := strings.Cut(word, "_")
	return strings.HasPrefix(rest, "test_") || strings.HasPrefix(rest, "live_") || strings.ContainsAny(rest, "0123456789") ||
		strings.ToLower(rest) != rest && strings.ToUpper(rest) != rest
}
