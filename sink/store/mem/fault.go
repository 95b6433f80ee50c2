package mem

// Op is a kind of call to a store.
type Op string

// The kinds of calls.
const (
	Put    Op = "put"
	Create Op = "create"
	Open   Op = "open"
	List   Op = "list"
	Delete Op = "delete"
)

// Fault is one failure to come.
type Fault struct {
	Op   Op    // kind of call that fails; empty: any kind
	N    int   // the N-th such call from now on fails; the next one is 1
	Err  error // what it returns, wrapped
	Late bool  // the call takes effect before it fails: an unclear answer
}

// Inject makes a later call fail once. Several faults may wait at a time.
func (s *Store) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// FailAt makes the n-th call of any kind from now on fail with err, before it
// has an effect.
func (s *Store) FailAt(n int, err error) { s.Inject(Fault{N: n, Err: err}) }

// Calls tells how many calls of the kind there were, or of all kinds for "".
// Calls with a bad key or a context that was over do not count.
func (s *Store) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if op != "" {
		return s.calls[op]
	}
	n := 0
	for _, c := range s.calls {
		n += c
	}
	return n
}

// count notes a call and takes out the fault that is due, if any.
func (s *Store) count(op Op) (Fault, bool) {
	s.calls[op]++
	var due Fault
	var found bool
	rest := s.faults[:0]
	for _, f := range s.faults {
		if f.Op == "" || f.Op == op {
			f.N--
		}
		if f.N == 0 && !found {
			due, found = f, true
			continue
		}
		rest = append(rest, f)
	}
	s.faults = rest
	return due, found
}
