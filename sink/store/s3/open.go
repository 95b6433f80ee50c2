package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// maxResumes is how often in a row a read is taken up again without a byte
// having come.
const maxResumes = 4

// Open implements [store.Store]. A body that breaks off is read on from where
// it ended, as long as the object is still the same one.
func (s *Store) Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	r, err := s.open(ctx, key, off, n)
	if err != nil {
		return nil, s.explain("open", key, err)
	}
	return r, nil
}

func (s *Store) open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	full, err := s.ready(ctx, key)
	if err != nil {
		return nil, err
	}
	if off < 0 {
		return nil, fmt.Errorf("negative offset %d", off)
	}
	if n == 0 { // HTTP has no empty range
		if _, err := s.head(ctx, full); err != nil {
			return nil, err
		}
		return http.NoBody, nil
	}
	r := &reader{s: s, ctx: ctx, key: key, full: full, off: off}
	err = r.get(n)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil
	}
	if err != nil {
		return nil, s.absent(ctx, full, err)
	}
	return r, nil
}

// reader reads a part of one object.
type reader struct {
	s         *Store
	ctx       context.Context // of Open, which covers the reads by contract
	key, full string
	body      io.ReadCloser // nil when it broke off
	etag      string
	off       int64 // of the next byte
	end       int64 // offset after the last byte; set by the first answer
	fails     int   // in a row
}

// get asks for up to n bytes from r.off, for all that follow if n is negative.
// Later calls want the same object as the first.
func (r *reader) get(n int64) error {
	in := &awss3.GetObjectInput{Bucket: aws.String(r.s.o.Bucket), Key: aws.String(r.full), RequestPayer: r.s.payer()}
	ranged := r.off > 0 || n > 0
	switch {
	case n > 0 && r.off+n > r.off:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.off, r.off+n-1))
	case ranged:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.off))
	}
	if r.etag != "" {
		in.IfMatch = aws.String(r.etag)
	}
	out, err := r.s.client.GetObject(r.ctx, in, func(o *awss3.Options) {
		if ranged { // some servers send the checksum of the whole object with a part
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		}
	})
	if err != nil {
		return err
	}
	end, err := extent(out, r.off, n, ranged)
	if err == nil && r.end > 0 && end != r.end {
		err = fmt.Errorf("the object changed its size while it was read")
	}
	if err != nil {
		return errors.Join(err, out.Body.Close())
	}
	r.body, r.end, r.etag = out.Body, end, aws.ToString(out.ETag)
	return nil
}

// extent checks that an answer holds what was asked for, and gives the offset
// after its last byte.
func extent(out *awss3.GetObjectOutput, off, n int64, ranged bool) (int64, error) {
	if out.ContentLength == nil {
		return 0, errors.New("the server does not say how long its answer is")
	}
	length := *out.ContentLength
	if !ranged {
		return length, nil
	}
	var first, last int64
	if _, err := fmt.Sscanf(strings.TrimSpace(aws.ToString(out.ContentRange)), "bytes %d-%d", &first, &last); err != nil {
		return 0, errors.New("the server ignores ranges")
	}
	if first != off || last-first+1 != length || n > 0 && length > n {
		return 0, fmt.Errorf("the server answered with %d bytes from %d on, not with the range that was asked for", length, first)
	}
	return off + length, nil
}

func (r *reader) Read(p []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if r.off >= r.end && r.body == nil {
			return 0, io.EOF
		}
		if r.body == nil {
			if err := r.get(r.end - r.off); err != nil {
				return 0, r.s.explain("read", r.key, err)
			}
		}
		n, err := r.body.Read(p)
		r.off += int64(n)
		if n > 0 {
			r.fails = 0
		}
		if err = r.judge(err); n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// judge says what the end of a body means: the end of the object, a failure, or
// nothing (nil) when the rest is to be asked for.
func (r *reader) judge(err error) error {
	if err == nil {
		return nil
	}
	whole := r.off == r.end
	if whole && errors.Is(err, io.EOF) {
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.fails++
	if whole || r.off > r.end || r.fails > maxResumes || r.etag == "" || r.ctx.Err() != nil {
		if cerr := r.ctx.Err(); cerr != nil {
			err = cerr
		}
		return r.s.explain("read", r.key, err)
	}
	_ = r.body.Close() // it has failed already
	r.body = nil
	return nil
}

// Close ends the read.
func (r *reader) Close() error {
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}
