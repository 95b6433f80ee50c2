package extract

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

const maxRedirects = 3

// newTransport makes the default transport. It speaks HTTP/1.1: a broken
// connection then costs one request and not all that are in flight.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 proxy,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true,
	}
}

// proxy is http.ProxyFromEnvironment, with an error that does not repeat the
// proxy's address: it may hold a password.
func proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		return nil, errors.New("the proxy address in the environment is not valid")
	}
	return u, nil
}

// redirectError is a redirect that was refused.
type redirectError struct{ target string }

func (e *redirectError) Error() string {
	return fmt.Sprintf("redirect to %s refused: the key goes to the configured host only; check the base URL", e.target)
}

// sameOrigin lets a redirect pass only within scheme, host and port of the
// first request. Anything else would carry the credentials, or the data's
// origin, elsewhere.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host || req.URL.User != nil {
		return &redirectError{target: fmt.Sprintf("%s://%q", req.URL.Scheme, req.URL.Host)}
	}
	if len(via) > maxRedirects {
		return &redirectError{target: "the same host again and again"}
	}
	return nil
}
