package s3_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/s3"
)

func TestOperatorsGetOneClearLine(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		want   string
	}{
		{404, "NoSuchBucket", "the bucket lake does not exist; create it, or correct destination.url"},
		{403, "AccessDenied", "access denied: the credentials need s3:PutObject on arn:aws:s3:::lake/raw/k; `paylake check` prints the whole policy"},
		{403, "RequestTimeTooSkewed", "this machine's clock is wrong by more than 15 minutes; set it"},
		{400, "ExpiredToken", "the AWS credentials have expired; renew them"},
		{400, "InvalidToken", "the store does not know these AWS credentials"},
		{403, "InvalidAccessKeyId", "the store does not know these AWS credentials"},
		{403, "SignatureDoesNotMatch", "check AWS_SECRET_ACCESS_KEY"},
		{301, "PermanentRedirect", "the bucket lake is not in the region sa-east-1; set destination.region: eu-west-1"},
		{400, "AuthorizationHeaderMalformed", "the bucket lake is not in the region sa-east-1; set destination.region: eu-west-1"},
		{503, "SlowDown", "the store asks to slow down, also at the last of 8 tries; run again later"},
		{400, "KMS.DisabledException", "the KMS key cannot be used; check destination.kms_key"},
		{400, "InvalidStorageClass", "the store does not know destination.storage_class"},
		{507, "QuotaExceeded", "the store is full"},
		{400, "SomethingElse", "api error SomethingElse: words of the server"},
	} {
		t.Run(c.code, func(t *testing.T) {
			f := &fake{answer: func(r *http.Request, _ string) *http.Response {
				return reply(r, c.status, fault(c.code, "words of\nthe server"), "X-Amz-Bucket-Region", "eu-west-1")
			}}
			s := f.store(t)
			synctest.Test(t, func(t *testing.T) {
				err := s.Put(t.Context(), "k", strings.NewReader("x"))
				require.ErrorContains(t, err, "put s3://lake/raw/k: ")
				require.ErrorContains(t, err, c.want)
				require.ErrorContains(t, err, c.code)
				require.NotContains(t, err.Error(), "\n")
				require.NotContains(t, err.Error(), secret)
				require.NotContains(t, strings.ToLower(err.Error()), "signature=")
				var typed *s3.Error
				require.ErrorAs(t, err, &typed)
				require.Equal(t, c.code, typed.Code)
				require.Equal(t, c.code != "SlowDown" && c.code != "SomethingElse", typed.Unusable())
			})
		})
	}
}

func TestDeniedReadsAndListingsNameTheirPermission(t *testing.T) {
	f := &fake{answer: func(r *http.Request, _ string) *http.Response { return reply(r, 403, fault("AccessDenied", "no")) }}
	s := f.store(t)
	_, err := store.ReadAll(t.Context(), s, "k")
	require.ErrorContains(t, err, "need s3:GetObject on arn:aws:s3:::lake/raw/k (or s3:ListBucket on arn:aws:s3:::lake")
	_, err = listAll(t, s, "a/", "")
	require.ErrorContains(t, err, "list s3://lake/raw/a/: access denied: the credentials need s3:ListBucket on arn:aws:s3:::lake;")
	require.ErrorContains(t, s.Delete(t.Context(), "k"), "need s3:DeleteObject on arn:aws:s3:::lake/raw/k")
	tagged := f.store(t, func(o *s3.Options) { o.Tags = map[string]string{"a": "b"}; o.Region = "cn-north-1" })
	require.ErrorContains(t, tagged.Put(t.Context(), "k", strings.NewReader("")), "need s3:PutObject and s3:PutObjectTagging on arn:aws-cn:s3:::lake/raw/k")
}

// failing is a network that fails, where fails gives nil it does not.
type failing struct {
	fails func(*http.Request) error
	next  http.RoundTripper
}

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := f.fails(r); err != nil {
		return nil, err
	}
	return f.next.RoundTrip(r)
}

func TestUnreachableServers(t *testing.T) {
	for want, err := range map[string]error{
		"the host s3.test is not known; check destination.endpoint":    &net.DNSError{Name: "s3.test", Err: "no such host", IsNotFound: true},
		"no connection: dial tcp: refused; check destination.endpoint": &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")},
	} {
		s := (&fake{}).store(t, func(o *s3.Options) {
			o.HTTPClient = &http.Client{Transport: failing{fails: func(*http.Request) error { return err }}}
		})
		synctest.Test(t, func(t *testing.T) {
			require.ErrorContains(t, s.Put(t.Context(), "k", strings.NewReader("x")), want)
		})
	}
}

