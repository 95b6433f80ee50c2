package pipeline_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/store"
)

// overMerge puts a foreign commit in the place of the merge commit.
type overMerge struct {
	store.Store
	left int
	hit  *int
}

func (o *overMerge) Create(ctx context.Context, key string, body []byte) error {
	err := o.Store.Create(ctx, key, body)
	if err == nil && strings.Contains(key, "/_delta_log/") && strings.Contains(string(body), `"MERGE"`) && o.left > 0 {
		o.left--
		*o.hit++
		err = o.Store.Put(ctx, key, strings.NewReader(foreignCommit))
	}
	return err
}

// What a merge brought is brought again when its commit vanished: the positions go
// back with it.
func TestMergeCommitThatVanishedIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{simapi.Payables, simapi.Charges} {
		s := aged(t, 60, 6_000, simapi.Config{}, stream, simapi.Hooks)
		s.now = s.now.Add(3 * oneDay)
		hit := 0
		rep := s.with(func(o *scene) { o.store = &overMerge{Store: s.store, left: 1, hit: &hit} }).sync()
		sr := of(rep, stream)
		require.Equal(t, 1, hit)
		require.Equal(t, report.Succeeded, sr.Status, sr.Error)
		s.requireStream(stream)
	}
}
