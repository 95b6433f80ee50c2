package s3_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store/s3"
)

func TestObjectsAreWrittenAsTheOptionsSay(t *testing.T) {
	check := func(r *http.Request) {
		for name, want := range map[string]string{
			"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/lake",
			"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging": "a=b+c&d=%C3%A3", "X-Amz-Request-Payer": "requester",
		} {
			require.Equal(t, want, r.Header.Get(name), name)
		}
	}
	f := &fake{answer: func(r *http.Request, _ string) *http.Response {
		check(r)
		return reply(r, 200, "")
	}}
	change := func(o *s3.Options) {
		o.Encryption, o.KMSKey, o.StorageClass, o.RequesterPays = "aws:kms", "alias/lake", "STANDARD_IA", true
		o.Tags = map[string]string{"a": "b c", "d": "ã"}
	}
	s := f.store(t, change)
	require.NoError(t, s.Put(t.Context(), "k", strings.NewReader("x")))
	require.NoError(t, s.Create(t.Context(), "k", nil))

	big := uploads{t: t, begin: check}
	f.answer = big.answer
	require.NoError(t, s.Put(t.Context(), "big", bytes.NewReader(make([]byte, 9<<20))))
}

// uploads is a server of multipart uploads that may fail.
type uploads struct {
	t         *testing.T
	begin     func(r *http.Request)
	part      func(r *http.Request) *http.Response
	completed []int // answers to the completion in turn; 200 when they are used up
	mark      string
	parts     int
	bytes     int64
	aborted   bool
	finished  bool
}

func (u *uploads) answer(r *http.Request, _ string) *http.Response {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPost && q.Has("uploads"):
		if u.begin != nil {
			u.begin(r)
		}
		u.mark = r.Header.Get("X-Amz-Meta-Paylake-Upload")
		require.NotEmpty(u.t, u.mark)
		return reply(r, 200, "<InitiateMultipartUploadResult><UploadId>up1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPut:
		require.Equal(u.t, "up1", q.Get("uploadId"))
		if u.part != nil {
			if res := u.part(r); res != nil {
				return res
			}
		}
		u.parts++
		u.bytes += r.ContentLength
		return reply(r, 200, "", "ETag", fmt.Sprintf("%q", q.Get("partNumber")))
	case r.Method == http.MethodPost:
		return u.complete(r)
	case r.Method == http.MethodDelete:
		u.aborted = true
		return reply(r, 204, "")
	case r.Method == http.MethodHead:
		return reply(r, 200, "", "X-Amz-Meta-Paylake-Upload", u.mark, "Content-Length", fmt.Sprint(u.bytes))
	}
	u.t.Errorf("unexpected request %s %s", r.Method, r.URL)
	return nil
}

func (u *uploads) complete(r *http.Request) *http.Response {
	if len(u.completed) > 0 {
		status := u.completed[0]
		u.completed = u.completed[1:]
		switch status {
		case 0: // it was done, but the answer is lost
			u.finished = true
			return nil
		case 404:
			return reply(r, 404, fault("NoSuchUpload", "gone"))
		}
		return reply(r, status, fault("InternalError", "no"))
	}
	u.finished = true
	return reply(r, 200, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
}

// inTurn hides that a body can be read at any place.
type inTurn struct{ io.ReadSeeker }

func TestLargeObjectsGoInParts(t *testing.T) {
	for _, body := range []io.ReadSeeker{bytes.NewReader(make([]byte, 40<<20)), inTurn{bytes.NewReader(make([]byte, 40<<20))}} {
		u := &uploads{t: t}
		f := &fake{answer: u.answer}
		s := f.store(t)
		require.NoError(t, s.Put(t.Context(), "k", body))
		require.Equal(t, 3, u.parts)
		require.EqualValues(t, 40<<20, u.bytes)
		require.True(t, u.finished)
		require.False(t, u.aborted)
		require.Equal(t, map[string]int64{"multipart": 5}, s.Requests())
	}
}

func TestFailedUploadsAreAborted(t *testing.T) {
	denied := func(r *http.Request) *http.Response {
		if r.URL.Query().Get("partNumber") == "2" {
			return reply(r, 403, fault("AccessDenied", "no"))
		}
		return nil
	}
	for name, u := range map[string]*uploads{
		"a part is refused":  {part: denied},
		"the end is refused": {completed: []int{500, 500, 500, 500, 500, 500, 500, 500}},
		"the upload is gone": {completed: []int{404}, begin: func(*http.Request) {}},
	} {
		t.Run(name, func(t *testing.T) {
			u.t = t
			f := &fake{}
			f.answer = func(r *http.Request, body string) *http.Response {
				if r.Method == http.MethodHead {
					return reply(r, 404, "")
				}
				return u.answer(r, body)
			}
			s := f.store(t)
			synctest.Test(t, func(t *testing.T) {
				require.ErrorContains(t, s.Put(t.Context(), "k", bytes.NewReader(make([]byte, 17<<20))), "put s3://lake/raw/k: ")
				require.True(t, u.aborted)
			})
		})
	}
}

func TestCancelledUploadsAreAborted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u := &uploads{t: t}
	u.part = func(r *http.Request) *http.Response { cancel(); return reply(r, 500, "") }
	f := &fake{answer: u.answer}
	require.ErrorIs(t, f.store(t).Put(ctx, "k", bytes.NewReader(make([]byte, 17<<20))), context.Canceled)
	require.True(t, u.aborted)
}

