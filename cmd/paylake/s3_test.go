//go:build integration

package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/internal/simapi"
)

const testBucket = "paylake-cli-test"

// inS3 moves the destination of an account into a new space of the server at
// url. It gives the destination's URL.
func inS3(t *testing.T, a account, url, more string) string {
	t.Helper()
	require.NotEmpty(t, url, "`make integration` starts the servers and sets their URLs")
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
	require.NoError(t, err)
	client := awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle, o.BaseEndpoint = true, aws.String(url) })
	if _, err := client.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String(testBucket)}); err != nil {
		_, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(testBucket)})
		require.NoError(t, err)
	}
	place := "s3://" + testBucket + "/" + uuid.NewString()
	text, err := os.ReadFile(a.config)
	require.NoError(t, err)
	changed := strings.Replace(string(text), "{url: ./lake,", "{url: "+place+", region: us-east-1, path_style: true, endpoint: '"+url+"',"+more, 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(a.config, []byte(changed), 0o600))
	return place
}

func TestSyncIntoS3(t *testing.T) {
	a := serve(t, simapi.Config{}, "[orders, recipients]")
	place := inS3(t, a, os.Getenv("PAYLAKE_TEST_S3"), "")
	got := paylake(t, "check", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stdout+got.stderr)
	require.Regexp(t, `destination +s3://\S+ +ok +writable, refuses to create an object twice\n`, got.stdout)
	require.Contains(t, got.stdout, `"s3:prefix"`)

	got = paylake(t, "sync", "--config", a.config, "--json", "-q")
	require.Equal(t, exitDone, got.code, got.stderr)
	var run report.Run
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &run))
	require.Equal(t, report.Succeeded, run.Status)
	require.Positive(t, run.Streams[0].Records)

	got = paylake(t, "files", "orders", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stderr)
	for line := range strings.Lines(got.stdout) {
		require.True(t, strings.HasPrefix(line, place+"/raw/pagarme/orders/"), line)
	}
	require.Contains(t, paylake(t, "schema", "orders", "--config", a.config, "--format", "spark").stdout, "LOCATION '"+place+"/raw/pagarme/orders'")
	a.nothingLeaks(t, got)
}

func TestCheckInS3PrintsThePolicyAsJSON(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	place := inS3(t, a, os.Getenv("PAYLAKE_TEST_S3"), " tags: {team: data},")
	got := paylake(t, "check", "--config", a.config, "--json")
	require.Equal(t, exitDone, got.code, got.stderr)
	var result struct {
		Policy struct {
			Statement []struct{ Action, Resource []string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &result))
	require.Equal(t, []string{"arn:aws:s3:::" + strings.TrimPrefix(place, "s3://") + "/*"}, result.Policy.Statement[1].Resource)
	require.Contains(t, result.Policy.Statement[1].Action, "s3:PutObjectTagging")
}

func TestCheckRefusesAServerWithoutConditions(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	inS3(t, a, os.Getenv("PAYLAKE_TEST_S3_UNCONDITIONAL"), "")
	got := paylake(t, "check", "--config", a.config)
	require.Equal(t, exitUsage, got.code)
	require.Contains(t, got.stdout, "`destination.single_writer: true`")

	a = serve(t, simapi.Config{}, "[recipients]")
	inS3(t, a, os.Getenv("PAYLAKE_TEST_S3_UNCONDITIONAL"), " single_writer: true,")
	got = paylake(t, "check", "--config", a.config)
	require.Equal(t, exitDone, got.code, got.stdout)
	require.Contains(t, got.stdout, "never let two processes write to it")
	got = paylake(t, "sync", "--config", a.config, "-q")
	require.Equal(t, exitDone, got.code, got.stderr)
}

func TestTroubleOfS3IsOneClearLine(t *testing.T) {
	a := serve(t, simapi.Config{}, "[recipients]")
	inS3(t, a, os.Getenv("PAYLAKE_TEST_S3"), "")
	text, err := os.ReadFile(a.config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.config, []byte(strings.Replace(string(text), testBucket, "paylake-absent", 1)), 0o600))
	for _, command := range []string{"sync", "check"} {
		got := paylake(t, command, "--config", a.config)
		require.NotEqual(t, exitDone, got.code)
		require.Contains(t, got.stdout+got.stderr, "the bucket paylake-absent does not exist; create it, or correct destination.url")
		if command == "sync" {
			require.Zero(t, a.api.Total().Requests, "nothing is read that cannot be written")
		}
	}
}
