package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

const (
	leastPart    = 16 << 20 // bytes of a part, but of the last one
	maxParts     = 10_000   // of an upload (S3 user guide, "multipart upload limits")
	partsAtOnce  = 4
	abortTimeout = 30 * time.Second
	uploadMeta   = "paylake-upload" // metadata of an object: which upload made it
)

// upload is a multipart upload.
type upload struct {
	s     *Store
	full  string // key
	id    string
	mark  string // its own name, kept with the object
	parts []types.CompletedPart
}

// putParts uploads body in parts. Whatever goes wrong, the upload is ended, so
// that nobody pays for parts without an object.
func (s *Store) putParts(ctx context.Context, full string, body io.ReadSeeker, size int64) error {
	u := &upload{s: s, full: full, mark: uuid.NewString()}
	if err := u.begin(ctx); err != nil {
		return err
	}
	err := u.send(ctx, body, size)
	if err == nil {
		err = u.complete(ctx, size)
	}
	if err != nil {
		return errors.Join(err, u.abort(ctx))
	}
	return nil
}

func (u *upload) begin(ctx context.Context) error {
	s := u.s
	in := &awss3.CreateMultipartUploadInput{
		Bucket:               aws.String(s.o.Bucket),
		Key:                  aws.String(u.full),
		Metadata:             map[string]string{uploadMeta: u.mark},
		ServerSideEncryption: types.ServerSideEncryption(s.o.Encryption),
		SSEKMSKeyId:          s.kmsKey(),
		StorageClass:         types.StorageClass(s.o.StorageClass),
		Tagging:              s.tagging(),
		RequestPayer:         s.payer(),
	}
	if s.checksums {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
	}
	// A lost answer leaves an upload that nobody knows the id of, so only what
	// surely was not done is tried again.
	out, err := s.client.CreateMultipartUpload(ctx, in, withRetryer(s.retryRefused()))
	if err != nil {
		return err
	}
	u.id = aws.ToString(out.UploadId)
	if u.id == "" {
		return errors.New("the server began an upload without an id")
	}
	return nil
}

// send uploads the parts.
func (u *upload) send(ctx context.Context, body io.ReadSeeker, size int64) error {
	part := partSize(size)
	u.parts = make([]types.CompletedPart, (size+part-1)/part)
	at, ok := body.(io.ReaderAt)
	if !ok {
		return u.sendInTurn(ctx, body, part)
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(partsAtOnce)
	for i := range u.parts {
		if gctx.Err() != nil {
			break // the errors below tell why
		}
		off := int64(i) * part
		section := io.NewSectionReader(at, off, min(part, size-off))
		group.Go(func() error { return u.sendPart(gctx, i, section, section.Size()) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// sendInTurn uploads the parts of a body that can only be read in order.
func (u *upload) sendInTurn(ctx context.Context, body io.Reader, part int64) error {
	buf := make([]byte, part)
	for i := range u.parts {
		n, err := io.ReadFull(body, buf)
		if err != nil && !(errors.Is(err, io.ErrUnexpectedEOF) && i == len(u.parts)-1) {
			return fmt.Errorf("read part %d: %w", i+1, err)
		}
		if err := u.sendPart(ctx, i, bytes.NewReader(buf[:n]), int64(n)); err != nil {
			return err
		}
	}
	return nil
}

func (u *upload) sendPart(ctx context.Context, i int, body io.ReadSeeker, size int64) error {
	number := aws.Int32(int32(i + 1)) // at most maxParts
	in := &awss3.UploadPartInput{
		Bucket:        aws.String(u.s.o.Bucket),
		Key:           aws.String(u.full),
		UploadId:      aws.String(u.id),
		PartNumber:    number,
		Body:          source{body},
		ContentLength: aws.Int64(size),
		RequestPayer:  u.s.payer(),
	}
	if u.s.checksums {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32
	}
	out, err := u.s.client.UploadPart(ctx, in)
	if err != nil {
		return fmt.Errorf("part %d: %w", i+1, err)
	}
	u.parts[i] = types.CompletedPart{ETag: out.ETag, PartNumber: number, ChecksumCRC32: out.ChecksumCRC32}
	return nil
}

// complete makes the object. When the server no longer knows the upload, an
// earlier try may have done it: the object's metadata tells.
func (u *upload) complete(ctx context.Context, size int64) error {
	_, err := u.s.client.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
		Bucket:          aws.String(u.s.o.Bucket),
		Key:             aws.String(u.full),
		UploadId:        aws.String(u.id),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.parts},
		RequestPayer:    u.s.payer(),
	})
	if err == nil || code(err) != "NoSuchUpload" {
		return err
	}
	head, herr := u.s.head(ctx, u.full)
	if herr == nil && head.Metadata[uploadMeta] == u.mark && aws.ToInt64(head.ContentLength) == size {
		return nil
	}
	return err
}

// abort ends the upload, also when ctx is over.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, err := u.s.client.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{
		Bucket:       aws.String(u.s.o.Bucket),
		Key:          aws.String(u.full),
		UploadId:     aws.String(u.id),
		RequestPayer: u.s.payer(),
	})
	if err == nil || code(err) == "NoSuchUpload" {
		return nil
	}
	return fmt.Errorf("the unfinished upload %s stays; a lifecycle rule AbortIncompleteMultipartUpload removes it: %w", u.id, err)
}

// partSize is the size of the parts of an object.
func partSize(size int64) int64 {
	part := int64(leastPart)
	for size > part*maxParts {
		part *= 2
	}
	return part
}

func withRetryer(r aws.Retryer) func(*awss3.Options) {
	return func(o *awss3.Options) { o.Retryer = r }
}
