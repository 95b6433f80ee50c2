package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/paylake/paylake/schema"
)

const (
	readAhead = 1 << 20   // bytes read at once, at least
	maxAnswer = 120 << 20 // bytes of one answer: more than the decoder takes at once
)

// answer is one JSON value of an input of decode.
type answer struct {
	body []byte // valid until the next value is read
	line int    // where it starts, from 1
	err  error  // body is not valid JSON
}

// answers finds the JSON values of an input: one alone, or several with or
// without line breaks between them. It holds one value at a time, so JSON lines
// may be of any length.
type answers struct {
	in         io.Reader
	store      []byte
	start, end int // what was read and not yet taken is store[start:end]
	line       int // of start, from 1
	ended      bool
}

// newAnswers reads from in, from its first byte on.
func newAnswers(in io.Reader) (*answers, error) {
	a := &answers{in: in, line: 1}
	err := a.more()
	if bytes.HasPrefix(a.rest(), []byte("\xef\xbb\xbf")) {
		a.take(3)
	}
	return a, err
}

func (a *answers) rest() []byte { return a.store[a.start:a.end] }

// take leaves the next n bytes behind.
func (a *answers) take(n int) {
	a.line += bytes.Count(a.store[a.start:a.start+n], []byte("\n"))
	a.start += n
}

// more reads at least as much again as there is, or to the end of the input.
// What rest returned before is no longer valid.
func (a *answers) more() error {
	held := a.end - a.start
	if held > maxAnswer {
		return fmt.Errorf("the answer of line %d is longer than %d MiB; split it", a.line, maxAnswer>>20)
	}
	size := held + max(held, readAhead)
	if size <= len(a.store) {
		copy(a.store, a.rest())
	} else {
		larger := make([]byte, size)
		copy(larger, a.rest())
		a.store = larger
	}
	n, err := io.ReadFull(a.in, a.store[held:size])
	a.start, a.end = 0, held+n
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		a.ended = true
		return nil
	}
	return err
}

// space passes over white space. It gives io.EOF if nothing follows.
func (a *answers) space() error {
	for {
		rest := a.rest()
		a.take(len(rest) - len(bytes.TrimLeft(rest, " \t\r\n")))
		if a.start < a.end {
			return nil
		}
		if a.ended {
			return io.EOF
		}
		if err := a.more(); err != nil {
			return err
		}
	}
}

// guess gives the next line if it looks like one object. Only a parser can tell
// whether it is one; if so, take it, otherwise call next.
func (a *answers) guess() (answer, bool, error) {
	for {
		rest := a.rest()
		i := bytes.IndexByte(rest, '\n')
		if i < 0 && !a.ended {
			if err := a.more(); err != nil {
				return answer{}, false, err
			}
			continue
		}
		if i >= 0 {
			rest = rest[:i]
		}
		rest = bytes.TrimRight(rest, " \t\r")
		looks := len(rest) > 1 && rest[0] == '{' && rest[len(rest)-1] == '}'
		return answer{body: rest, line: a.line}, looks, nil
	}
}

// next takes the next value. A value that is broken is an answer with an error.
// The line behind it is then the next if a value seems to start there, as in
// JSON lines; otherwise the rest of the input is given up.
func (a *answers) next() (answer, error) {
	for {
		n, err := firstValue(a.rest())
		unsure := errors.Is(err, errCut) || err == nil && n == a.end-a.start // 12 may become 123
		if unsure && !a.ended {
			if err := a.more(); err != nil {
				return answer{}, err
			}
			continue
		}
		out := answer{line: a.line}
		if err != nil {
			out.err = fmt.Errorf("not valid JSON: %w", err)
			return out, a.nextLine()
		}
		out.body = a.rest()[:n]
		a.take(n)
		return out, nil
	}
}

var errCut = errors.New("it ends in the middle")

// firstValue gives the length of the JSON value at the start of data.
func firstValue(data []byte) (int, error) {
	var value json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, errCut
		}
		return 0, err
	}
	return int(decoder.InputOffset()), nil
}

// nextLine goes to the next line if an object or a list opens it, else to the
// end of the input.
func (a *answers) nextLine() error {
	i := bytes.IndexByte(a.rest(), '\n') + 1
	for (i == 0 || i == a.end-a.start) && !a.ended {
		if err := a.more(); err != nil {
			return err
		}
		i = bytes.IndexByte(a.rest(), '\n') + 1
	}
	if rest := a.rest(); i > 0 && i < len(rest) && (rest[i] == '{' || rest[i] == '[') {
		a.take(i)
		return nil
	}
	a.start, a.ended = a.end, true
	return nil
}

// layoutOf tells what an answer is: a list envelope has a list under dataKey,
// any other object is one record.
func layoutOf(body []byte, dataKey string) schema.Layout {
	single := schema.Layout{DataKey: dataKey, Single: true}
	if body[0] == '[' {
		return schema.Layout{DataKey: dataKey}
	}
	if !bytes.Contains(body, []byte(`"`+dataKey+`"`)) { // most records, and cheaper than to parse them
		return single
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) == nil {
		if list, ok := members[dataKey]; ok && len(list) > 0 && list[0] == '[' {
			return schema.Layout{DataKey: dataKey}
		}
	}
	return single
}
