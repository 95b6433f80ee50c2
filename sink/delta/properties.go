package delta

import (
	"fmt"
	"maps"
	"time"
)

// Properties by which a table says how long it keeps what is no longer needed
// (Delta Lake, "Table properties"; DeltaConfig.scala has the defaults).
const (
	propertyLogRetention  = "delta.logRetentionDuration"
	propertyFileRetention = "delta.deletedFileRetentionDuration"
	propertyLogCleanup    = "delta.enableExpiredLogCleanup"

	day                  = 24 * time.Hour
	defaultLogRetention  = 30 * day
	defaultFileRetention = 7 * day
)

// retention returns what a table says about a property, the protocol's default
// where it says nothing; false where it cannot be read.
func (m *metaData) retention(name string) (time.Duration, bool) {
	if text, ok := m.Configuration[name]; ok {
		return parseInterval(text)
	}
	if name == propertyLogRetention {
		return defaultLogRetention, true
	}
	return defaultFileRetention, true
}

// wantedRetention are the retentions of the settings that are to be written.
func (t *Table) wantedRetention() map[string]time.Duration {
	out := map[string]time.Duration{propertyLogRetention: t.settings.LogRetention, propertyFileRetention: t.settings.DeletedFileRetention}
	maps.DeleteFunc(out, func(_ string, d time.Duration) bool { return d <= 0 })
	return out
}

// newRetention adds the retentions of the settings to the properties of a table
// that is being made.
func (t *Table) newRetention(configuration map[string]string) {
	for name, d := range t.wantedRetention() {
		configuration[name] = interval(d)
	}
}

// changedRetention returns the properties of a table whose retention is another
// than that of the settings. A table that says the same in other words, or by
// saying nothing, needs none.
func (t *Table) changedRetention(m *metaData) map[string]string {
	out := map[string]string{}
	for name, want := range t.wantedRetention() {
		if have, ok := m.retention(name); !ok || have != want {
			out[name] = interval(want)
		}
	}
	return out
}

// interval spells a duration as Spark reads it: "interval 30 days". Spark fails
// on ISO 8601 (P30D) and on months.
func interval(d time.Duration) string {
	switch {
	case d%day == 0:
		return fmt.Sprintf("interval %d days", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("interval %d hours", d/time.Hour)
	}
	return fmt.Sprintf("interval %d seconds", (d+time.Second-1)/time.Second)
}
