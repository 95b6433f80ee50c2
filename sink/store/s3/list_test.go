package s3_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

func contents(keys ...string) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>3</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>", k)
	}
	return b.String()
}

func page(more string, keys ...string) string {
	return fmt.Sprintf("<ListBucketResult><IsTruncated>%t</IsTruncated><NextContinuationToken>%s</NextContinuationToken>%s</ListBucketResult>",
		more != "", more, contents(keys...))
}

func listAll(t *testing.T, s store.Store, prefix, after string) (keys []string, err error) {
	t.Helper()
	for o, e := range s.List(t.Context(), prefix, after) {
		if e != nil {
			return keys, e
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

func TestListGoesThroughAllPages(t *testing.T) {
	f := &fake{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if r.URL.Query().Get("continuation-token") == "" {
			return reply(r, 200, page("next", "raw/log/", "raw/log/2", "raw/log/3"))
		}
		return reply(r, 200, page("", "raw/log/4", "raw/log/a//b", "raw/log/sub/"))
	}
	keys, err := listAll(t, f.store(t), "log/", "log/1")
	require.NoError(t, err)
	require.Equal(t, []string{"log/2", "log/3", "log/4"}, keys, "folder markers are no objects")
	require.Equal(t, []string{
		"GET /lake?list-type=2&prefix=raw%2Flog%2F&start-after=raw%2Flog%2F1",
		"GET /lake?continuation-token=next&list-type=2&prefix=raw%2Flog%2F&start-after=raw%2Flog%2F1",
	}, f.seen)
}

func TestListOfAServerWithOtherHabits(t *testing.T) {
	f := &fake{answer: func(r *http.Request, _ string) *http.Response {
		return reply(r, 200, page("", "raw/1", "raw/2", "raw/3"))
	}}
	keys, err := listAll(t, f.store(t), "", "2")
	require.NoError(t, err)
	require.Equal(t, []string{"3"}, keys, "start-after was ignored")

	f.answer = func(r *http.Request, _ string) *http.Response {
		return reply(r, 200, page("", "raw/1", "raw/3", "raw/2"))
	}
	_, err = listAll(t, f.store(t), "", "")
	require.ErrorContains(t, err, `the server does not list in byte order: "2" after "3"`)

	f.answer = func(r *http.Request, _ string) *http.Response { return reply(r, 200, page("same", "raw/1")) }
	_, err = listAll(t, f.store(t), "", "")
	require.Error(t, err, "a listing that never ends")
}

func TestDeleteTellsTheKeyThatFailed(t *testing.T) {
	f := &fake{answer: func(r *http.Request, body string) *http.Response {
		require.Contains(t, body, "<Key>raw/a</Key>")
		return reply(r, 200, "<DeleteResult><Error><Key>raw/x</Key><Code>NoSuchKey</Code></Error>"+
			"<Error><Key>raw/b</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>")
	}}
	err := f.store(t).Delete(t.Context(), "a", "b", "x")
	require.ErrorContains(t, err, "delete s3://lake/raw/b: access denied: the credentials need s3:DeleteObject on arn:aws:s3:::lake/raw/b")

	keys := make([]string, 2001)
	for i := range keys {
		keys[i] = fmt.Sprint("k", i)
	}
	f.seen, f.answer = nil, func(r *http.Request, _ string) *http.Response { return reply(r, 200, "<DeleteResult></DeleteResult>") }
	require.NoError(t, f.store(t).Delete(t.Context(), keys...))
	require.Len(t, f.seen, 3)
	require.NoError(t, f.store(t).Delete(t.Context()))
	require.Len(t, f.seen, 3)
}

func TestAnAnswerThatIsNoListingIsNotAnEmptyOne(t *testing.T) {
	for _, body := range []string{"", "<html><body>log in first</body></html>"} {
		f := &fake{answer: func(r *http.Request, _ string) *http.Response { return reply(r, 200, body) }}
		_, err := listAll(t, f.store(t), "log/", "")
		require.ErrorContains(t, err, "the answer is no listing", "%q", body)
	}
}
