//go:build !linux

package crash_test

import (
	"errors"
	"syscall"
)

func (d disk) mount() error { return errors.ErrUnsupported }
func (d disk) mend() error  { return errors.ErrUnsupported }

func ownMounts() *syscall.SysProcAttr { return nil }
