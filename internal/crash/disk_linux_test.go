package crash_test

import (
	"fmt"
	"os"
	"syscall"
)

func (d disk) mount() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	return syscall.Mount("tmpfs", d.Dir, "tmpfs", d.flags(), fmt.Sprintf("size=%d", d.Bytes))
}

func (d disk) flags() uintptr {
	if d.ReadOnly {
		return syscall.MS_RDONLY
	}
	return 0
}

func (d disk) mend() error {
	return syscall.Mount("tmpfs", d.Dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", 64<<20))
}

// ownMounts lets a child process mount: in a name space of its own, for others
// than root with a user name space around it.
func ownMounts() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}
