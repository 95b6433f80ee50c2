package extract

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options configure a Client. BaseURL and Secret are required; every other
// zero field means the default that is named.
type Options struct {
	BaseURL   string            // e.g. https://api.pagar.me/core/v5; http is allowed for loopback hosts only
	Secret    func() string     // HTTP Basic user, with an empty password; never logged. A test key starts with sk_test_
	RateShare float64           // part of each limit that may be used, 0.8
	Limits    map[string]int    // stream name or "all" -> requests a minute; replaces the documented limit, before the share; Unlimited
	Transport http.RoundTripper // TLS 1.2 or newer, proxy from the environment
	UserAgent string            // paylake/dev (+https://github.com/paylake/paylake)
	MaxBody   int64             // bytes of an answer, as sent and decompressed; 64 MiB
	Timeout   time.Duration     // of one request with its body; 60 s
	MaxTries  int               // attempts of a request, less those answered by 429 or 503 with Retry-After; 8
	RetryFor  time.Duration     // no new attempt after this time, whatever the answers; 15 minutes
	Shared    *Limits           // limiters of the run; own ones
	Log       *slog.Logger      // discards
}

// Client sends the requests of one connection. Safe for concurrent use.
type Client struct {
	opts    Options
	base    *url.URL
	http    *http.Client
	host    *limiter // over everything of the host; nil = none
	buffers sync.Pool
	gzips   sync.Pool
}

// NewClient checks the options and makes a client. It sends nothing. Errors
// name what is wrong with the configuration and never hold the key or the URL.
func NewClient(o Options) (*Client, error) {
	base, err := parseBase(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	if o.Secret == nil || o.Secret() == "" {
		return nil, errors.New("the secret key is empty: HTTP Basic needs it as user")
	}
	if strings.ContainsFunc(o.Secret(), func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, errors.New("the secret key holds a space or a control character: look for a line break at its end")
	}
	if o.RateShare < 0 || o.RateShare > 1 {
		return nil, fmt.Errorf("rate share %v: must be more than 0 and at most 1", o.RateShare)
	}
	for name, n := range o.Limits {
		if n <= 0 && n != Unlimited {
			return nil, fmt.Errorf("limit of %s: %d requests a minute: must be positive", name, n)
		}
	}
	c := &Client{opts: o.withDefaults(), base: base}
	c.http = &http.Client{Transport: c.opts.Transport, CheckRedirect: sameOrigin}
	if q, ok := c.opts.hostQuota(isTestKey(o.Secret())); ok {
		c.host = c.opts.Shared.row(base.Host, everything, q)
	}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.RateShare == 0 {
		o.RateShare = 0.8
	}
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.UserAgent == "" {
		o.UserAgent = "paylake/dev (+https://github.com/paylake/paylake)"
	}
	if o.MaxBody == 0 {
		o.MaxBody = 64 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	if o.MaxTries == 0 {
		o.MaxTries = 8
	}
	if o.RetryFor == 0 {
		o.RetryFor = 15 * time.Minute
	}
	if o.Shared == nil {
		o.Shared = NewLimits()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// isTestKey tells test keys from production keys: by the prefix only, the rest
// of the form changes (API notes, section 2).
func isTestKey(key string) bool { return strings.HasPrefix(key, "sk_test_") }

func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errors.New("not a valid URL") // the parser's error would repeat the URL with its credentials
	case u.User != nil:
		return nil, errors.New("must not hold a user or a password: configure the key instead")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not hold a query or a fragment")
	case u.Host == "":
		return nil, errors.New("needs a host, like https://api.pagar.me/core/v5")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, fmt.Errorf("http to %s would send the key in clear: use https", u.Hostname())
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("scheme %q: must be https", u.Scheme)
	}
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// query is one request of a reader.
type query struct {
	stream string
	path   string // below the base URL, escaped
	params url.Values
	row    *limiter
}

func (c *Client) newRequest(ctx context.Context, q query) (*http.Request, error) {
	u := c.base.JoinPath(q.path)
	u.RawQuery = q.params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("build request: not a valid path")
	}
	req.SetBasicAuth(c.opts.Secret(), "")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip") // set by hand: bounded decompression is ours
	req.Header.Set("User-Agent", c.opts.UserAgent)
	return req, nil
}

// limiter gives the limiter of an endpoint's row.
func (c *Client) limiter(ep *Endpoint) *limiter {
	return c.opts.Shared.row(c.base.Host, ep.Limit.Row, c.opts.rowQuota(ep.Table.Name, ep.Limit))
}

// itemLimiter gives the limiter of the row of an endpoint's single records. A
// limit that the user configured for the stream holds for it as well.
func (c *Client) itemLimiter(ep *Endpoint) *limiter {
	if ep.ItemLimit.Row == "" {
		return c.limiter(ep)
	}
	return c.opts.Shared.row(c.base.Host, ep.ItemLimit.Row, c.opts.rowQuota(ep.Table.Name, ep.ItemLimit))
}
