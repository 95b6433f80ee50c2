//go:build integration

package s3_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

const uploaded = 256 * mib

// upload is what both benchmarks send.
func upload() []byte {
	data := make([]byte, uploaded)
	random := rand.NewChaCha8([32]byte{1})
	_, _ = random.Read(data) // never fails
	return data
}

// sizes are those of the files that make up the bytes.
func sizes() []int { return []int{32 * mib, 128 * mib} }

// send gives every file of the size to put, four at once.
func send(b *testing.B, data []byte, size int, put func(i int, body io.ReadSeeker) error) {
	b.SetBytes(uploaded)
	for b.Loop() {
		var group errgroup.Group
		group.SetLimit(4)
		for i := range uploaded / size {
			group.Go(func() error { return put(i, io.NewSectionReader(bytes.NewReader(data), int64(i*size), int64(size))) })
		}
		require.NoError(b, group.Wait())
	}
}

// BenchmarkUpload puts 256 MiB into the store.
func BenchmarkUpload(b *testing.B) {
	data := upload()
	for _, size := range sizes() {
		b.Run(fmt.Sprintf("files of %d MiB", size/mib), func(b *testing.B) {
			s := open(b, options(b))
			send(b, data, size, func(i int, body io.ReadSeeker) error { return s.Put(b.Context(), fmt.Sprint("k", i), body) })
		})
	}
}

// BenchmarkUploadParts puts one file of 256 MiB in parts.
func BenchmarkUploadParts(b *testing.B) {
	s := open(b, options(b))
	send(b, upload(), uploaded, func(_ int, body io.ReadSeeker) error { return s.Put(b.Context(), "k", body) })
}

// BenchmarkUploadSDK puts the same files by plain PutObject calls.
func BenchmarkUploadSDK(b *testing.B) {
	data := upload()
	for _, size := range sizes() {
		b.Run(fmt.Sprintf("files of %d MiB", size/mib), func(b *testing.B) {
			o := options(b)
			sdk := client(b, o.Endpoint)
			send(b, data, size, func(i int, body io.ReadSeeker) error {
				_, err := sdk.PutObject(b.Context(), &awss3.PutObjectInput{
					Bucket: aws.String(o.Bucket), Key: aws.String(fmt.Sprintf("%s/sdk-%d", o.Prefix, i)), Body: body,
				})
				return err
			})
		})
	}
}
