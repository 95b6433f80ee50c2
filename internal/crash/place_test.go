package crash_test

import (
	"context"

	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/s3"
)

// place is where a lake lies: on local disk, or in a bucket.
type place struct {
	Dir      string
	Endpoint string // of the S3 server; the credentials are in the environment
	Bucket   string
	Prefix   string
}

func (p place) open(ctx context.Context) (store.Store, error) {
	if p.Dir != "" {
		return local.New(p.Dir)
	}
	return s3.New(ctx, s3.Options{Bucket: p.Bucket, Prefix: p.Prefix, Endpoint: p.Endpoint, Region: "us-east-1", PathStyle: true})
}
