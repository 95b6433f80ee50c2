package s3_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store/s3"
)

const secret = "hush/SecretAccessKeyOfTheTests"

// fake is a server without a network. answer gets every request but those of
// the probe, which are refused as they should be unless probes is set.
type fake struct {
	mu     sync.Mutex
	seen   []string // "METHOD /bucket/prefix/key?query"
	probes bool
	answer func(r *http.Request, body string) *http.Response // nil breaks the connection
}

var errBroken = errors.New("connection reset by peer")

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if r.ContentLength > 1<<20 { // nobody looks at it
			_, err = io.Copy(io.Discard, r.Body)
		} else {
			body, err = io.ReadAll(r.Body)
		}
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, ".tmp-probe") && !f.probes {
		return reply(r, http.StatusPreconditionFailed, fault("PreconditionFailed", "")), nil
	}
	query := r.URL.Query()
	query.Del("x-id")
	line := r.Method + " " + r.URL.Path
	if q := query.Encode(); q != "" {
		line += "?" + q
	}
	f.seen = append(f.seen, line)
	res := f.answer(r, string(body))
	if res == nil {
		return nil, errBroken
	}
	res.Request = r
	return res, nil
}

// reply makes an answer; headers are pairs of name and value.
func reply(r *http.Request, status int, body string, headers ...string) *http.Response {
	h := http.Header{"X-Amz-Request-Id": {"REQ1"}, "Content-Length": {fmt.Sprint(len(body))}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	if r.Method == http.MethodHead {
		body = ""
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

func fault(code, message string) string {
	return fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
}

// store gives a store over the fake server, in s3://lake/raw.
func (f *fake) store(t *testing.T, change ...func(*s3.Options)) *s3.Store {
	t.Helper()
	surroundings(t)
	o := s3.Options{
		Bucket: "lake", Prefix: "/raw/", Region: "sa-east-1", Endpoint: "http://s3.test", PathStyle: true,
		PartsAbove: 8 << 20, HTTPClient: &http.Client{Transport: f},
	}
	for _, c := range change {
		c(&o)
	}
	s, err := s3.New(t.Context(), o)
	require.NoError(t, err)
	return s
}

// surroundings sets all that the SDK looks at.
func surroundings(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	for _, name := range []string{"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ROLE_ARN"} {
		t.Setenv(name, "")
	}
}
