package s3

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/paylake/paylake/sink/store"
)

// List implements [store.Store]. It leaves out names that no key of this
// program can have, such as the empty objects that mark folders.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		err := ctx.Err()
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 && err == nil && store.CheckKey(prefix[:i]) != nil {
			return // no object can have such a key
		}
		if err == nil {
			err = s.list(ctx, prefix, after, yield)
		}
		if err != nil {
			yield(store.Object{}, s.explain("list", prefix, err))
		}
	}
}

func (s *Store) list(ctx context.Context, prefix, after string, yield func(store.Object, error) bool) error {
	in := &awss3.ListObjectsV2Input{Bucket: aws.String(s.o.Bucket), Prefix: aws.String(s.prefix + prefix), RequestPayer: s.payer()}
	if after != "" {
		in.StartAfter = aws.String(s.prefix + after)
	}
	last := after
	for {
		out, err := s.client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		if len(out.Contents) == 0 && out.Name == nil && out.KeyCount == nil && out.MaxKeys == nil && out.IsTruncated == nil {
			return errors.New("the answer is no listing: something between here and the store answers in its place; check destination.endpoint and proxies (HTTPS_PROXY)")
		}
		for _, c := range out.Contents {
			key, ok := strings.CutPrefix(aws.ToString(c.Key), s.prefix)
			if !ok || !strings.HasPrefix(key, prefix) || key <= after || store.CheckKey(key) != nil {
				continue
			}
			if key <= last {
				return fmt.Errorf("the server does not list in byte order: %q after %q", key, last)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			last = key
			if !yield(store.Object{Key: key, Size: aws.ToInt64(c.Size), Modified: aws.ToTime(c.LastModified).In(time.UTC)}, nil) {
				return nil
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		next := aws.ToString(out.NextContinuationToken)
		if next == "" || next == aws.ToString(in.ContinuationToken) {
			return fmt.Errorf("the server says that more follows %q, but not how to go on", last)
		}
		in.ContinuationToken = aws.String(next)
	}
}
