package extract

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/schema"
)

var (
	errCut     = errors.New("answer was cut short")
	errTimeout = errors.New("no complete answer in time")
	errFinal   = errors.New("no retry would help")
)

// sendStats counts what a request cost.
type sendStats struct{ attempts, throttled int }

// parseFunc takes the body of an answer, which is valid during the call only.
// A *schema.SyntaxError means that the request should be sent again; any other
// error ends it and is returned as it is.
type parseFunc func(body []byte, requestID string) error

// parseError carries an error of a parseFunc through the retries.
type parseError struct{ cause error }

func (e *parseError) Error() string { return e.cause.Error() }

// get sends a request until it is answered and parsed, a final error, or the
// end of its tries. An answer that asks to slow down is no try: the limiters
// pace those, and RetryFor ends them. The end of ctx wins at once. Errors are *StatusError,
// *RequestError, those of parse, or the context's cause.
func (c *Client) get(ctx context.Context, q query, parse parseFunc) (stats sendStats, err error) {
	start := time.Now()
	for {
		sent, err := acquire(ctx, c.limiters(q)...)
		if err != nil {
			return stats, err
		}
		stats.attempts++
		err = c.once(ctx, q, parse)
		if ctx.Err() != nil {
			return stats, context.Cause(ctx)
		}
		var parsed *parseError
		switch {
		case err == nil:
			for _, l := range c.limiters(q) {
				l.succeeded(sent)
			}
			return stats, nil
		case errors.As(err, &parsed):
			return stats, parsed.cause
		case isFinal(err):
			return stats, c.final(q, stats, start, err)
		}
		if err := c.pause(ctx, q, sent, start, &stats, err); err != nil {
			return stats, err
		}
	}
}

// pause waits before the next attempt, or gives up. When the source asks to
// slow down it only notes that: the limiters make us wait, and everybody else.
func (c *Client) pause(ctx context.Context, q query, sent, start time.Time, stats *sendStats, cause error) error {
	message, wait, own := "retry", time.Duration(0), time.Duration(0)
	if after, ok := throttle(cause); ok {
		stats.throttled++
		var began bool
		if wait, began = c.slowDown(q, sent, after, asStatus(cause)); began {
			message = "the source asks to slow down"
		}
	} else {
		own = jitter(backoff(stats.attempts - stats.throttled - 1))
		wait = own
	}
	if stats.attempts-stats.throttled >= c.opts.MaxTries || time.Since(start)+wait > c.opts.RetryFor {
		return c.gaveUp(q, *stats, start, cause)
	}
	c.opts.Log.Warn(message, "stream", q.stream, "path", q.path, "attempt", stats.attempts, "cause", c.redact(cause).Error(),
		"wait", wait, "gives_up", start.Add(c.opts.RetryFor).UTC())
	return sleep(ctx, own)
}

// slowDown tells the limiters. A 429 may be meant for everything of the host,
// so its limiter slows down too; a 503 is the row's own trouble. It returns
// the longest pause that is left, and whether this answer began one.
func (c *Client) slowDown(q query, sent time.Time, after time.Duration, status int) (time.Duration, bool) {
	pause, began := q.row.throttled(sent, after)
	if c.host == nil || status != http.StatusTooManyRequests {
		return pause, began
	}
	hostPause, hostBegan := c.host.throttled(sent, after)
	return max(pause, hostPause), began || hostBegan
}

func (c *Client) limiters(q query) []*limiter {
	if c.host == nil {
		return []*limiter{q.row}
	}
	return []*limiter{q.row, c.host}
}

// once sends the request one time.
func (c *Client) once(ctx context.Context, q query, parse parseFunc) error {
	timed, cancel := context.WithTimeoutCause(ctx, c.opts.Timeout, errTimeout)
	defer cancel()
	req, err := c.newRequest(timed, q)
	if err != nil {
		return errors.Join(err, errFinal)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		return attemptError(timed, err)
	}
	defer resp.Body.Close()
	id := c.requestID(resp.Header)
	if resp.StatusCode == http.StatusNoContent { // some lists say "empty" so (API notes, section 9)
		return parsing(parse([]byte("[]"), id))
	}
	if resp.StatusCode != http.StatusOK {
		drain(resp.Body)
		return &answerError{StatusError: newStatusError(q, resp.StatusCode, req.URL.Path, id), header: resp.Header}
	}
	err = c.readBody(resp, func(body []byte) error { return parsing(parse(body, id)) })
	var parsed *parseError
	if err == nil || errors.As(err, &parsed) {
		return err
	}
	return attemptError(timed, err)
}

// parsing marks the errors of a parse function that a retry does not change.
func parsing(err error) error {
	var syntax *schema.SyntaxError
	if err == nil || errors.As(err, &syntax) {
		return err
	}
	return &parseError{cause: err}
}

// attemptError takes the URL, and with it the query, out of an error of the
// HTTP client, and tells the end of the attempt's own time from the caller's.
func attemptError(timed context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var cut interface{ Timeout() bool }
	if errors.Is(context.Cause(timed), errTimeout) || errors.As(err, &cut) && cut.Timeout() {
		return errTimeout
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// answerError is an answer with another status than 200.
type answerError struct {
	*StatusError
	header http.Header
}

func (e *answerError) Unwrap() error { return e.StatusError }

// isFinal classifies: true for what no retry changes.
func isFinal(err error) bool {
	var answer *answerError
	if errors.As(err, &answer) {
		switch answer.Status {
		case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
			return false
		}
		return answer.Status < 500
	}
	var redirect *redirectError
	return errors.As(err, &redirect) || errors.Is(err, ErrTooLarge) || errors.Is(err, errFinal)
}

// throttle says whether an answer asks the whole row to slow down, and for how
// long; a negative time means that it does not say.
func throttle(err error) (time.Duration, bool) {
	var answer *answerError
	if !errors.As(err, &answer) {
		return 0, false
	}
	after := retryAfter(answer.header.Get("Retry-After"), time.Now())
	limited := answer.Status == http.StatusTooManyRequests
	return after, limited || answer.Status == http.StatusServiceUnavailable && after >= 0
}

// retryAfter reads the header in both of its forms (RFC 9110, section
// 10.2.3); -1 if there is none or it makes no sense.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return min(time.Duration(min(seconds, 1<<20))*time.Second, maxPause)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return -1
	}
	return min(max(at.Sub(now), 0), maxPause)
}

func (c *Client) final(q query, stats sendStats, start time.Time, err error) error {
	var answer *answerError
	if errors.As(err, &answer) {
		return answer.StatusError
	}
	return c.gaveUp(q, stats, start, err)
}

func (c *Client) gaveUp(q query, stats sendStats, start time.Time, err error) error {
	return &RequestError{
		Stream: q.stream, Method: http.MethodGet, Path: c.base.JoinPath(q.path).Path,
		Attempts: stats.attempts, Elapsed: time.Since(start), Cause: c.redact(err),
	}
}
