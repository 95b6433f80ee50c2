//go:build integration && linux

package crash_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// A full disk and a read-only one give one message that says what to do, and
// the same sync goes through once they are mended. The disks are small tmpfs
// mounts in a name space of the child: that needs root or user name spaces.
func TestMessagesOfDisks(t *testing.T) {
	for name, c := range map[string]struct {
		dir      string // what lies on the disk: the lake, or the work folder
		bytes    int
		readOnly bool
		says     string
	}{
		"lake is full":      {dir: "lake", bytes: 64 << 10, says: "is full; free some space"},
		"work is full":      {dir: "work", bytes: 16 << 10, says: "set work_dir to another disk"},
		"lake is read-only": {dir: "lake", bytes: 64 << 10, readOnly: true, says: "mounted read-only"},
		"work is read-only": {dir: "work", bytes: 64 << 10, readOnly: true, says: "read-only file system"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := smallAccount(t)
			a.streams = []string{simapi.Orders}
			o := a.order()
			o.Disk = disk{Bytes: c.bytes, ReadOnly: c.readOnly, Dir: o.Place.Dir}
			if c.dir == "work" {
				o.Disk.Dir = filepath.Clean(o.Work)
			}
			e := a.run(o)
			require.NotContains(t, e.Error, "mount:", "root or user name spaces are needed")
			t.Log(e)
			requireOneMessage(t, e, c.says)
		})
	}
}
