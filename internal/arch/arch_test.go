package arch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/paylake/paylake/"

// rules says what a package may import of this module. A name that ends with
// "/*" stands for the packages one level below it. A stage of the data imports
// the stages before it, never after.
func rules() map[string][]string {
	stages := []string{"schema", "extract/window", "extract", "partitioning", "writer", "sink", "sink/store", "sink/delta", "sink/quarantine"}
	return map[string][]string{
		"schema":              {},
		"extract/window":      {},
		"extract":             {"schema", "extract/window"},
		"extract/*":           {"extract", "schema"},
		"partitioning":        {"schema"},
		"writer":              {"schema", "partitioning", "writer/parquet"},
		"writer/parquet":      {},
		"sink":                {"schema", "partitioning", "writer"},
		"sink/store":          {},
		"sink/store/*":        {"sink/store"},
		"sink/delta":          {"sink", "sink/store", "schema", "partitioning", "writer"},
		"sink/quarantine":     {"schema", "sink/store"},
		"internal/pipeline":   append(stages, "internal/report"),
		"internal/lease":      {"sink/store"},
		"internal/books":      {"schema", "partitioning", "sink", "sink/store", "sink/delta"},
		"internal/ledger":     {"schema", "partitioning", "writer", "sink", "sink/store", "sink/delta", "internal/report"},
		"internal/report":     stages,
		"internal/verify":     {"schema", "extract/window", "extract", "partitioning", "sink", "sink/store", "sink/delta"},
		"internal/config":     {},
		"internal/simapi":     {}, // it must not share the mistakes of what it tests
		"internal/faultproxy": {},
		"internal/crash":      {}, // tests only
		"internal/proof":      {}, // tests only
		"internal/virtual":    {}, // for tests only
		"internal/arch":       {},
	}
}

// free tells whether a package may import everything. Nothing may import it:
// no rule names it.
func free(name string) bool { return strings.HasPrefix(name, "cmd/") || name == "internal/bench" }

type goPackage struct {
	ImportPath string
	Imports    []string // of the code, not of its tests
}

func (p goPackage) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// packages lists the packages of this module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	var problem bytes.Buffer
	cmd.Stderr = &problem
	out, err := cmd.Output()
	require.NoError(t, err, problem.String())
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// allowed finds the rule of a package.
func allowed(name string) (imports []string, known bool) {
	if imports, known = rules()[name]; known {
		return imports, true
	}
	imports, known = rules()[path.Dir(name)+"/*"]
	return imports, known
}

// broken gives the imports that the rules forbid, "a imports b".
func broken(all []goPackage) []string {
	var found []string
	for _, p := range all {
		if free(p.name()) {
			continue
		}
		may, known := allowed(p.name())
		if !known {
			found = append(found, p.name()+" has no rule")
			continue
		}
		for _, i := range p.Imports {
			name, ours := strings.CutPrefix(i, module)
			if ours && !slices.Contains(may, name) {
				found = append(found, p.name()+" imports "+name)
			}
		}
	}
	return found
}

func TestImportsKeepToTheRules(t *testing.T) {
	all := packages(t)
	require.Greater(t, len(all), 10, "go list must have seen the module")
	require.Empty(t, broken(all), "see the table in internal/arch")
}

func TestInteropHasNoGo(t *testing.T) {
	for _, p := range packages(t) {
		require.False(t, strings.HasPrefix(p.name(), "internal/interop"), p.name())
	}
}

func TestBrokenRulesAreSeen(t *testing.T) {
	of := func(name string, imports ...string) goPackage {
		p := goPackage{ImportPath: module + name}
		for _, i := range imports {
			p.Imports = append(p.Imports, module+i)
		}
		p.Imports = append(p.Imports, "context")
		return p
	}
	require.Empty(t, broken([]goPackage{
		of("cmd/paylake", "internal/config", "sink/delta"), of("extract/pagarme", "extract", "schema"), of("sink/store/local", "sink/store"),
	}))
	require.Equal(t, []string{
		"extract imports sink", "schema imports internal/config", "internal/simapi imports extract", "sink/store/local imports sink/store/mem",
		"writer imports cmd/paylake", "helpers has no rule",
	}, broken([]goPackage{
		of("extract", "sink"), of("schema", "internal/config"), of("internal/simapi", "extract"), of("sink/store/local", "sink/store/mem"),
		of("writer", "cmd/paylake"), of("helpers"),
	}))
}
