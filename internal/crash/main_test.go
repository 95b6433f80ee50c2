package crash_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// childVar holds the order of a child process, as JSON.
const childVar = "PAYLAKE_CRASH_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVar); text != "" {
		os.Exit(child(text))
	}
	os.Exit(tests(m))
}

func tests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "paylake-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binaryDir = dir
	return m.Run()
}

// binaryDir is where the children's program is built, if it must be.
var binaryDir string

// binary gives the program of the child processes, made once: this test binary,
// or, when the race detector slows that down tenfold, one without it.
var binary = sync.OnceValues(func() (string, error) {
	if !raced {
		return os.Executable()
	}
	path := filepath.Join(binaryDir, "child.test")
	out, err := exec.Command("go", "test", "-c", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the child: %w\n%s", err, bytes.TrimSpace(out))
	}
	return path, nil
})
