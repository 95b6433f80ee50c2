package parquet

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"
)

// packer puts the pages of a column chunk together.
type packer struct {
	zstd   *zstd.Encoder
	codec  int64
	header compact
	body   []byte // of the page, filled by the caller
	small  []byte // the same, compressed
	out    []byte // the pages so far
	raw    int64  // bytes of the pages so far, as if they were not compressed
	pages  int    // data pages so far
}

func newPacker() (packer, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderCRC(false), zstd.WithZeroFrames(true), zstd.WithWindowSize(pageBytes), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		return packer{}, fmt.Errorf("start compression: %w", err)
	}
	return packer{zstd: z}, nil
}

// begin starts a chunk.
func (p *packer) begin(codec int64) {
	p.codec, p.out, p.raw, p.pages = codec, p.out[:0], 0, 0
}

// add ends the page in body (parquet.thrift, PageHeader).
func (p *packer) add(kind int64, count int, e Encoding) error {
	if len(p.body) > math.MaxInt32 {
		return fmt.Errorf("a page has %d bytes, more than the format can say", len(p.body))
	}
	packed := p.body
	if p.codec == zstandard {
		p.small = p.zstd.EncodeAll(p.body, p.small[:0])
		packed = p.small
	}
	h := &p.header
	h.reset()
	h.i32(1, kind)
	h.i32(2, int64(len(p.body)))
	h.i32(3, int64(len(packed)))
	if kind == dictionaryPage {
		h.begin(7)
		h.i32(1, int64(count))
		h.i32(2, int64(Plain))
	} else {
		p.pages++
		h.begin(5)
		h.i32(1, int64(count))
		h.i32(2, int64(e))
		h.i32(3, int64(rle))
		h.i32(4, int64(rle))
	}
	h.end()
	h.stop()
	p.raw += int64(len(h.buf) + len(p.body))
	p.out = append(append(p.out, h.buf...), packed...)
	return nil
}

// appendLevels appends levels with their length before them.
func appendLevels(dst, all []byte, width uint8) []byte {
	if width == 0 {
		return dst
	}
	start := len(dst)
	dst = appendHybrid(append(dst, 0, 0, 0, 0), all, int(width))
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}
