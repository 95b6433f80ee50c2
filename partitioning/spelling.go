package partitioning

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/zeebo/xxh3"
)

// nullDirectory is how Hive and Spark spell the null partition's directory.
const nullDirectory = "__HIVE_DEFAULT_PARTITION__"

// Dir returns the directory of partition v below the table's root, without a
// slash: "created_date=2026-11-21". A value with characters that engines escape
// in different ways gets a hash in its place, which the Delta protocol allows:
// readers take values from the log (PROTOCOL.md, "Partition Value
// Serialization"). For an unpartitioned table it is "".
func (s Spec) Dir(v Value) string {
	switch {
	case s.Column == "":
		return ""
	case v == "":
		return s.Column + "=" + nullDirectory
	case plain(string(v)) && v != nullDirectory:
		return s.Column + "=" + string(v)
	}
	return fmt.Sprintf("%s=~%08x", s.Column, uint32(xxh3.HashString(string(v))))
}

// plain reports whether text has only characters that no engine escapes.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; !unreserved(c) || c == '~' {
			return false
		}
	}
	return text != ""
}

// unreserved reports whether RFC 3986 never escapes c in a path.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// URI encodes a slash-separated path relative to the table's root as add.path
// and remove.path want it (PROTOCOL.md, "Add File and Remove File"). Everything
// but unreserved characters, "/" and "=" is percent-encoded, "+" too.
func URI(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(path))
	for i := range len(path) {
		c := path[i]
		if unreserved(c) || c == '/' || c == '=' {
			b.WriteByte(c)
			continue
		}
		b.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return b.String()
}

// FromURI decodes an add.path or remove.path that any engine wrote. A "+" is a
// plus sign.
func FromURI(uri string) (string, error) {
	path, err := url.PathUnescape(uri)
	if err != nil {
		return "", fmt.Errorf("decode path %q: %w", uri, err)
	}
	return path, nil
}
