//go:build integration

package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/s3"
	"github.com/paylake/paylake/sink/store/storetest"
)

const mib = 1 << 20

// unfinished lists the uploads below the store's prefix that did not end.
func unfinished(t *testing.T, o s3.Options) []string {
	out, err := client(t, o.Endpoint).ListMultipartUploads(t.Context(), &awss3.ListMultipartUploadsInput{Bucket: aws.String(o.Bucket), Prefix: aws.String(o.Prefix)})
	require.NoError(t, err)
	keys := []string{}
	for _, u := range out.Uploads {
		keys = append(keys, aws.ToString(u.Key))
	}
	return keys
}

func TestLargeObjects(t *testing.T) {
	o := options(t)
	o.PartsAbove = 32 * mib
	s := open(t, o)
	storetest.Large(t, s, 17*mib, 32*mib, 32*mib+1, 40*mib)
	path := filepath.Join(t.TempDir(), "part.parquet")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("parquet "), 40*mib/8), 0o600))
	require.NoError(t, store.PutFile(t.Context(), s, "d/part.parquet", path))
	r, err := s.Open(t.Context(), "d/part.parquet", 40*mib-8, 8)
	require.NoError(t, err)
	end, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Equal(t, "parquet ", string(end))
	require.Empty(t, unfinished(t, o))
}

// stops is a body that does something when a part of it is read.
type stops struct {
	*bytes.Reader
	at func() error
}

func (s stops) ReadAt(p []byte, off int64) (int, error) {
	if off > 20*mib {
		if err := s.at(); err != nil {
			return 0, err
		}
	}
	return s.Reader.ReadAt(p, off)
}

func TestUploadsThatFailLeaveNothing(t *testing.T) {
	o := options(t)
	o.PartsAbove = 32 * mib
	s := open(t, o)
	gone := errors.New("the disk under the body is gone")
	body := bytes.NewReader(make([]byte, 40*mib))
	require.ErrorIs(t, s.Put(t.Context(), "k", stops{body, func() error { return gone }}), gone)
	require.Empty(t, unfinished(t, o))

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.ErrorIs(t, s.Put(ctx, "k", stops{body, func() error { cancel(); return nil }}), context.Canceled)
	require.Empty(t, unfinished(t, o))
	keys, err := listAll(t, s, "", "")
	require.NoError(t, err)
	require.Empty(t, keys)
}

// unconditional gives the options of a space on a server that ignores
// conditions.
func unconditional(t *testing.T) s3.Options {
	url := os.Getenv("PAYLAKE_TEST_S3_UNCONDITIONAL")
	require.NotEmpty(t, url, "PAYLAKE_TEST_S3_UNCONDITIONAL must name a server; `make integration` starts one")
	makeBucket(t, url)
	return s3.Options{Bucket: bucket, Prefix: "space/" + uuid.NewString(), Endpoint: url, Region: "us-east-1", PathStyle: true}
}

func TestProbeRefusesAServerWithoutConditions(t *testing.T) {
	s := open(t, unconditional(t))
	err := s.Create(t.Context(), "_delta_log/0.json", []byte("x"))
	var refused *s3.UnconditionalError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, "destination.single_writer: true")
	keys, err := listAll(t, s, "", "")
	require.NoError(t, err)
	require.Empty(t, keys)
}

func TestSingleWriterWorksWithoutConditions(t *testing.T) {
	o := unconditional(t)
	o.SingleWriter = true
	s := open(t, o)
	require.NoError(t, s.Create(t.Context(), "log/0", []byte("mine")))
	require.ErrorIs(t, s.Create(t.Context(), "log/0", []byte("yours")), store.ErrExists)
	data, err := store.ReadAll(t.Context(), s, "log/0")
	require.NoError(t, err)
	require.Equal(t, "mine", string(data))
}

func TestOtherPrefixesCostNothing(t *testing.T) {
	o := options(t)
	for _, other := range []string{o.Prefix + "-before", o.Prefix + "/zz"} {
		side := o
		side.Prefix = other
		s := open(t, side)
		for i := range 20 {
			require.NoError(t, s.Put(t.Context(), fmt.Sprint("k", i), strings.NewReader("x")))
		}
	}
	s := open(t, o)
	require.NoError(t, s.Put(t.Context(), "log/1", strings.NewReader("x")))
	keys, err := listAll(t, s, "log/", "")
	require.NoError(t, err)
	require.Equal(t, []string{"log/1"}, keys)
	require.Equal(t, map[string]int64{"put": 1, "list": 1}, s.Requests())
}

func TestMessagesOfARealServer(t *testing.T) {
	o := options(t)
	o.Bucket = "paylake-absent"
	err := open(t, o).Put(t.Context(), "k", strings.NewReader("x"))
	require.ErrorContains(t, err, "the bucket paylake-absent does not exist")
	_, err = store.ReadAll(t.Context(), open(t, o), "k")
	require.ErrorContains(t, err, "the bucket paylake-absent does not exist")

	o.Bucket = bucket
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another secret")
	err = open(t, o).Put(t.Context(), "k", strings.NewReader("x"))
	require.ErrorContains(t, err, "check AWS_SECRET_ACCESS_KEY")
	require.NotContains(t, err.Error(), "another secret")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
	require.ErrorContains(t, open(t, o).Put(t.Context(), "k", strings.NewReader("x")), "the store does not know these AWS credentials")
}
