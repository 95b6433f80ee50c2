package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	firstWithin = 15 * time.Second // the first answer of a server
	firstBody   = 1 << 20          // bytes of a request; a larger one may take its time
)

// silentError says that a server never answered.
type silentError struct{ host string }

func (e *silentError) Error() string {
	return fmt.Sprintf("%s does not answer within %s", e.host, firstWithin)
}

// doFirst sends a request to a server that never answered yet: whether it is there
// at all should be known soon.
func doFirst(next awss3.HTTPClient, r *http.Request) (*http.Response, error) {
	if r.ContentLength < 0 || r.ContentLength > firstBody {
		return next.Do(r)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	silent := &silentError{host: r.URL.Host}
	timer := time.AfterFunc(firstWithin, func() { cancel(silent) })
	answer, err := next.Do(r.WithContext(ctx))
	switch {
	case timer.Stop() && err == nil:
		return answer, nil // its body is read with ctx, which ends with the caller's
	case err == nil: // just too late
		err = answer.Body.Close()
	}
	if errors.Is(context.Cause(ctx), silent) {
		err = silent
	}
	cancel(nil)
	return nil, err
}

// unreachable explains why no server that speaks S3 could be asked; "" for other
// errors.
func (s *Store) unreachable(e *Error) string {
	var credentials *credentialsError
	var dns *net.DNSError
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var silent *silentError
	const check = "check destination.endpoint, the network and a proxy (HTTPS_PROXY)"
	switch {
	case errors.As(e.err, &credentials):
		return "no usable AWS credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, set AWS_PROFILE (and run aws sso login), " +
			"or run with a role: " + credentials.err.Error()
	case errors.Is(e.err, http.ErrSchemeMismatch):
		return "the endpoint speaks HTTP, not HTTPS: write http:// in destination.endpoint"
	case errors.As(e.err, &certificate):
		return fmt.Sprintf("the endpoint's certificate is not trusted: %v; check destination.endpoint and this machine's certificates (SSL_CERT_FILE, AWS_CA_BUNDLE)", certificate.Err)
	case errors.As(e.err, &record):
		return "the endpoint does not speak HTTPS; " + check
	case errors.As(e.err, &silent):
		return silent.Error() + "; " + check
	case errors.As(e.err, &dns):
		return fmt.Sprintf("the host %s is not known; check destination.endpoint, destination.region and this machine's name resolution", dns.Name)
	case errors.As(e.err, &op) && op.Op == "dial":
		return fmt.Sprintf("no connection: %v; %s", op, check)
	case foreign(e.err):
		return fmt.Sprintf("the endpoint answers with status %d, but not as S3 does; check destination.endpoint (http or https, host, port) and a proxy in between", e.Status)
	}
	return ""
}

// foreign tells an answer that no S3 server gives: a refusal without the code that
// S3's errors have (API reference, "REST error responses"). Without one, the SDK
// makes code and message of the status. Answers to HEAD have no body at all.
func foreign(err error) bool {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return false
	}
	if r := answer.Response.Request; r != nil && r.Method == http.MethodHead {
		return false
	}
	var api smithy.APIError
	n := answer.HTTPStatusCode()
	switch {
	case n == http.StatusForbidden, n < 300, n >= 500, answer.Response.Header.Get("x-amz-bucket-region") != "":
		return false
	case !errors.As(err, &api):
		return true
	}
	text := http.StatusText(n)
	made := api.ErrorMessage() == text && api.ErrorCode() == strings.ReplaceAll(text, " ", "")
	return made && !slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed, http.StatusTooManyRequests}, n)
}
