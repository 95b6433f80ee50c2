package s3

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// maxBatch is how many objects one request deletes (API reference,
// DeleteObjects).
const maxBatch = 1000

// Delete implements [store.Store]: one key in a request of its own, more in
// batches of a thousand.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	full := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if full[i], err = s.ready(ctx, key); err != nil {
			return s.explain("delete", key, err)
		}
	}
	if len(full) == 1 {
		return s.explain("delete", keys[0], s.deleteOne(ctx, full[0]))
	}
	for batch := range slices.Chunk(full, maxBatch) {
		if err := s.deleteBatch(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) deleteOne(ctx context.Context, full string) error {
	_, err := s.client.DeleteObject(ctx, &awss3.DeleteObjectInput{
		Bucket: aws.String(s.o.Bucket), Key: aws.String(full), RequestPayer: s.payer(),
	})
	if status(err) == http.StatusNotFound && code(err) != "NoSuchBucket" {
		return nil
	}
	return err
}

// deleteBatch deletes up to maxBatch keys. The answer lists those that failed;
// the first of them becomes the error.
func (s *Store) deleteBatch(ctx context.Context, batch []string) error {
	ids := make([]types.ObjectIdentifier, len(batch))
	for i, full := range batch {
		ids[i] = types.ObjectIdentifier{Key: aws.String(full)}
	}
	out, err := s.client.DeleteObjects(ctx, &awss3.DeleteObjectsInput{
		Bucket: aws.String(s.o.Bucket), Delete: &types.Delete{Objects: ids, Quiet: aws.Bool(true)}, RequestPayer: s.payer(),
	})
	if err != nil {
		return s.explain("delete", fmt.Sprintf("%s and %d more", batch[0][len(s.prefix):], len(batch)-1), err)
	}
	for _, e := range out.Errors {
		if c := aws.ToString(e.Code); c != "NoSuchKey" {
			key := aws.ToString(e.Key)
			return s.explain("delete", key[min(len(key), len(s.prefix)):], &smithy.GenericAPIError{Code: c, Message: aws.ToString(e.Message)})
		}
	}
	return nil
}
