package delta

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

func withBase(base string) func(*Settings) { return func(s *Settings) { s.BaseURL = base } }

func (l *lake) manifests() Maintained {
	l.t.Helper()
	return l.maintain(Maintenance{Manifests: true})
}

// requireManifests asserts that the manifests list exactly the live files.
func (l *lake) requireManifests() {
	l.t.Helper()
	var want, got []string
	for f := range l.load().Files() {
		want = append(want, "s3://lake/x/"+testRoot+"/"+f.Path)
	}
	for _, key := range l.keys(manifestFolder) {
		if !strings.HasSuffix(key, "/"+manifestName) {
			continue
		}
		raw, err := store.ReadAll(context.Background(), l.st, l.key(key))
		require.NoError(l.t, err)
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimSuffix(line, "\n")
			got = append(got, line)
			dir := strings.TrimSuffix(strings.TrimPrefix(key, manifestFolder), manifestName)
			require.Contains(l.t, line, "/"+dir, "each in the manifest of its partition")
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	require.Equal(l.t, want, got)
}

func TestManifestsFollowTheTable(t *testing.T) {
	l := newLake(t, mem.New(), withBase("s3://lake/x"))
	l.put(rowsOf(0, 5))
	l.put(rowsOf(1, 5))
	require.Equal(t, 2, l.manifests().Manifests)
	l.requireManifests()
	require.Contains(t, l.keys(""), "_symlink_format_manifest/created_date=2026-01-01/manifest")
	require.Zero(t, l.manifests().Manifests)

	l.put(rowsOf(1, 6))
	l.put(rowsOf(2, 300))
	require.Equal(t, 2, l.manifests().Manifests, "those of the partitions that changed")
	l.requireManifests()

	l.commit(l.replace(l.load().Version(), rowsOf(2, 300), 0))
	require.Equal(t, 1, l.manifests().Manifests)
	require.NotContains(t, l.keys(""), "_symlink_format_manifest/created_date=2026-01-01/manifest", "an empty partition has none")
	l.requireManifests()

	// Another run changed partitions and died before its manifests.
	l.rival().put(append(rowsOf(0, 3), rowsOf(1, 7)...))
	require.Equal(t, 2, l.rival(withBase("s3://lake/x")).manifests().Manifests)
	l.requireManifests()

	l.pieces(rowsOf(1, 1), rowsOf(1, 1))
	l.optimize(OptimizeOptions{})
	l.manifests()
	l.requireManifests()
}

func TestManifestsAreWrittenAnewForAnotherBase(t *testing.T) {
	l := newLake(t, mem.New(), withBase("file:///lake"))
	l.put(append(rowsOf(0, 5), rowsOf(1, 5)...))
	require.Equal(t, 2, l.manifests().Manifests)
	l.drop(manifestFolder + "created_date=1999-01-01/manifest")
	moved := l.rival(withBase("s3://lake/x"))
	require.Equal(t, 3, moved.manifests().Manifests, "and the one of a partition that is not there goes")
	l.requireManifests()
	for _, damage := range []string{"", "{", `{"version":99}`} {
		require.NoError(t, l.st.Put(t.Context(), l.key(manifestState), strings.NewReader(damage)))
		require.Equal(t, 2, moved.manifests().Manifests, damage)
	}
}

func TestManifestsFollowACommitThatComesBetween(t *testing.T) {
	inner := mem.New()
	l := newLake(t, inner, withBase("s3://lake/x"))
	l.put(rowsOf(0, 5))
	slow := newLake(t, &onPut{Store: inner, part: manifestFolder, do: func() {
		l.put(rowsOf(0, 6))
		l.manifests()
	}}, withBase("s3://lake/x"))
	slow.manifests()
	l.requireManifests()
}

func TestManifestOfATableWithoutPartitions(t *testing.T) {
	l := newLake(t, mem.New(), withBase("s3://lake/x"), func(s *Settings) { s.Spec.Column = "" })
	l.commit(sink.Change{Mode: sink.Append})
	require.Equal(t, 1, l.manifests().Manifests)
	require.Contains(t, l.keys(""), "_symlink_format_manifest/manifest", "a table without rows has one, too")
	l.pieces(rowsOf(0, 5))
	require.Equal(t, 1, l.manifests().Manifests)
	l.requireManifests()
}

func TestManifestsNeedABase(t *testing.T) {
	l := newMemLake(t)
	l.put(rowsOf(0, 1))
	done, err := l.Maintain(t.Context(), Maintenance{Manifests: true})
	require.NoError(t, err)
	require.Len(t, done.Warnings, 1)
	require.Contains(t, done.Warnings[0], "the destination has no URL")
}
