package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// defaultPartsAbove is more than the 128 MiB that data files aim at: a file in
// one request costs a tenth of what it costs in parts, and servers need not put
// parts together.
const defaultPartsAbove = 160 << 20

// Put implements [store.Store]. An object larger than [Options.PartsAbove] is
// uploaded in parts of 16 MiB: four at once straight from body if that is an
// [io.ReaderAt], else one after the other with 16 MiB of memory.
func (s *Store) Put(ctx context.Context, key string, body io.ReadSeeker) error {
	full, err := s.ready(ctx, key)
	if err != nil {
		return s.explain("put", key, err)
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	if err != nil {
		return s.explain("put", key, fmt.Errorf("rewind: %w", err))
	}
	if size > s.o.PartsAbove {
		return s.explain("put", key, s.putParts(ctx, full, body, size))
	}
	_, err = s.client.PutObject(ctx, s.putInput(full, body, size))
	return s.explain("put", key, err)
}

func (s *Store) putInput(full string, body io.ReadSeeker, size int64) *awss3.PutObjectInput {
	return &awss3.PutObjectInput{
		Bucket:               aws.String(s.o.Bucket),
		Key:                  aws.String(full),
		Body:                 source{body},
		ContentLength:        aws.Int64(size),
		ServerSideEncryption: types.ServerSideEncryption(s.o.Encryption),
		SSEKMSKeyId:          s.kmsKey(),
		StorageClass:         types.StorageClass(s.o.StorageClass),
		Tagging:              s.tagging(),
		RequestPayer:         s.payer(),
	}
}

// source is a body whose errors are told from those of the network.
type source struct{ io.ReadSeeker }

func (s source) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &bodyError{err: err}
	}
	return n, err
}

// bodyError is a failure to read what is to be uploaded.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read what is to be uploaded: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }
