package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/paylake/paylake/schema"
)

// answer is one JSON value of an input of decode.
type answer struct {
	body []byte
	line int // where it starts, from 1
	err  error
}

// split finds the JSON values of an input: one alone, or several with or
// without line breaks between them. A value that is broken is an answer with
// an error. The next line is then tried if a value seems to start there, as in
// JSON lines; otherwise the rest is given up.
func split(data []byte) iter.Seq[answer] {
	return func(yield func(answer) bool) {
		rest, line := bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), 1
		skip := func(n int) {
			line += bytes.Count(rest[:n], []byte("\n"))
			rest = rest[n:]
		}
		for {
			skip(len(rest) - len(bytes.TrimLeft(rest, " \t\r\n")))
			if len(rest) == 0 {
				return
			}
			n, err := firstValue(rest)
			if err != nil {
				err = fmt.Errorf("not valid JSON: %w", err)
				if n = nextLine(rest); n == len(rest) {
					yield(answer{line: line, err: err})
					return
				}
			}
			if !yield(answer{body: rest[:n], line: line, err: err}) {
				return
			}
			skip(n)
		}
	}
}

// firstValue gives the length of the JSON value at the start of data.
func firstValue(data []byte) (int, error) {
	var value json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, errors.New("it ends in the middle")
		}
		return 0, err
	}
	return int(decoder.InputOffset()), nil
}

// nextLine gives where the next line starts if an object or a list opens it,
// else the end of data.
func nextLine(data []byte) int {
	i := bytes.IndexByte(data, '\n') + 1
	if i > 0 && i < len(data) && (data[i] == '{' || data[i] == '[') {
		return i
	}
	return len(data)
}

// layoutOf tells what an answer is: a list envelope has a list under dataKey,
// any other object is one record.
func layoutOf(body []byte, dataKey string) schema.Layout {
	var members map[string]json.RawMessage
	if body[0] == '[' {
		return schema.Layout{DataKey: dataKey}
	}
	if json.Unmarshal(body, &members) == nil {
		if list, ok := members[dataKey]; ok && len(list) > 0 && list[0] == '[' {
			return schema.Layout{DataKey: dataKey}
		}
	}
	return schema.Layout{DataKey: dataKey, Single: true}
}
