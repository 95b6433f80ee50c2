package extract_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/simapi"
)

func TestReadParents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := simapi.New(simapi.Merchant(5, monday, 60, 12_000), simapi.Config{NoLimits: true})
		var ids []string
		s.Each(simapi.Recipients, time.Time{}, time.Time{}, func(r simapi.Record) bool {
			ids = append(ids, r.Key)
			return true
		})
		snapshot := time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC)
		r := reader(t, s, simapi.RecipientBalance)
		result, err := r.ReadParents(t.Context(), append([]string{"re_gone", "a/../b?c"}, ids...), snapshot)
		require.NoError(t, err)
		defer result.Rows.Release()
		require.Equal(t, extract.ProofObject, result.Proof)
		require.Equal(t, []string{"a/../b?c", "re_gone"}, result.Missing)
		require.Equal(t, len(ids), result.Kept)
		require.Equal(t, len(ids)+2, s.Total().Requests)
		column := func(name string) arrow.Array { return result.Rows.Column(result.Rows.Schema().FieldIndices(name)[0]) }
		var got []string
		for i := range int(result.Rows.NumRows()) {
			got = append(got, column("recipient_id").(*array.String).Value(i))
			require.Equal(t, snapshot.UnixMicro(), int64(column("snapshot_at").(*array.Timestamp).Value(i)))
		}
		slices.Sort(ids)
		slices.Sort(got)
		require.Equal(t, ids, got)
		require.Equal(t, "single object", r.Facts().Paging)
	})
}

func TestParentKeysStayInTheirSegment(t *testing.T) {
	var paths []string
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.EscapedPath())
		io.WriteString(w, `{"available_amount":1}`)
	})
	r := extract.NewReader(client(t, h), endpoint(t, simapi.RecipientBalance), extract.ReaderOptions{})
	result, err := r.ReadParents(t.Context(), []string{"a/b?c#d%2F"}, monday)
	require.NoError(t, err)
	result.Rows.Release()
	require.Equal(t, []string{"/core/v5/recipients/a%2Fb%3Fc%23d%252F/balance"}, paths)
	for _, id := range []string{"", ".", ".."} {
		_, err = r.ReadParents(t.Context(), []string{id}, monday)
		require.ErrorContains(t, err, "cannot be part of a path")
	}
}

// A failed parent ends the read: there are no half snapshots.
func TestParentsFailTogether(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "re_9") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		io.WriteString(w, `{"available_amount":1}`)
	})
	r := extract.NewReader(client(t, h), endpoint(t, simapi.RecipientBalance), extract.ReaderOptions{})
	_, err := r.ReadParents(t.Context(), []string{"re_1", "re_9", "re_2"}, monday)
	var status *extract.StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, 403, status.Status)
}
