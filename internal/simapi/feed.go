package simapi

import "time"

// Feed says what the list of hooks leaves out and what it makes up.
type Feed struct {
	// HooksEvents are the events that the merchant enabled; empty = all that
	// the world knows.
	HooksEvents []string
	// HooksFor is how long hooks are kept; 0 = for ever.
	HooksFor time.Duration
	// HooksMissingSince and HooksMissingUntil are the ends of a time in which
	// no hook was made. HooksMissing is the share of hooks, in a thousand, that
	// were never made.
	HooksMissingSince, HooksMissingUntil time.Time
	HooksMissing                         int
	// HooksLie adds lies for this share of hooks, in a thousand: events of
	// unknown ids, data of another kind, data that is null or has no id, events
	// that nobody documents, dates of the far future, old states sent anew, and
	// the same event twice.
	HooksLie int
}

// feed is a Feed made ready.
type feed struct {
	Feed
	enabled map[string]bool // nil = all
}

func (f *Feed) ready() feed {
	out := feed{Feed: *f}
	if len(f.HooksEvents) > 0 {
		out.enabled = map[string]bool{}
	}
	for _, name := range f.HooksEvents {
		out.enabled[name] = true
	}
	return out
}
