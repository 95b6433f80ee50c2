package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/paylake/paylake/sink/store"
)

// probeKey is the object by which a store proves that its server refuses to
// create an object twice. It stays: so the proof costs one request from the
// second time on, and processes that die leave nothing more behind. Its name is
// one that no key has and no listing shows.
const probeKey = "_paylake/" + store.TempPrefix + "probe"

// UnconditionalError reports a server without conditional writes: it ignores
// "If-None-Match: *" and creates an object although there is one, or it refuses
// requests with that header.
type UnconditionalError struct {
	Location string // s3://bucket/prefix
}

func (e *UnconditionalError) Error() string {
	return fmt.Sprintf("%s: the server does not know conditional writes (If-None-Match: *), so two runs at once could overwrite each other's commits and lose data; "+
		"use a store that knows them, or set `destination.single_writer: true` and make sure yourself that never more than one process writes to these tables", e.Location)
}

// NotWritten says that the object was not sent: the probe comes first.
func (e *UnconditionalError) NotWritten() bool { return true }

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, key string, body []byte) error {
	full, err := s.ready(ctx, key)
	if err == nil && s.o.SingleWriter {
		return s.explain("create", key, s.createAlone(ctx, full, body))
	}
	if err == nil {
		err = s.prove(ctx)
	}
	if err == nil {
		err = s.create(ctx, full, body, withRetryer(s.retryRefused()))
	}
	return s.explain("create", key, err)
}

func (s *Store) create(ctx context.Context, full string, body []byte, opts ...func(*awss3.Options)) error {
	in := s.putInput(full, bytes.NewReader(body), int64(len(body)))
	in.IfNoneMatch = aws.String("*")
	_, err := s.client.PutObject(ctx, in, opts...)
	if status(err) == http.StatusPreconditionFailed {
		return store.ErrExists
	}
	return err
}

// createAlone creates without trust in the server: it looks first. Calls of
// this process take turns.
func (s *Store) createAlone(ctx context.Context, full string, body []byte) error {
	s.single.Lock()
	defer s.single.Unlock()
	switch _, err := s.head(ctx, full); {
	case err == nil:
		return store.ErrExists
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	if !s.plain {
		err := s.create(ctx, full, body, withRetryer(s.retryRefused()))
		if !refusesCondition(err) {
			return err
		}
		s.plain = true
	}
	return s.putPlain(ctx, full, body, withRetryer(s.retryRefused()))
}

// putPlain writes without a condition.
func (s *Store) putPlain(ctx context.Context, full string, body []byte, opts ...func(*awss3.Options)) error {
	_, err := s.client.PutObject(ctx, s.putInput(full, bytes.NewReader(body), int64(len(body))), opts...)
	return err
}

// refusesCondition tells whether the server may refuse a request for its
// condition. S3's code for a header that is not known is NotImplemented, with
// status 501 (API reference, "error responses"); some servers call it a bad
// request, and only their words name the header.
func refusesCondition(err error) bool {
	var api smithy.APIError
	switch {
	case status(err) == http.StatusNotImplemented || code(err) == "NotImplemented":
		return true
	case status(err) == http.StatusBadRequest && errors.As(err, &api):
		return strings.Contains(strings.ToLower(api.ErrorMessage()), "if-none-match")
	}
	return false
}

// prove finds out once whether the server refuses to create an object twice.
func (s *Store) prove(ctx context.Context) error {
	s.probing.Lock()
	defer s.probing.Unlock()
	if s.proven {
		return nil
	}
	full, body := s.prefix+probeKey, []byte("paylake\n")
	for range 2 {
		err := s.create(ctx, full, body, withRetryer(s.retryAll()))
		if errors.Is(err, store.ErrExists) {
			s.proven = true
			return nil
		}
		if refusesCondition(err) { // for the condition, if it goes without
			if err = s.putPlain(ctx, full, body); err == nil {
				break
			}
		}
		if err != nil {
			return fmt.Errorf("prove conditional writes with %s: %w", full, err)
		}
	}
	err := s.deleteOne(ctx, full)
	return errors.Join(&UnconditionalError{Location: location(s.o)}, err)
}

// head asks for an object's metadata; [store.ErrNotFound] if there is none.
func (s *Store) head(ctx context.Context, full string) (*awss3.HeadObjectOutput, error) {
	out, err := s.client.HeadObject(ctx, &awss3.HeadObjectInput{
		Bucket: aws.String(s.o.Bucket), Key: aws.String(full), RequestPayer: s.payer(),
	})
	if err != nil {
		return nil, s.absent(ctx, full, err)
	}
	return out, nil
}

// absent turns the answer to a read of an absent object into
// [store.ErrNotFound]. S3 says "denied" instead of "not found" when the
// permission to list is bound to a prefix (API reference, GetObject,
// "Permissions"): then a listing of the key tells.
func (s *Store) absent(ctx context.Context, full string, err error) error {
	switch status(err) {
	case http.StatusNotFound:
		if c := code(err); c == "NoSuchBucket" {
			return err
		}
		return store.ErrNotFound
	case http.StatusForbidden:
		out, lerr := s.client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{
			Bucket: aws.String(s.o.Bucket), Prefix: aws.String(full), MaxKeys: aws.Int32(1), RequestPayer: s.payer(),
		})
		if lerr == nil && (len(out.Contents) == 0 || aws.ToString(out.Contents[0].Key) != full) {
			return store.ErrNotFound
		}
	}
	return err
}
