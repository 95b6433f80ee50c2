package delta

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const weekHours = 7 * 24

// tombstoneCutoff returns the time (ms since 1970) before which a removed file
// may be forgotten. A retention that cannot be read forgets nothing.
func (t *Table) tombstoneCutoff(m *metaData) int64 {
	retention := weekHours * time.Hour
	if text, ok := m.Configuration["delta.deletedFileRetentionDuration"]; ok {
		if retention, ok = parseInterval(text); !ok {
			return math.MinInt64
		}
	}
	return t.settings.Now().Add(-retention).UnixMilli()
}

// parseInterval reads a table property like "interval 1 week" or "interval 2
// days 12 hours". Months and years have no fixed length and are not read.
func parseInterval(text string) (time.Duration, bool) {
	words := strings.Fields(strings.ToLower(text))
	if len(words) > 0 && words[0] == "interval" {
		words = words[1:]
	}
	if len(words) == 0 || len(words)%2 != 0 {
		return 0, false
	}
	total := time.Duration(0)
	for i := 0; i < len(words); i += 2 {
		n, err := strconv.ParseInt(words[i], 10, 32)
		unit, ok := intervalUnit(strings.TrimSuffix(words[i+1], "s"))
		if err != nil || n < 0 || !ok || n > int64((math.MaxInt64-total)/unit) {
			return 0, false
		}
		total += time.Duration(n) * unit
	}
	return total, true
}

func intervalUnit(name string) (time.Duration, bool) {
	switch name {
	case "microsecond":
		return time.Microsecond, true
	case "millisecond":
		return time.Millisecond, true
	case "second":
		return time.Second, true
	case "minute":
		return time.Minute, true
	case "hour":
		return time.Hour, true
	case "day":
		return 24 * time.Hour, true
	case "week":
		return weekHours * time.Hour, true
	}
	return 0, false
}
