package pipeline_test

import (
	"os"
	"testing"

	"github.com/paylake/paylake/internal/virtual"
)

func TestMain(m *testing.M) { os.Exit(virtual.Main(m)) }