func TestLostAnswerToACompletionIsSettled(t *testing.T) {
	u := &uploads{t: t, completed: []int{0, 404}}
	f := &fake{answer: u.answer}
	s := f.store(t)
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, s.Put(t.Context(), "k", bytes.NewReader(make([]byte, 9<<20))))
		require.False(t, u.aborted)
	})
}

func TestPolicy(t *testing.T) {
	require.JSONEq(t, `{"Version": "2012-10-17", "Statement": [
		{"Sid": "PaylakeList", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": ["arn:aws:s3:::lake"],
		 "Condition": {"StringLike": {"s3:prefix": ["raw/psp/*"]}}},
		{"Sid": "PaylakeObjects", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
		 "Resource": ["arn:aws:s3:::lake/raw/psp/*"]}]}`, s3.Policy(s3.Options{Bucket: "lake", Prefix: "raw/psp"}))

	var p struct {
		Statement []struct {
			Action, Resource []string
			Condition        map[string]map[string][]string
		}
	}
	parse := func(o s3.Options) {
		p.Statement = nil
		require.NoError(t, json.Unmarshal([]byte(s3.Policy(o)), &p))
	}
	parse(s3.Options{Bucket: "lake", Region: "us-gov-west-1", Tags: map[string]string{"a": "b"}, Encryption: "aws:kms", KMSKey: "1234-ab"})
	require.Equal(t, []string{"arn:aws-us-gov:s3:::lake"}, p.Statement[0].Resource)
	require.Empty(t, p.Statement[0].Condition, "the whole bucket")
	require.Equal(t, []string{"arn:aws-us-gov:s3:::lake/*"}, p.Statement[1].Resource)
	require.Contains(t, p.Statement[1].Action, "s3:PutObjectTagging")
	require.Equal(t, []string{"kms:GenerateDataKey", "kms:Decrypt"}, p.Statement[2].Action)
	require.Equal(t, []string{"arn:aws-us-gov:kms:us-gov-west-1:*:key/1234-ab"}, p.Statement[2].Resource)

	const key = "arn:aws:kms:sa-east-1:111122223333:key/1234-ab"
	parse(s3.Options{Bucket: "lake", Encryption: "aws:kms", KMSKey: key})
	require.Equal(t, []string{key}, p.Statement[2].Resource)
	for _, alias := range []string{"alias/lake", "arn:aws:kms:sa-east-1:111122223333:alias/lake"} {
		parse(s3.Options{Bucket: "lake", Encryption: "aws:kms", KMSKey: alias})
		require.Equal(t, []string{"alias/lake"}, p.Statement[2].Condition["ForAnyValue:StringEquals"]["kms:ResourceAliases"])
	}
	parse(s3.Options{Bucket: "lake", Encryption: "aws:kms"})
	require.Len(t, p.Statement, 2, "the account's key for S3 needs no permission")
}