// A server that cannot be reached is told of within some 15 seconds, and once more
// of its endpoint is known to be wrong at once.
func TestUnreachableServersAreGivenUpSoon(t *testing.T) {
	timeout := &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		name  string
		fails func(*http.Request) error
		want  string
		tries int
		least time.Duration
		most  time.Duration
	}{
		{"http", func(*http.Request) error { return http.ErrSchemeMismatch }, "the endpoint speaks HTTP, not HTTPS: write http://", 1, 0, 0},
		{"certificate", func(*http.Request) error {
			return &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		}, "the endpoint's certificate is not trusted", 1, 0, 0},
		{"refused", func(*http.Request) error { return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")} }, "no connection", 5, 1500 * time.Millisecond, 3 * time.Second},
		{"no route", func(*http.Request) error { return timeout }, "no connection", 1, 0, 0},
		{"silent", func(r *http.Request) error { <-r.Context().Done(); return r.Context().Err() }, "s3.test does not answer within 15s; check destination.endpoint", 1, 15 * time.Second, 15 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := (&fake{}).store(t, func(o *s3.Options) { o.HTTPClient = &http.Client{Transport: failing{fails: c.fails}} })
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := listAll(t, s, "", "")
				require.ErrorContains(t, err, c.want)
				var typed *s3.Error
				require.ErrorAs(t, err, &typed)
				require.True(t, typed.Unusable())
				require.Equal(t, c.name == "http", typed.Misconfigured())
				require.EqualValues(t, c.tries, s.Requests()["list"])
				require.GreaterOrEqual(t, time.Since(begun), c.least)
				require.LessOrEqual(t, time.Since(begun), c.most)
			})
		})
	}
}

// A server that has answered before is waited for longer.
func TestAServerThatGoesAwayIsTriedAgain(t *testing.T) {
	down := false
	f := &fake{answer: func(r *http.Request, _ string) *http.Response { return reply(r, http.StatusOK, "") }}
	s := f.store(t, func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: failing{next: f, fails: func(*http.Request) error {
			if down {
				return &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
			}
			return nil
		}}}
	})
	synctest.Test(t, func(t *testing.T) {
		require.NoError(t, s.Put(t.Context(), "k", strings.NewReader("x")))
		down = true
		require.Error(t, s.Put(t.Context(), "k", strings.NewReader("x")))
		require.EqualValues(t, 9, s.Requests()["put"])
	})
}

func TestAnswersThatAreNotOfS3(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
	}{{401, ""}, {404, ""}, {404, "<html><hr>nothing here</html>"}, {400, "Client sent an HTTP request to an HTTPS server.\n"}, {405, "<html><hr></html>"}, {302, ""}} {
		f := &fake{answer: func(r *http.Request, _ string) *http.Response { return reply(r, c.status, c.body) }}
		s := f.store(t)
		_, err := listAll(t, s, "a/", "")
		require.ErrorContains(t, err, fmt.Sprintf("list s3://lake/raw/a/: the endpoint answers with status %d, but not as S3 does; check destination.endpoint", c.status))
		var typed *s3.Error
		require.ErrorAs(t, err, &typed)
		require.True(t, typed.Unusable())
		require.Len(t, f.seen, 1)
	}
}

// What passes, or is about one object, says nothing about the destination.
func TestTroubleThatPassesIsNotTheDestinations(t *testing.T) {
	for code, status := range map[string]int{"SlowDown": 503, "InternalError": 500, "InvalidObjectState": 403, "MethodNotAllowed": 405} {
		f := &fake{answer: func(r *http.Request, _ string) *http.Response { return reply(r, status, fault(code, "words")) }}
		s := f.store(t)
		synctest.Test(t, func(t *testing.T) {
			var typed *s3.Error
			require.ErrorAs(t, s.Put(t.Context(), "k", strings.NewReader("x")), &typed)
			require.False(t, typed.Unusable(), code)
		})
	}
}

func TestNoCredentials(t *testing.T) {
	f := &fake{}
	s := f.store(t, func(*s3.Options) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	})
	err := s.Put(t.Context(), "k", strings.NewReader("x"))
	require.ErrorContains(t, err, "no usable AWS credentials were found; set AWS_ACCESS_KEY_ID")
	require.Empty(t, f.seen)
}

func TestNoRegion(t *testing.T) {
	surroundings(t)
	_, err := s3.New(t.Context(), s3.Options{Bucket: "lake"})
	require.ErrorContains(t, err, "open s3://lake: no region is known; set destination.region or AWS_REGION")
	_, err = s3.New(t.Context(), s3.Options{})
	require.ErrorContains(t, err, "no bucket")
	t.Setenv("AWS_REGION", "sa-east-1")
	_, err = s3.New(t.Context(), s3.Options{Bucket: "lake"})
	require.NoError(t, err)
	t.Setenv("AWS_PROFILE", "absent")
	_, err = s3.New(t.Context(), s3.Options{Bucket: "lake"})
	require.ErrorContains(t, err, "open s3://lake: read the AWS settings (AWS_PROFILE, ~/.aws/config)")
}

func TestCancelledRequestsAreCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{answer: func(*http.Request, string) *http.Response { cancel(); return nil }}
	err := f.store(t).Put(ctx, "k", strings.NewReader("x"))
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, f.seen, 1)
}
