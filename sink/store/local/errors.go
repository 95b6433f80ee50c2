package local

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Error is a write or read that the machine does not grant, with what an
// operator can do about it. It wraps the system's error.
type Error struct {
	Op  string // "put", "create", "open", "list" or "delete"
	Key string
	Dir string // of the store
	err error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %s (%v)", e.Op, e.Key, e.remedy(), e.err) }

// Unwrap gives the system's error.
func (e *Error) Unwrap() error { return e.err }

// remedy says what happened and what to do; "" for errors of other kinds.
func (e *Error) remedy() string {
	switch {
	case errors.Is(e.err, syscall.ENOSPC):
		return "the disk of " + e.Dir + " is full; free some space, then run the same command again, it goes on where it stopped"
	case errors.Is(e.err, syscall.EDQUOT):
		return "the disk quota of " + e.Dir + " is used up; free some space or raise it, then run the same command again, it goes on where it stopped"
	case errors.Is(e.err, syscall.EROFS):
		return e.Dir + " is mounted read-only; mount it for writing or choose another directory"
	case errors.Is(e.err, fs.ErrPermission):
		return "no permission in " + e.Dir + "; check who owns it and its permissions"
	}
	return ""
}

// wrap names the operation and the key; nil stays nil.
func (s *Store) wrap(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	if e := (&Error{Op: verb, Key: key, Dir: s.dir, err: err}); e.remedy() != "" {
		return e
	}
	return fmt.Errorf("%s %s: %w", verb, key, err)
}
