package s3_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/s3"
)

// answers gives the answers in turn; 0 breaks the connection, and the last one
// stays.
func answers(f *fake, statuses ...int) {
	i := 0
	f.answer = func(r *http.Request, _ string) *http.Response {
		status := statuses[min(i, len(statuses)-1)]
		i++
		codes := map[int]string{409: "ConditionalRequestConflict", 412: "PreconditionFailed", 500: "InternalError", 503: "SlowDown", 504: "GatewayTimeout"}
		switch status {
		case 0:
			return nil
		case http.StatusOK:
			return reply(r, status, "")
		}
		return reply(r, status, fault(codes[status], "no"))
	}
}

func TestCreateIsSentAgainOnlyWhenItWasRefused(t *testing.T) {
	for _, c := range []struct {
		name     string
		statuses []int
		requests int
		exists   bool
		fails    bool
	}{
		{"done", []int{200}, 1, false, false},
		{"taken", []int{412}, 1, true, false},
		{"a conflict passes", []int{409, 409, 200}, 3, false, false},
		{"a conflict ends with a winner", []int{409, 412}, 2, true, false},
		{"a conflict that never ends", []int{409}, 8, false, true},
		{"slow down", []int{503, 200}, 2, false, false},
		{"an answer that never came", []int{0}, 1, false, true},
		{"an internal error", []int{500}, 1, false, true},
		{"a gateway that gave up", []int{504}, 1, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{}
			answers(f, c.statuses...)
			s := f.store(t)
			synctest.Test(t, func(t *testing.T) {
				err := s.Create(t.Context(), "log/1", []byte("x"))
				require.Len(t, f.seen, c.requests)
				switch {
				case c.exists:
					require.ErrorIs(t, err, store.ErrExists)
				case c.fails:
					require.ErrorContains(t, err, "create s3://lake/raw/log/1: ")
					require.NotErrorIs(t, err, store.ErrExists)
				default:
					require.NoError(t, err)
				}
			})
		})
	}
}

func TestCreateSendsTheCondition(t *testing.T) {
	f := &fake{}
	f.answer = func(r *http.Request, body string) *http.Response {
		require.Equal(t, "*", r.Header.Get("If-None-Match"))
		require.NotEmpty(t, r.Header.Get("X-Amz-Checksum-Crc32"))
		require.Equal(t, "body", body)
		return reply(r, http.StatusOK, "")
	}
	require.NoError(t, f.store(t).Create(t.Context(), "k", []byte("body")))
	require.Equal(t, []string{"PUT /lake/raw/k"}, f.seen)
}

func TestProbeRunsOncePerStore(t *testing.T) {
	f := &fake{probes: true}
	taken := map[string]bool{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if taken[r.URL.Path] {
			return reply(r, http.StatusPreconditionFailed, fault("PreconditionFailed", ""))
		}
		taken[r.URL.Path] = true
		return reply(r, http.StatusOK, "")
	}
	s := f.store(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := s.Create(t.Context(), "k/"+string(rune('a'+i)), nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Len(t, f.seen, 8+2)
	require.Equal(t, map[string]int64{"create": 10}, s.Requests())
	require.NoError(t, f.store(t).Create(t.Context(), "k/next run", nil))
	require.Len(t, f.seen, 8+2+2, "one request from the second time on")
}

func TestServerThatIgnoresTheConditionIsRefused(t *testing.T) {
	f := &fake{probes: true}
	answers(f, 200)
	s := f.store(t)
	for range 2 {
		err := s.Create(t.Context(), "log/1", nil)
		var refused *s3.UnconditionalError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "s3://lake/raw: the server does not know conditional writes")
		require.ErrorContains(t, err, "`destination.single_writer: true`")
		require.ErrorContains(t, err, "lose data")
	}
	probe := "/lake/raw/_paylake/.tmp-probe"
	require.Equal(t, []string{"PUT " + probe, "PUT " + probe, "DELETE " + probe}, f.seen[:3], "nothing else is written, nothing stays")
}

func TestProbeSurvivesTrouble(t *testing.T) {
	f := &fake{probes: true}
	answers(f, 500, 409, 0, 503, 412, 200)
	s := f.store(t)
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, s.Create(t.Context(), "k", nil))
	})
}

func TestSingleWriterLooksBeforeItWrites(t *testing.T) {
	f := &fake{probes: true}
	objects := map[string]bool{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if r.Method == http.MethodHead {
			if objects[r.URL.Path] {
				return reply(r, http.StatusOK, "")
			}
			return reply(r, http.StatusNotFound, "")
		}
		objects[r.URL.Path] = true // whatever the header says
		return reply(r, http.StatusOK, "")
	}
	s := f.store(t, func(o *s3.Options) { o.SingleWriter = true })
	require.NoError(t, s.Create(t.Context(), "k", nil))
	require.ErrorIs(t, s.Create(t.Context(), "k", nil), store.ErrExists)
	require.Equal(t, []string{"HEAD /lake/raw/k", "PUT /lake/raw/k", "HEAD /lake/raw/k"}, f.seen)
}

// A server that refuses the header is told from one that refuses everything.
func TestServerThatRefusesTheCondition(t *testing.T) {
	for _, c := range []struct {
		status  int
		code    string
		message string
	}{{501, "NotImplemented", "A header is not implemented"}, {400, "InvalidArgument", "header If-None-Match is not supported"}} {
		objects := map[string]bool{}
		f := &fake{probes: true}
		f.answer = func(r *http.Request, _ string) *http.Response {
			switch {
			case r.Header.Get("If-None-Match") != "":
				return reply(r, c.status, fault(c.code, c.message))
			case r.Method == http.MethodPut:
				objects[r.URL.Path] = true
			case r.Method == http.MethodDelete:
				delete(objects, r.URL.Path)
			case !objects[r.URL.Path]:
				return reply(r, http.StatusNotFound, "")
			}
			return reply(r, http.StatusOK, "")
		}
		err := f.store(t).Create(t.Context(), "k", nil)
		var refused *s3.UnconditionalError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, "`destination.single_writer: true`")
		require.Empty(t, objects, "nothing is written, nothing stays")

		s := f.store(t, func(o *s3.Options) { o.SingleWriter = true })
		f.seen = nil
		require.NoError(t, s.Create(t.Context(), "k", nil))
		require.ErrorIs(t, s.Create(t.Context(), "k", nil), store.ErrExists)
		require.NoError(t, s.Create(t.Context(), "l", nil))
		k, l := " /lake/raw/k", " /lake/raw/l"
		require.Equal(t, []string{"HEAD" + k, "PUT" + k, "PUT" + k, "HEAD" + k, "HEAD" + l, "PUT" + l}, f.seen, "the header is tried once")
	}
}

func TestServerThatKnowsNothingIsNotTakenForOneWithoutConditions(t *testing.T) {
	f := &fake{probes: true, answer: func(r *http.Request, _ string) *http.Response { return reply(r, 501, fault("NotImplemented", "tags")) }}
	err := f.store(t).Create(t.Context(), "k", nil)
	var refused *s3.UnconditionalError
	require.False(t, errors.As(err, &refused))
	require.ErrorContains(t, err, "prove conditional writes with raw/_paylake/.tmp-probe")
	require.ErrorContains(t, err, "NotImplemented")
}
