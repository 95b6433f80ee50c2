package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

func TestFilesByTheNameOfTheTable(t *testing.T) {
	a := serve(t, simapi.Config{}, "[{name: recipients, table: recebedores}]")
	require.Equal(t, exitDone, paylake(t, "sync", "--config", a.config, "-q").code)
	byStream, byTable := paylake(t, "files", "recipients", "--config", a.config), paylake(t, "files", "recebedores", "--config", a.config)
	require.Equal(t, exitDone, byTable.code, byTable.stderr)
	require.Equal(t, byStream, byTable)
	require.Contains(t, byTable.stdout, "/recebedores/")
}
