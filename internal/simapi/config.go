package simapi

import "time"

// Config holds the switches of a Server. The zero Config is the platform as it
// is documented, with its rate limits. Streams are named as tables: Orders,
// Charges, Payables, BalanceOperations, Recipients, RecipientBalance, Hooks.
//
// A switch that happens every n-th request counts all requests of the server
// that got past their key and their rate limit, so the retry of a failed
// request has another number. With n = 1 every request fails.
type Config struct {
	Shape
	Paging
	Filters
	Faults
	Feed

	// Keys are the secret keys that are accepted; empty = any that begins with
	// sk_. The password must be empty.
	Keys []string
	// NoLimits turns the rate limits off.
	NoLimits bool
	// Limits replaces the documented requests a minute of a row: "orders",
	// "charges", "payables", "balance/operations", "recipients", "hooks",
	// "orders/*", "charges/*", "recipients/*".
	Limits map[string]int
	// HorizonMonths is how far back lists answer. 0 = as documented: 24 months
	// for payables by cursor, no bound elsewhere; -1 = no bound.
	HorizonMonths int
	// Empty answers every list with no records; EmptyStreams only some.
	Empty        bool
	EmptyStreams []string
	// Status answers a stream, or "*" for all, with a status and its
	// documented body: 400, 401, 403, 404, 410, 412, 422, 429, 500, 503.
	Status map[string]int
	// BalanceGone answers GET /balance/operations with 404, as since
	// 2026-08-28.
	BalanceGone bool
	// TickPerRequest moves the clock on with every request: new records appear
	// at the head of the lists while they are read.
	TickPerRequest time.Duration
	// BackdateAfter hides about one record in forty until so many requests
	// have been answered for its stream: then they appear inside windows that
	// were read already. The truth always includes them.
	BackdateAfter int
	// Deleted tells when a record is gone for good from lists, totals, items
	// and the truth; the zero time = never. Record.JSON is not set. nil = never.
	// It must be a pure function. World.Late.TestData removes whole orders.
	Deleted func(stream string, r Record) time.Time
	// MissingIs400 answers 400 instead of 404 for an item that is not there.
	MissingIs400 bool
	// Outages are times in which every request fails.
	Outages []Outage
	// ContractChange is the moment of a change like that of 2026-08-28. Before
	// it payables are listed by page, with numbers for ids; from then on by
	// cursor, with string ids and other fields, 24 months back; balance
	// operations are gone, and orders have a member that no schema knows.
	// It overrides PayablesByPage, NumericIDs, BalanceGone and OrderField.
	ContractChange time.Time
}

// Paging says how lists are cut into pages.
type Paging struct {
	// PayablesByPage serves payables by page and size, as before 2026-08-28.
	PayablesByPage bool
	// OldestFirst lists in the order of creation; the default is newest first.
	OldestFirst bool
	// MaxSize is the largest page of a stream; larger sizes are cut without a
	// word. Default: 1000 for payables and balance operations, 30 elsewhere.
	MaxSize map[string]int
	// TotalMissing leaves paging.total out; TotalOffset is added to it;
	// TotalChanges makes it differ from request to request.
	TotalMissing bool
	TotalOffset  int
	TotalChanges bool
	// NextMissing leaves paging.next out; NextForever gives one on the last
	// page and on empty pages too; NextBase replaces its documented host and
	// version (a URL without a path).
	NextMissing bool
	NextForever bool
	NextBase    string
	// DuplicateRows begins each page after the first with the last row of the
	// page before it, on top of its own.
	DuplicateRows bool
	// RepeatPageOnce answers the first request for this page of each list with
	// the page before it. RepeatPage answers all pages from this one on with
	// the page before it, for ever. 0 = off.
	RepeatPageOnce int
	RepeatPage     int
	// CursorRepeats gives the same cursor again and again.
	CursorRepeats bool
}

// Filters says what created_since and created_until mean. By default both ends
// are inclusive and the full time counts.
type Filters struct {
	ExclusiveSince bool
	ExclusiveUntil bool
	// WholeDays compares dates of this time zone only. The end is inclusive
	// unless ExclusiveUntil is set. nil = off.
	WholeDays *time.Location
	// IgnoreFilters answers as if no creation filter had been sent.
	IgnoreFilters bool
}

// Faults are what networks and servers do on bad days.
type Faults struct {
	// Latency delays every answer.
	Latency time.Duration
	// ThrottleEvery answers every n-th request with 429; ThrottleBurst makes it
	// that many requests in a row. RetryAfter is sent with 429 and 503, in
	// whole seconds; 0 = no such header with 429, 1 second with 503.
	ThrottleEvery int
	ThrottleBurst int
	RetryAfter    time.Duration
	// UnavailableEvery answers 503 with Retry-After; ErrorEvery answers
	// ErrorStatus (default 500).
	UnavailableEvery int
	ErrorEvery       int
	ErrorStatus      int
	// BreakEvery closes the connection without an answer; TruncateEvery cuts
	// the body in the middle; HTMLEvery sends an HTML page with status 200.
	BreakEvery    int
	TruncateEvery int
	HTMLEvery     int
	// RedirectEvery redirects to RedirectTo (scheme and host).
	RedirectEvery int
	RedirectTo    string
	// HugeEvery sends a body of HugeBytes bytes, BombEvery the same compressed
	// (it is small on the wire). Default 1 GiB.
	HugeEvery int
	BombEvery int
	HugeBytes int64
	// Gzip compresses answers for clients that accept it.
	Gzip bool
}

// route maps a path below the base to its stream and its row of limits.
func route(path string) (stream, row string) {
	switch path {
	case "/orders":
		return Orders, "orders"
	case "/charges", "/charges/summary":
		return Charges, "charges"
	case "/payables":
		return Payables, "payables"
	case "/balance/operations":
		return BalanceOperations, "balance/operations"
	case "/recipients":
		return Recipients, "recipients"
	case "/hooks":
		return Hooks, "hooks"
	}
	if stream, _, ok := itemPath(path); ok {
		return stream, stream + "/*"
	}
	if id, rest, ok := recipientPath(path); ok && id != "" {
		if rest == "balance" {
			return RecipientBalance, "recipients/*"
		}
		return Recipients, "recipients/*"
	}
	return "", "other"
}

// documentedLimit is the number of requests a minute of a row; 0 = none.
func documentedLimit(row string) int {
	switch row {
	case "orders", "charges", "orders/*", "charges/*":
		return 200
	case "hooks":
		return 50
	case "payables":
		return 700
	case "balance/operations":
		return 300
	case "recipients":
		return 100
	case "recipients/*":
		return 150
	}
	return 0
}

func (c *Config) maxSize(stream string) int {
	if n := c.MaxSize[stream]; n > 0 {
		return n
	}
	if stream == Payables || stream == BalanceOperations {
		return 1000
	}
	return 30
}

// horizon is the oldest creation time that is served, in ticks; 0 = no bound.
func (c *Config) horizon(stream string, now int64) int64 {
	if stream == Hooks && c.HooksFor > 0 {
		return now - int64(c.HooksFor/100)
	}
	months := c.HorizonMonths
	if months == 0 && stream == Payables && !c.PayablesByPage {
		months = 24
	}
	if months <= 0 || stream == Recipients || stream == RecipientBalance {
		return 0
	}
	return toTicks(toTime(now).AddDate(0, -months, 0))
}

func (c *Config) empty(stream string) bool {
	for _, s := range c.EmptyStreams {
		if s == stream {
			return true
		}
	}
	return c.Empty
}
