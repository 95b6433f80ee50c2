package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// code is the error code of the server's answer; "" without one.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// status is the HTTP status of a failed answer; 0 without one.
func status(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// denied says which permission on what is missing.
func (s *Store) denied(e *Error) string {
	action, resource := "", objectsARN(s.o, e.Key)
	switch e.Op {
	case "put", "create":
		action = "s3:PutObject"
		if len(s.o.Tags) > 0 {
			action += " and s3:PutObjectTagging"
		}
	case "open", "read":
		action = "s3:GetObject"
	case "delete":
		action = "s3:DeleteObject"
	default:
		action, resource = "s3:ListBucket", bucketARN(s.o)
	}
	if e.Op == "open" || e.Op == "read" {
		resource += " (or s3:ListBucket on " + bucketARN(s.o) + ", without which S3 refuses reads of objects that do not exist)"
	}
	return fmt.Sprintf("access denied: the credentials need %s on %s; `paylake check` prints the whole policy", action, resource)
}

// wrongRegion names the bucket's region if the server told it.
func (s *Store) wrongRegion(err error) string {
	var answer *awshttp.ResponseError
	region := ""
	if errors.As(err, &answer) && answer.Response != nil {
		region = answer.Response.Header.Get("x-amz-bucket-region")
	}
	if region == "" {
		return fmt.Sprintf("the bucket %s is not in the region %s; set destination.region to the bucket's region", s.o.Bucket, s.o.Region)
	}
	return fmt.Sprintf("the bucket %s is not in the region %s; set destination.region: %s", s.o.Bucket, s.o.Region, region)
}

// credentialsError tells a failure to get credentials from other failures.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// marked is a credentials provider whose errors are credentialsErrors.
type marked struct{ aws.CredentialsProvider }

func (m marked) Retrieve(ctx context.Context) (aws.Credentials, error) {
	c, err := m.CredentialsProvider.Retrieve(ctx)
	if err != nil && ctx.Err() == nil {
		err = &credentialsError{err: err}
	}
	return c, err
}

// partition is the part of AWS that a region belongs to, as ARNs name it.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func bucketARN(o Options) string { return "arn:" + partition(o.Region) + ":s3:::" + o.Bucket }

// objectsARN is the ARN of a key below the prefix; "*" stands for all.
func objectsARN(o Options, key string) string {
	arn := bucketARN(o) + "/"
	if o.Prefix != "" {
		arn += o.Prefix + "/"
	}
	return arn + key
}
