//go:build integration

package s3_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/s3"
	"github.com/paylake/paylake/sink/store/storetest"
)

const bucket = "paylake-store-test"

// endpoint is the URL of the server, which `make integration` starts.
func endpoint(t testing.TB) string {
	url := os.Getenv("PAYLAKE_TEST_S3")
	require.NotEmpty(t, url, "PAYLAKE_TEST_S3 must name a server; `make integration` starts one")
	return url
}

// client is the plain SDK.
func client(t testing.TB, url string) *awss3.Client {
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
	require.NoError(t, err)
	return awss3.NewFromConfig(cfg, func(o *awss3.Options) {
		o.UsePathStyle = true
		o.BaseEndpoint = aws.String(url)
	})
}

// makeBucket makes the bucket if it is not there.
func makeBucket(t testing.TB, url string) {
	c := client(t, url)
	if _, err := c.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String(bucket)}); err == nil {
		return
	}
	_, err := c.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(bucket)})
	require.NoError(t, err)
}

// options are those of a new space on the server.
func options(t testing.TB) s3.Options {
	url := endpoint(t)
	makeBucket(t, url)
	return s3.Options{Bucket: bucket, Prefix: "space/" + uuid.NewString(), Endpoint: url, Region: "us-east-1", PathStyle: true}
}

func open(t testing.TB, o s3.Options) *s3.Store {
	s, err := s3.New(t.Context(), o)
	require.NoError(t, err)
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, options(t)) })
}

func TestManyKeys(t *testing.T) {
	s := open(t, options(t))
	storetest.Many(t, s)
	require.Equal(t, map[string]int64{"put": 1012, "list": 8, "delete": 2}, s.Requests())
}

func TestStoreOfAWholeBucket(t *testing.T) {
	o := options(t)
	o.Prefix = ""
	s := open(t, o)
	key := strings.ToLower(uuid.NewString()) + "/x"
	require.NoError(t, s.Create(t.Context(), key, []byte("x")))
	require.ErrorIs(t, s.Create(t.Context(), key, nil), store.ErrExists)
	require.Equal(t, "s3://"+bucket+"/"+key, s.URL(key))
	require.NoError(t, s.Delete(t.Context(), key))
}
