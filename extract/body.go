package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

const (
	firstBuffer = 64 << 10
	keptBuffer  = 4 << 20  // larger buffers are not pooled
	drainBytes  = 64 << 10 // of an answer that is not read, to keep its connection
)

// readBody reads an answer into a pooled buffer and hands it to use. The bytes
// are valid during the call only.
func (c *Client) readBody(resp *http.Response, use func(body []byte) error) error {
	buf, _ := c.buffers.Get().(*bytes.Buffer)
	if buf == nil {
		buf = bytes.NewBuffer(make([]byte, 0, firstBuffer))
	}
	buf.Reset()
	defer func() {
		if buf.Cap() <= keptBuffer {
			c.buffers.Put(buf)
		}
	}()
	if err := c.decompress(resp, buf); err != nil {
		return err
	}
	return use(buf.Bytes())
}

// decompress copies the answer into buf, bounded as sent and as it becomes.
func (c *Client) decompress(resp *http.Response, buf *bytes.Buffer) error {
	sent := &bounded{r: resp.Body, left: c.opts.MaxBody}
	var plain io.Reader = sent
	switch encoding := strings.ToLower(resp.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		if n := resp.ContentLength; n > 0 && n <= keptBuffer {
			buf.Grow(int(n) + bytes.MinRead)
		}
	case "gzip", "x-gzip":
		z, err := c.gzipReader(sent)
		if err != nil {
			return c.bodyError(err)
		}
		defer c.gzips.Put(z)
		plain = &bounded{r: z, left: c.opts.MaxBody}
	default:
		return fmt.Errorf("answer is encoded as %q, which was not asked for: %w", encoding, errFinal)
	}
	_, err := buf.ReadFrom(plain)
	return c.bodyError(err)
}

func (c *Client) gzipReader(r io.Reader) (*gzip.Reader, error) {
	if z, ok := c.gzips.Get().(*gzip.Reader); ok {
		if err := z.Reset(r); err != nil {
			return nil, err
		}
		return z, nil
	}
	return gzip.NewReader(r)
}

func (c *Client) bodyError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrTooLarge):
		return fmt.Errorf("%w: more than %d bytes as sent or decompressed; ask for smaller pages", ErrTooLarge, c.opts.MaxBody)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return fmt.Errorf("read answer: %w", err)
}

// bounded reads at most left bytes and fails when there are more.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

// drain reads a little of an answer that nobody needs, so that its connection
// can be used again.
func drain(body io.Reader) {
	io.CopyN(io.Discard, body, drainBytes) //nolint:errcheck // the answer is not needed
}
