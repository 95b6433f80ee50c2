package simapi

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Listen serves a handler on a free loopback port until stop is called or ctx
// ends. The URL includes BasePath. stop returns when the port is closed.
func Listen(ctx context.Context, h http.Handler) (url string, stop func(), err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen on a loopback port: %w", err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		srv.Serve(l) // ends with ErrServerClosed, and with nothing else worth telling
	}()
	release := context.AfterFunc(ctx, func() { srv.Close() })
	stop = func() {
		release()
		srv.Close()
		<-done
	}
	return "http://" + l.Addr().String() + BasePath, stop, nil
}
