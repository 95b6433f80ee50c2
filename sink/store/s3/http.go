package s3

import (
	"context"
	"net"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 60 * time.Second // from the request's last byte to the answer's first
	stallTimeout  = 60 * time.Second // without a byte in either direction
	idlePerHost   = 32               // kept connections
	buffer        = 64 << 10         // bytes of a connection in each direction: fewer system calls
)

// newHTTPClient gives a client that never waits for ever: bodies may take any
// time as long as bytes flow.
func newHTTPClient() *awshttp.BuildableClient {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = headerTimeout
		t.MaxIdleConnsPerHost = idlePerHost
		t.WriteBufferSize, t.ReadBufferSize = buffer, buffer
		t.IdleConnTimeout = stallTimeout / 2 // a kept connection ends before its guard does
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &guarded{Conn: conn}, nil
		}
	})
}

// guarded is a connection that fails when nothing moves for stallTimeout. A
// byte in one direction also prolongs the wait in the other, since an answer
// comes only after a long upload.
type guarded struct{ net.Conn }

func (g *guarded) Read(p []byte) (int, error) {
	if err := g.SetDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	return g.Conn.Read(p)
}

func (g *guarded) Write(p []byte) (int, error) {
	const piece = 256 << 10 // written within the limit, not the whole of p
	written := 0
	for {
		if err := g.SetDeadline(time.Now().Add(stallTimeout)); err != nil {
			return written, err
		}
		n, err := g.Conn.Write(p[written:min(len(p), written+piece)])
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}
