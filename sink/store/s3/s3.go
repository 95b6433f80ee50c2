package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"

	"github.com/paylake/paylake/sink/store"
)

// Options say where a store lies and how its objects are written.
type Options struct {
	Bucket        string
	Prefix        string            // of all keys, without slashes at its ends; "" for the whole bucket
	Region        string            // "" takes that of the environment, profile or instance
	Endpoint      string            // URL of another server than AWS; "" takes that of the environment, or AWS
	PathStyle     bool              // the bucket stands in the path, not in the host name
	Encryption    string            // "", "AES256" or "aws:kms"
	KMSKey        string            // of aws:kms; "" is the account's default key
	StorageClass  string            // "" is STANDARD
	Tags          map[string]string // of every object
	RequesterPays bool
	// SingleWriter writes to a server without conditional puts. Then nothing
	// but care keeps two processes from writing over one another.
	SingleWriter bool
	PartsAbove   int64        // bytes; larger objects are uploaded in parts; 0 is 160 MiB, and S3 takes up to 5 GiB
	HTTPClient   *http.Client // for requests to the bucket; nil makes one with time limits
}

// Store keeps objects in a bucket. It is safe for concurrent use, also by
// several processes. Make it with [New].
type Store struct {
	client    *awss3.Client
	o         Options
	prefix    string // of keys: "" or ending with "/"
	checksums bool   // parts of uploads carry checksums
	counts    *counter

	probing sync.Mutex // held during the probe
	proven  bool       // the server refuses to create an object twice

	single sync.Mutex // makes Create exclusive within the process in SingleWriter mode
	plain  bool       // then: the server refuses conditions; guarded by single
}

var _ store.Store = (*Store)(nil)

// New gives the store. It reads the SDK's environment variables and profile
// files, and may ask the instance for its region, but sends nothing to the
// bucket.
func New(ctx context.Context, o Options) (*Store, error) {
	o.Prefix = strings.Trim(o.Prefix, "/")
	if o.Bucket == "" {
		return nil, errors.New("open s3 store: no bucket")
	}
	if o.Prefix != "" {
		if err := store.CheckKey(o.Prefix); err != nil {
			return nil, fmt.Errorf("open %s: prefix: %w", location(o), err)
		}
	}
	cfg, err := load(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: read the AWS settings (AWS_PROFILE, ~/.aws/config): %w", location(o), err)
	}
	if cfg.Region, err = region(o, cfg); err != nil {
		return nil, err
	}
	o.Region = cfg.Region
	if o.PartsAbove <= 0 {
		o.PartsAbove = defaultPartsAbove
	}
	if cfg.Credentials != nil {
		cfg.Credentials = marked{cfg.Credentials}
	}
	s := &Store{o: o, counts: newCounter(cfg.HTTPClient), checksums: cfg.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired}
	if o.Prefix != "" {
		s.prefix = o.Prefix + "/"
	}
	s.client = awss3.NewFromConfig(cfg, func(c *awss3.Options) {
		c.HTTPClient = s.counts
		c.UsePathStyle = o.PathStyle
		c.DisableLogOutputChecksumValidationSkipped = true // other servers keep none
		c.Retryer = s.retryAll()
		if o.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.Endpoint)
		}
	})
	return s, nil
}

// region is the one that was chosen. Other servers than AWS need none; us-east-1
// is what they take.
func region(o Options, cfg aws.Config) (string, error) {
	switch {
	case cfg.Region != "":
		return cfg.Region, nil
	case o.Endpoint == "" && aws.ToString(cfg.BaseEndpoint) == "":
		return "", fmt.Errorf("open %s: no region is known; set destination.region or AWS_REGION", location(o))
	}
	return "us-east-1", nil
}

// load reads what the SDK finds around the process.
func load(ctx context.Context, o Options) (aws.Config, error) {
	opts := []func(*config.LoadOptions) error{config.WithHTTPClient(newHTTPClient()), config.WithLogger(logging.Nop{})} // errors tell what matters
	if o.Region != "" {
		opts = append(opts, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if o.HTTPClient != nil {
		cfg.HTTPClient = o.HTTPClient
	}
	return cfg, err
}

// URL gives the object's address, as engines that read S3 want it. The key may
// be empty.
func (s *Store) URL(key string) string { return "s3://" + s.o.Bucket + "/" + s.prefix + key }

// Requests counts the HTTP requests that were sent to the bucket by their kind:
// "put", "create", "get", "head", "list", "delete" and "multipart" (all steps
// of a multipart upload). Every try counts.
func (s *Store) Requests() map[string]int64 { return s.counts.snapshot() }

// location names the store in errors.
func location(o Options) string { return strings.TrimSuffix("s3://"+o.Bucket+"/"+o.Prefix, "/") }

// ready checks what every call with a key checks, and gives the full key.
func (s *Store) ready(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := store.CheckKey(key); err != nil {
		return "", err
	}
	if n := len(s.prefix) + len(key); n > 1024 {
		return "", fmt.Errorf("%w: %d bytes with the prefix, S3 allows 1024", store.ErrKey, n)
	}
	return s.prefix + key, nil
}

// payer is the requester-pays switch of a request.
func (s *Store) payer() types.RequestPayer {
	if s.o.RequesterPays {
		return types.RequestPayerRequester
	}
	return ""
}

// tagging is the x-amz-tagging header; nil without tags.
func (s *Store) tagging() *string {
	if len(s.o.Tags) == 0 {
		return nil
	}
	values := url.Values{}
	for k, v := range s.o.Tags {
		values.Set(k, v)
	}
	return aws.String(values.Encode())
}

// kmsKey is the key id header; nil unless a key is chosen.
func (s *Store) kmsKey() *string {
	if s.o.KMSKey == "" {
		return nil
	}
	return aws.String(s.o.KMSKey)
}
