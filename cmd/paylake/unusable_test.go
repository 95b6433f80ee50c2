package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/simapi"
)

// bucketServer answers all requests in one way, and keeps their lines.
type bucketServer struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func serveBucket(t *testing.T, answer http.HandlerFunc) *bucketServer {
	t.Helper()
	s := &bucketServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.String())
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// refusing answers with an error of S3; without a code, with the status alone.
func refusing(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if code != "" {
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>words</Message></Error>", code)
		}
	}
}

// lakeIn moves the destination of an account into the bucket of a server.
func (a account) lakeIn(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hush/SecretAccessKey", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_PROFILE": "", "AWS_SESSION_TOKEN": "",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_S3": "", "AWS_ROLE_ARN": "",
	} {
		t.Setenv(name, value)
	}
	text, err := os.ReadFile(a.config)
	require.NoError(t, err)
	changed := strings.Replace(string(text), "{url: ./lake,", "{url: s3://lake/raw, region: us-east-1, path_style: true, endpoint: '"+endpoint+"',", 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(a.config, []byte(changed), 0o600))
}

// A destination that cannot be used ends a run at once: one line, and nothing is
// asked of the API.
func TestADestinationThatCannotBeUsedEndsTheRun(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		change func(t *testing.T, url string) string // of the endpoint
		want   string
		code   int
	}{
		{"no bucket", refusing(404, "NoSuchBucket"), nil, "the bucket lake does not exist", exitFailed},
		{"denied", refusing(403, "AccessDenied"), nil, "access denied: the credentials need s3:ListBucket on arn:aws:s3:::lake", exitFailed},
		{"region", refusing(301, "PermanentRedirect"), nil, "is not in the region us-east-1", exitFailed},
		{"token", refusing(400, "ExpiredToken"), nil, "the AWS credentials have expired", exitFailed},
		{"no S3", refusing(401, ""), nil, "answers with status 401, but not as S3 does; check destination.endpoint", exitFailed},
		{"http", refusing(200, ""), func(_ *testing.T, url string) string { return strings.Replace(url, "http:", "https:", 1) }, "the endpoint speaks HTTP, not HTTPS: write http://", exitUsage},
		{"down", refusing(200, ""), func(*testing.T, string) string { return gone.URL }, "no connection: dial tcp", exitFailed},
		{"no credentials", refusing(200, ""), func(t *testing.T, url string) string { t.Setenv("AWS_ACCESS_KEY_ID", ""); return url }, "no usable AWS credentials were found", exitFailed},
		{"no conditions", func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				fmt.Fprint(w, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
			}
		}, nil, "`destination.single_writer: true`", exitUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := serve(t, simapi.Config{}, "[orders, charges, payables]")
			bucket := serveBucket(t, c.answer)
			a.lakeIn(t, bucket.URL)
			if c.change != nil {
				text, err := os.ReadFile(a.config)
				require.NoError(t, err)
				changed := strings.Replace(string(text), bucket.URL, c.change(t, bucket.URL), 1)
				require.NoError(t, os.WriteFile(a.config, []byte(changed), 0o600))
			}
			for _, args := range [][]string{{"sync"}, {"backfill", "--since", a.world.Start().Format(time.DateOnly), "--until", "2199-01-01"}, {"sync", "--if-running=skip", "--json"}} {
				got := paylake(t, append(args, "--config", a.config)...)
				require.Equal(t, c.code, got.code, got.stderr)
				require.Empty(t, got.stdout)
				require.Contains(t, got.stderr, c.want)
				require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
				require.Contains(t, got.stderr, "use the destination: ")
				require.NotContains(t, got.stderr, "hush")
			}
			require.Zero(t, a.api.Total().Requests)
		})
	}
}

// Trouble with a lease that may pass does not keep a run from its work. When no
// table can be read either, the history is not tried.
func TestTroubleWithALease(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, charges]")
	bucket := serveBucket(t, refusing(400, "Unheard"))
	a.lakeIn(t, bucket.URL)
	got := paylake(t, "sync", "--config", a.config)
	require.Equal(t, exitFailed, got.code)
	require.Contains(t, got.stderr, "paylake: warning: connection loja: look for the lease of connection loja: ")
	require.Equal(t, 1, strings.Count(got.stderr, "warning"), got.stderr)
	require.Contains(t, got.stderr, "paylake: orders: error: ")
	require.Zero(t, a.api.Total().Requests)
	bucket.mu.Lock()
	defer bucket.mu.Unlock()
	for _, line := range bucket.seen {
		require.NotContains(t, line, "runs")
	}

}

// A run that needs its lease ends when it cannot have it. So does upkeep, with one
// line, when the destination cannot be used.
func TestTroubleIsToldOnce(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, charges]")
	a.lakeIn(t, serveBucket(t, refusing(400, "Unheard")).URL)
	got := paylake(t, "sync", "--if-running=skip", "--config", a.config)
	require.Equal(t, exitFailed, got.code)
	require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)

	b := serve(t, simapi.Config{}, "[orders, charges]")
	b.lakeIn(t, serveBucket(t, refusing(404, "NoSuchBucket")).URL)
	for _, command := range []string{"optimize", "vacuum", "status"} {
		got := paylake(t, command, "-q", "--config", b.config)
		require.Equal(t, exitFailed, got.code, command)
		require.Contains(t, got.stderr, "the bucket lake does not exist", command)
		require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
	}
}
