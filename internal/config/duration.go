package config

import "time"

// ParseDuration reads a duration as the file spells it: numbers with units,
// like 26h, 2d or 1d12h. A day has 24 hours.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }
