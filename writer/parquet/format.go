package parquet

// Numbers of parquet.thrift.

// Encoding is how the values of a column are written.
type Encoding int64

// The encodings that are written.
const (
	Plain      Encoding = 0
	rle        Encoding = 3 // of levels
	Delta      Encoding = 5 // DELTA_BINARY_PACKED, of 64-bit integers
	Dictionary Encoding = 8 // RLE_DICTIONARY, of strings
)

// Physical types.
const (
	typeBoolean   = 0
	typeInt64     = 2
	typeByteArray = 6
)

// Kinds of pages.
const (
	dataPage       = 0
	dictionaryPage = 2
)

// Codecs.
const (
	uncompressed = 0
	zstandard    = 6
)

// magic begins and ends a file.
const magic = "PAR1"

// pageBytes is the most that a page of several rows holds before compression.
const pageBytes = 1 << 20

// boundBytes is the longest bound in the statistics of a chunk.
const boundBytes = 4096
