package pipeline_test

import (
	"os"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// TestMain makes Parquet's zstd fit for tests in virtual time: coders that are
// shared by all tests would belong to the first bubble that used them.
func TestMain(m *testing.M) {
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(compress.Codecs.Zstd, freshZstd{codec})
	os.Exit(m.Run())
}

// freshZstd makes a coder for each block.
type freshZstd struct{ compress.Codec }

func (c freshZstd) Encode(dst, src []byte) []byte { return c.EncodeLevel(dst, src, 3) }

func (freshZstd) EncodeLevel(dst, src []byte, level int) []byte {
	e, err := zstd.NewWriter(nil, zstd.WithZeroFrames(true), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	defer e.Close()
	return e.EncodeAll(src, dst[:0])
}

func (c freshZstd) Decode(dst, src []byte) []byte {
	out, err := c.DecodeWithError(dst, src)
	if err != nil {
		panic(err)
	}
	return out
}

func (freshZstd) DecodeWithError(dst, src []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(src, dst[:0])
}
