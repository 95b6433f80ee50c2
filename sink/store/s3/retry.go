package s3

import (
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

const (
	maxAttempts = 8 // of one request; 11 to 23 s of waiting in all
	firstWait   = 100 * time.Millisecond
	maxWait     = 10 * time.Second

	// Tries of a request that cannot reach a server which never answered, or whose
	// time the server does not take: 2 to 3 s of waiting in all.
	hopelessAttempts = 5
)

// retryAll tries idempotent requests again after anything that may pass.
func (s *Store) retryAll() aws.Retryer {
	return s.newRetryer(slices.Concat(retry.DefaultRetryables, []retry.IsErrorRetryable{retry.IsErrorRetryableFunc(cutOff), retry.IsErrorRetryableFunc(mayPass)}))
}

// retryRefused tries a request again only if the server has surely not done
// it. It is for requests that are not idempotent.
func (s *Store) retryRefused() aws.Retryer {
	return s.newRetryer([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(refused)})
}

func (s *Store) newRetryer(when []retry.IsErrorRetryable) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.RateLimiter = ratelimit.None // attempts are bounded; parallel requests do not share a quota
		o.Backoff = retry.BackoffDelayerFunc(s.wait)
		o.Retryables = append([]retry.IsErrorRetryable{retry.NoRetryCanceledError{}, retry.IsErrorRetryableFunc(ours), retry.IsErrorRetryableFunc(s.hopeless)}, when...)
	})
}

// wait doubles with every attempt, of which the first is 1, less a random part of
// up to a half. It gives the error back when there should be no other try.
func (s *Store) wait(attempt int, err error) (time.Duration, error) {
	if attempt >= hopelessAttempts && (code(err) == "RequestTimeTooSkewed" || !s.counts.answered.Load()) {
		return 0, err
	}
	full := min(maxWait, firstWait<<min(attempt, 10))
	return full - rand.N(full/2), nil
}

// hopeless is a failure that no other try mends: of a connection that never can
// come about, and of a server that gave no sign of life yet in a time that is long
// enough.
func (s *Store) hopeless(err error) aws.Ternary {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var silent *silentError
	var credentials *credentialsError
	var op *net.OpError
	switch {
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &silent):
		return aws.FalseTernary
	case s.counts.answered.Load():
		return aws.UnknownTernary
	case errors.As(err, &credentials), errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// ours is a body that could not be read, which no other try mends.
func ours(err error) aws.Ternary {
	var body *bodyError
	if errors.As(err, &body) {
		return aws.FalseTernary
	}
	return aws.UnknownTernary
}

// cutOff is an answer that ended before its end.
func cutOff(err error) aws.Ternary {
	var broken *smithy.DeserializationError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &broken) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// mayPass knows two statuses that the SDK does not: gateways in front of a store
// say 429 for SlowDown, and 409 means that another request for the same object
// was in the way.
func mayPass(err error) aws.Ternary {
	if s := status(err); s == http.StatusTooManyRequests || s == http.StatusConflict {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// refused is an answer by which the server did nothing, or a connection that
// did not come about. 409 is S3's answer to a conditional put that ran into
// another one.
func refused(err error) aws.Ternary {
	var op *net.OpError
	var api smithy.APIError
	switch {
	case errors.As(err, &op) && op.Op == "dial":
		return aws.TrueTernary
	case status(err) == http.StatusConflict, status(err) == http.StatusTooManyRequests:
		return aws.TrueTernary
	case errors.As(err, &api) && slices.Contains([]string{"SlowDown", "RequestTimeTooSkewed", "RequestTimeout", "ThrottlingException"}, api.ErrorCode()):
		return aws.TrueTernary
	}
	return aws.FalseTernary
}
