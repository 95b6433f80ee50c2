package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // the machine may have no time zone data of its own
)

// parseDuration reads numbers with units, like 45d, 2w, 36h or 1d12h. A day is
// 24 hours. Negative durations do not exist.
func parseDuration(text string) (time.Duration, error) {
	units := map[byte]time.Duration{'w': 7 * 24 * time.Hour, 'd': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}
	var sum time.Duration
	rest := text
	for ok := true; ok; ok = rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits == 0 || digits == len(rest) {
			return 0, errors.New("not a duration like 45d, 2w or 36h")
		}
		unit, known := units[rest[digits]]
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if !known {
			return 0, errors.New("not a duration like 45d, 2w or 36h")
		}
		if err != nil || n > math.MaxInt64/int64(unit) || sum > math.MaxInt64-time.Duration(n)*unit { // there are only digits
			return 0, errors.New("too long; about 290 years is the most")
		}
		sum += time.Duration(n) * unit
		rest = rest[digits+1:]
	}
	return sum, nil
}

// parseLimit reads "700/min", "10/s", "6000/h" or "unlimited" as requests a
// minute. Rates by the hour are rounded down to whole requests a minute.
func parseLimit(text string) (int, error) {
	if text == "unlimited" {
		return Unlimited, nil
	}
	number, unit, ok := strings.Cut(text, "/")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if !ok || err != nil || n <= 0 || n > 1_000_000 {
		return 0, errors.New("not a limit like 700/min, 10/s, 6000/h or unlimited")
	}
	switch strings.TrimSpace(unit) {
	case "s":
		return n * 60, nil
	case "min":
		return n, nil
	case "h":
		if n < 60 {
			return 0, errors.New("less than 60/h, one request a minute, is not supported")
		}
		return n / 60, nil
	}
	return 0, fmt.Errorf("unknown unit %q; use s, min or h", unit)
}

// parseStart reads a date, as its first instant in the zone, or a time with
// its offset. The result is UTC.
func parseStart(text string, zone *time.Location) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return firstInstant(day, zone).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("not a date like 2024-01-31 or a time with its offset like 2024-01-31T00:00:00-03:00")
	}
	return t.UTC(), nil
}

// firstInstant is when the calendar day of d begins in the zone. Where clocks
// go forward at midnight, 00:00 does not exist and the day begins later; where
// they go back over it, the first 00:00 counts.
func firstInstant(d time.Time, zone *time.Location) time.Time {
	t := time.Date(d.Year(), d.Month(), d.Day(), 0, 0, 0, 0, zone)
	if t.Day() != d.Day() { // an hour of the day before: the day begins where its offset ends
		_, end := t.ZoneBounds()
		return end
	}
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t
	}
	_, before := begin.Add(-time.Nanosecond).Zone()
	_, after := t.Zone()
	first := t.Add(-time.Duration(before-after) * time.Second)
	if first.Before(begin) && first.Day() == t.Day() {
		return first
	}
	return t
}

// parseBaseURL wants https, or http to this machine, and nothing but host and
// path.
func parseBaseURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return "", errors.New("not an address like https://api.example.com/v5")
	case u.User != nil:
		return "", errors.New("an address must not contain credentials; use api_key")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("an address must end with its path")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return "", errors.New("http would send the key in the open; use https (http is for this machine only)")
	case u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("not an address like https://api.example.com/v5")
	}
	return strings.TrimRight(text, "/"), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// parseZone loads a time zone by its name in the IANA database.
func parseZone(text string) (*time.Location, error) {
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return nil, fmt.Errorf("unknown time zone; %s", Hint(text, commonZones()))
	}
	return zone, nil
}

// commonZones are the ones to propose; every other one is valid, too.
func commonZones() []string {
	return []string{
		"UTC", "America/Sao_Paulo", "America/Manaus", "America/Fortaleza", "America/Recife", "America/Bahia", "America/Belem",
		"America/Cuiaba", "America/Rio_Branco", "America/New_York", "America/Los_Angeles", "America/Mexico_City",
		"America/Argentina/Buenos_Aires", "America/Bogota", "America/Santiago", "Europe/Lisbon", "Europe/London", "Europe/Madrid",
	}
}
