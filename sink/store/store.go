package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode/utf8"
)

// ErrExists reports that [Store.Create] found an object under the key.
var ErrExists = errors.New("object exists already")

// ErrNotFound reports that [Store.Open] found no object under the key.
var ErrNotFound = errors.New("object not found")

// ErrKey reports a key that breaks the rules of [CheckKey].
var ErrKey = errors.New("not a valid key")

// Object describes a stored object.
type Object struct {
	Key      string
	Size     int64     // bytes
	Modified time.Time // UTC, of the store's clock
}

// Store keeps whole objects under keys.
//
// A key is UTF-8 text of segments separated by "/": see [CheckKey]. Keys are
// names, not paths: "a" and "a/b" may not both be objects, because a directory
// on disk could not hold them. Every method refuses a bad key with [ErrKey].
//
// A Store is safe for concurrent use. A method whose context is cancelled when
// it is called changes nothing and returns the context's error. When the
// context ends during the call, a write has either happened as a whole or not
// at all; the returned error then does not tell which.
//
// Errors carry the operation and the key and wrap their cause. Only ErrExists
// and ErrNotFound have a meaning to branch on.
type Store interface {
	// Put writes the object under key, in place of any object there. Readers
	// see the old object or the new one, never a part. The object is durable
	// when Put returns. Put reads body from its start and may read it more
	// than once; the caller closes what is behind it.
	Put(ctx context.Context, key string, body io.ReadSeeker) error

	// Create writes the object only if key holds none, else it returns
	// ErrExists. Of any number of concurrent calls, in any number of
	// processes, exactly one succeeds, and readers see its object whole. Any
	// other error leaves it open whether the object was written: read the key
	// to find out. The object is durable when Create returns. body is not
	// kept.
	Create(ctx context.Context, key string, body []byte) error

	// Open reads n bytes of the object from offset off, or up to the end when
	// n is negative or goes past the end. An offset at or past the end gives
	// an empty reader. It returns ErrNotFound when key holds no object. The
	// caller closes the reader. ctx covers the reads, too.
	Open(ctx context.Context, key string, off, n int64) (io.ReadCloser, error)

	// List yields the objects whose keys start with prefix and are greater
	// than after, in ascending byte order of the whole key ("a-b" comes before
	// "a/b"). prefix and after are plain text: they may end inside a segment
	// and may be empty. Objects that are written or deleted during the listing
	// may or may not be seen. An error is yielded once, as the last item.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]

	// Delete removes the objects under keys. A key without an object is fine.
	// It stops at the first error; then some keys may be gone.
	Delete(ctx context.Context, keys ...string) error
}

// CheckKey tells whether key may name an object: valid UTF-8 of at most 1024
// bytes; segments between "/", none of them empty, "." or ".."; no control
// characters and no backslash. A segment must not start with ".tmp-", which
// stores use for unfinished work. The error wraps [ErrKey].
func CheckKey(key string) error {
	if len(key) > 1024 || !utf8.ValidString(key) {
		return fmt.Errorf("%w: %q: not UTF-8 of at most 1024 bytes", ErrKey, key)
	}
	if i := strings.IndexFunc(key, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }); i >= 0 {
		return fmt.Errorf("%w: %q: character %q", ErrKey, key, key[i])
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." || strings.HasPrefix(segment, TempPrefix) {
			return fmt.Errorf("%w: %q: segment %q", ErrKey, key, segment)
		}
	}
	return nil
}

// TempPrefix starts the names of unfinished objects. No key has it, and no
// listing shows them.
const TempPrefix = ".tmp-"
