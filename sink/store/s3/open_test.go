package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
)

// cut is a body that breaks off after its bytes.
type cut struct {
	io.Reader
	err error
}

func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = c.err
	}
	return n, err
}
func (cut) Close() error { return nil }

// ranged answers a GET of text, ending every body after at most n bytes with err.
func ranged(r *http.Request, text string, n int, err error) *http.Response {
	first, last := 0, len(text)-1
	if h := r.Header.Get("Range"); h != "" {
		if _, serr := fmt.Sscanf(h, "bytes=%d-%d", &first, &last); serr != nil {
			last = len(text) - 1
		}
	}
	last = min(last, len(text)-1)
	part := text[first : last+1]
	res := reply(r, http.StatusOK, part, "ETag", `"one"`)
	if r.Header.Get("Range") != "" {
		res = reply(r, http.StatusPartialContent, part, "ETag", `"one"`, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(text)))
	}
	if n < len(part) {
		res.Body = cut{strings.NewReader(part[:n]), err}
	}
	return res
}

func TestReadGoesOnWhereABodyBreaksOff(t *testing.T) {
	for _, broken := range []error{io.ErrUnexpectedEOF, io.EOF, errBroken} {
		f := &fake{}
		f.answer = func(r *http.Request, _ string) *http.Response {
			if len(f.seen) > 1 {
				require.Equal(t, `"one"`, r.Header.Get("If-Match"))
			}
			return ranged(r, "0123456789", 3, broken)
		}
		s := f.store(t)
		data, err := store.ReadAll(t.Context(), s, "k")
		require.NoError(t, err)
		require.Equal(t, "0123456789", string(data))
		require.Len(t, f.seen, 4)

		f.seen = nil
		r, err := s.Open(t.Context(), "k", 2, 7)
		require.NoError(t, err)
		data, err = io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, "2345678", string(data))
	}
}

func TestReadThatNeverGetsOnFails(t *testing.T) {
	f := &fake{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if len(f.seen) == 1 {
			return ranged(r, "0123456789", 3, io.EOF)
		}
		return ranged(r, "0123456789", 0, io.EOF)
	}
	data, err := store.ReadAll(t.Context(), f.store(t), "k")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, "read s3://lake/raw/k: ")
	require.Empty(t, data)
}

func TestReadOfAnObjectThatChangesFails(t *testing.T) {
	f := &fake{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if r.Header.Get("If-Match") != "" {
			return reply(r, http.StatusPreconditionFailed, fault("PreconditionFailed", "changed"))
		}
		return ranged(r, "0123456789", 3, io.EOF)
	}
	_, err := store.ReadAll(t.Context(), f.store(t), "k")
	require.ErrorContains(t, err, "PreconditionFailed")
	require.NotErrorIs(t, err, store.ErrExists)
}

func TestAnswersThatAreNotWhatWasAsked(t *testing.T) {
	for want, answer := range map[string]func(r *http.Request) *http.Response{
		"the server ignores ranges": func(r *http.Request) *http.Response { return reply(r, 200, "0123456789") },
		"not with the range that was asked for": func(r *http.Request) *http.Response {
			return reply(r, 206, "0123", "Content-Range", "bytes 0-3/10")
		},
		"answered with 4 bytes": func(r *http.Request) *http.Response {
			return reply(r, 206, "2345", "Content-Range", "bytes 2-4/10")
		},
		"does not say how long": func(r *http.Request) *http.Response {
			res := reply(r, 206, "234", "Content-Range", "bytes 2-4/10")
			res.Header.Del("Content-Length")
			return res
		},
	} {
		f := &fake{answer: func(r *http.Request, _ string) *http.Response { return answer(r) }}
		_, err := f.store(t).Open(t.Context(), "k", 2, 3)
		require.ErrorContains(t, err, want)
	}
}

func TestChecksumOfTheWholeObjectIsCheckedForTheWholeOnly(t *testing.T) {
	f := &fake{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		res := ranged(r, "0123456789", 10, nil)
		res.Header.Set("X-Amz-Checksum-Crc32", "AAAAAA==")
		return res
	}
	s := f.store(t)
	_, err := store.ReadAll(t.Context(), s, "k")
	require.ErrorContains(t, err, "checksum did not match")
	r, err := s.Open(t.Context(), "k", 2, 3)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "234", string(data))
}

// S3 hides whether an object exists from those who may list only a prefix.
func TestDeniedReadOfAnAbsentObjectIsNotFound(t *testing.T) {
	listing := `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`
	f := &fake{}
	f.answer = func(r *http.Request, _ string) *http.Response {
		if r.URL.Query().Has("list-type") {
			return reply(r, http.StatusOK, listing)
		}
		return reply(r, http.StatusForbidden, fault("AccessDenied", "Access Denied"))
	}
	s := f.store(t)
	_, err := s.Open(t.Context(), "k", 0, -1)
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.Open(t.Context(), "k", 0, 0)
	require.ErrorIs(t, err, store.ErrNotFound)

	listing = `<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>raw/k</Key><Size>1</Size></Contents></ListBucketResult>`
	_, err = s.Open(t.Context(), "k", 0, -1)
	require.NotErrorIs(t, err, store.ErrNotFound)
	require.ErrorContains(t, err, "access denied: the credentials need s3:GetObject on arn:aws:s3:::lake/raw/k")
}

func TestIdempotentRequestsAreSentAgain(t *testing.T) {
	f := &fake{}
	s := f.store(t)
	synctest.Test(t, func(t *testing.T) {
		answers(f, 503, 500, 0, 200)
		require.NoError(t, s.Put(t.Context(), "k", strings.NewReader("x")))
		answers(f, 504, 429, 409, 0, 200)
		require.NoError(t, s.Delete(t.Context(), "k"))
		require.Equal(t, map[string]int64{"put": 4, "delete": 5}, s.Requests(), "every try counts")
	})
}
