// Package virtual makes the process fit for tests in virtual time
// (testing/synctest). It is imported by tests only, and imports nothing of this
// module.
package virtual

import (
	"fmt"
	"os"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/zstd"
)

// Main runs the tests of a package, for its TestMain, with coders that are fit for
// virtual time. It returns the exit code.
func Main(m *testing.M) int {
	if err := freshCoders(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// freshCoders gives Parquet a zstd coder for each block, for the whole process.
// The shared ones hold channels, which belong to the bubble that used them first:
// in another one they end the program.
func freshCoders() error {
	codec, err := compress.GetCodec(compress.Codecs.Zstd)
	if err != nil {
		return fmt.Errorf("find the zstd codec: %w", err)
	}
	compress.RegisterCodec(compress.Codecs.Zstd, freshZstd{codec})
	return nil
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
