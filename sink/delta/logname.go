package delta

import (
	"fmt"
	"strconv"
	"strings"
)

// logKind is the kind of an object in the folder _delta_log.
type logKind uint8

const (
	otherObject      logKind = iota // nothing a snapshot needs
	commitObject                    // 00000000000000000007.json
	checkpointObject                // 00000000000000000010.checkpoint.parquet
	partObject                      // 00000000000000000010.checkpoint.0000000001.0000000003.parquet
	uuidObject                      // 00000000000000000010.checkpoint.<uuid>.parquet or .json: a v2 checkpoint
)

const (
	logFolder        = "_delta_log/"
	lastCheckpoint   = logFolder + "_last_checkpoint"
	versionDigits    = 20
	partDigits       = 10
	checkpointSuffix = ".checkpoint.parquet"
)

// logName is the name of an object in _delta_log, parsed (PROTOCOL.md, "Delta
// Log Entries", "Checkpoints").
type logName struct {
	Kind        logKind
	Version     int64
	Part, Parts int // of a partObject, from 1
}

// parseLogName parses a name without the folder. Names of another form give
// otherObject: the protocol lets engines put more into the folder.
func parseLogName(name string) logName {
	head, rest, ok := strings.Cut(name, ".")
	version, valid := parseDigits(head, versionDigits)
	if !ok || !valid {
		return logName{}
	}
	if rest == "json" {
		return logName{Kind: commitObject, Version: version}
	}
	fields := strings.Split(rest, ".")
	if fields[0] != "checkpoint" {
		return logName{}
	}
	switch {
	case len(fields) == 2 && fields[1] == "parquet":
		return logName{Kind: checkpointObject, Version: version}
	case len(fields) == 3 && (fields[2] == "parquet" || fields[2] == "json") && fields[1] != "":
		return logName{Kind: uuidObject, Version: version}
	case len(fields) == 4 && fields[3] == "parquet":
		part, ok := parseDigits(fields[1], partDigits)
		parts, valid := parseDigits(fields[2], partDigits)
		if ok && valid && part >= 1 && part <= parts {
			return logName{Kind: partObject, Version: version, Part: int(part), Parts: int(parts)}
		}
	}
	return logName{}
}

// parseDigits reads a number of exactly n decimal digits.
func parseDigits(text string, n int) (int64, bool) {
	if len(text) != n || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil
}

// String returns the name without the folder; "" for otherObject and uuidObject,
// whose names are not rebuilt.
func (n logName) String() string {
	switch n.Kind {
	case commitObject:
		return fmt.Sprintf("%020d.json", n.Version)
	case checkpointObject:
		return fmt.Sprintf("%020d%s", n.Version, checkpointSuffix)
	case partObject:
		return fmt.Sprintf("%020d.checkpoint.%010d.%010d.parquet", n.Version, n.Part, n.Parts)
	}
	return ""
}

func commitName(version int64) string {
	return logFolder + logName{Kind: commitObject, Version: version}.String()
}

func checkpointName(version int64) string {
	return logFolder + logName{Kind: checkpointObject, Version: version}.String()
}
