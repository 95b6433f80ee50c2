package proof_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/paylake/paylake/internal/virtual"
)

func TestMain(m *testing.M) {
	if err := virtual.FreshCoders(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
