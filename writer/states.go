package writer

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// maxStates is how many states are counted: more are no states but texts.
const maxStates = 64

// states counts the rows of a file by the state of their record.
type states struct {
	rows map[string]*int64
	many bool // too many states: there is no count
}

// add counts the values of a text column, null as "".
func (s *states) add(col arrow.Array) {
	text, ok := col.(*array.String)
	if !ok || s.many {
		s.many = true
		return
	}
	for i := range text.Len() {
		v := ""
		if text.IsValid(i) {
			v = text.Value(i)
		}
		if n, ok := s.rows[v]; ok {
			*n++
			continue
		}
		if len(s.rows) == maxStates {
			s.many = true
			return
		}
		if s.rows == nil {
			s.rows = map[string]*int64{}
		}
		one := int64(1)
		s.rows[strings.Clone(v)] = &one // the batch is released
	}
}

// counts returns the number of rows by state, nil where nothing was counted.
func (s *states) counts() map[string]int64 {
	if s.many || s.rows == nil {
		return nil
	}
	out := make(map[string]int64, len(s.rows))
	for state, n := range s.rows {
		out[state] = *n
	}
	return out
}
