package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/paylake/paylake/sink/store"
)

// Error is a request that the store did not grant, or that did not reach it.
// Its text is one line that says what happened and what an operator can do.
type Error struct {
	Op     string // "put", "create", "open", "read", "list" or "delete"
	Key    string // below the prefix
	Code   string // of the server, such as "AccessDenied"; "" without an answer
	Status int    // of HTTP; 0 without an answer
	text   string
	err    error
	// unusable: see Unusable
	unusable bool
}

func (e *Error) Error() string { return e.text }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.err }

// Unusable reports whether the destination as a whole cannot be used now, as far
// as that can be told: no other key would fare better, and trying again soon
// does not help.
func (e *Error) Unusable() bool { return e.unusable }

// Misconfigured reports whether nothing but the configuration can be the cause.
func (e *Error) Misconfigured() bool { return errors.Is(e.err, http.ErrSchemeMismatch) }

// explain wraps an error of an operation on a key; nil stays nil.
func (s *Store) explain(op, key string, err error) error {
	var unconditional *UnconditionalError
	var done *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &done):
		return err
	case errors.As(err, &unconditional), errors.Is(err, store.ErrKey), errors.Is(err, store.ErrExists), errors.Is(err, store.ErrNotFound),
		errors.Is(err, context.Canceled):
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	e := &Error{Op: op, Key: key, Code: code(err), Status: status(err), err: err}
	e.text = strings.Join(strings.Fields(fmt.Sprintf("%s %s: %s", op, s.URL(key), s.describe(e))), " ")
	return e
}

// describe says what an error means.
func (s *Store) describe(e *Error) string {
	if text := s.unreachable(e); text != "" {
		e.unusable = true
		return text
	}
	text := s.known(e)
	if text == "" {
		return e.err.Error()
	}
	e.unusable = !passing(e.Code)
	var api smithy.APIError
	var answer *awshttp.ResponseError
	detail := []string{}
	if e.Code != "" {
		detail = append(detail, e.Code)
	}
	if errors.As(e.err, &api) && api.ErrorMessage() != "" && api.ErrorMessage() != e.Code {
		detail = append(detail, api.ErrorMessage())
	}
	if errors.As(e.err, &answer) && answer.RequestID != "" {
		detail = append(detail, "request "+answer.RequestID)
	}
	if len(detail) == 0 {
		return text
	}
	return text + " (" + strings.Join(detail, "; ") + ")"
}

// known explains the codes of S3's "error responses" that an operator can do
// something about; "" for the others.
func (s *Store) known(e *Error) string {
	switch e.Code {
	case "NoSuchBucket":
		return fmt.Sprintf("the bucket %s does not exist; create it, or correct destination.url or destination.endpoint", s.o.Bucket)
	case "AccessDenied":
		return s.denied(e)
	case "RequestTimeTooSkewed":
		return "this machine's clock is wrong by more than 15 minutes; set it (chrony or ntp)"
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return "the AWS credentials have expired; renew them (aws sso login, or a new session token) and run again"
	case "InvalidToken", "InvalidAccessKeyId", "XAdminUserNotFound":
		return "the store does not know these AWS credentials; check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN, AWS_PROFILE and the endpoint"
	case "SignatureDoesNotMatch":
		return "the store refuses the signature; check AWS_SECRET_ACCESS_KEY, and that no proxy changes requests"
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect":
		return s.wrongRegion(e.err)
	case "SlowDown", "TooManyRequests", "ThrottlingException":
		return fmt.Sprintf("the store asks to slow down, also at the last of %d tries; run again later", maxAttempts)
	case "InvalidObjectState":
		return "the object lies in an archive; restore it, and keep the lake out of archiving lifecycle rules"
	case "InvalidStorageClass":
		return fmt.Sprintf("the store does not know destination.storage_class %s", s.o.StorageClass)
	case "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull":
		return "the store is full; make room or raise its quota, then run again"
	}
	return s.knownStatus(e)
}

// passing tells codes that end by themselves, or that are about one object.
func passing(code string) bool {
	return slices.Contains([]string{"SlowDown", "TooManyRequests", "ThrottlingException", "InvalidObjectState"}, code)
}

// knownStatus explains errors without a code of their own.
func (s *Store) knownStatus(e *Error) string {
	switch {
	case strings.HasPrefix(e.Code, "KMS."):
		return "the KMS key cannot be used; check destination.kms_key, its state and region, and that the credentials may use it"
	case e.Status == http.StatusForbidden:
		return s.denied(e)
	case e.Status == http.StatusMovedPermanently:
		return s.wrongRegion(e.err)
	}
	return ""
}
