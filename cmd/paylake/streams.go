package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/extract"
)

// streamInfo is an element of the output of streams --json.
type streamInfo struct {
	Source       string   `json:"source"`
	Stream       string   `json:"stream"`
	Description  string   `json:"description"`
	Key          []string `json:"key"`
	Time         string   `json:"time,omitempty"`
	Partition    string   `json:"partition,omitempty"` // column, with daily granularity
	Write        string   `json:"write"`
	PerMinute    int      `json:"limit_per_minute"` // documented; 100 where the source publishes none
	LimitRow     string   `json:"limit_row"`
	Parent       string   `json:"parent,omitempty"`
	Lookback     string   `json:"lookback,omitempty"`
	Horizon      int      `json:"horizon_months,omitempty"`
	Discontinued string   `json:"discontinued,omitempty"`
	Default      bool     `json:"default"` // synced unless the configuration names streams
}

func (e *env) streamsCommand() *cli.Command {
	return &cli.Command{
		Name:  "streams",
		Usage: "list the streams that can be synced",
		Description: "Lists every stream of every source: its key, partition column, how a sync writes it, the documented\n" +
			"limit in requests a minute, and whether it is synced unless the configuration names streams.",
		Action: e.runStreams,
	}
}

func (e *env) runStreams(c *cli.Context) error {
	if err := arguments(c, 0, 0); err != nil {
		return err
	}
	var all []streamInfo
	for _, s := range sources() {
		for _, ep := range s.Streams {
			all = append(all, describe(s, ep))
		}
	}
	if e.json {
		return e.printJSON(all)
	}
	rows := [][]string{{"SOURCE", "STREAM", "KEY", "PARTITION", "WRITE", "LIMIT/MIN", "LOOKBACK", "DEFAULT", "NOTE"}}
	for _, s := range all {
		rows = append(rows, []string{
			s.Source, s.Stream, strings.Join(s.Key, ", "), s.Partition, s.Write, strconv.Itoa(s.PerMinute), s.Lookback, "on", note(s),
		})
	}
	return e.printTable(rows)
}

func describe(source extract.Source, ep extract.Endpoint) streamInfo {
	info := streamInfo{
		Source: source.Name, Stream: ep.Table.Name, Description: ep.Table.Description, Key: ep.Table.Key, Time: ep.Table.Time,
		Write: writeMode(ep.Write), PerMinute: ep.Limit.PerMinute, LimitRow: ep.Limit.Row, Parent: ep.Parent, Horizon: ep.HorizonMonths,
		Default: true,
	}
	if ep.Partition != "" {
		info.Partition = ep.Partition + "_date"
	}
	if info.PerMinute == 0 {
		info.PerMinute = 100
	}
	if ep.Lookback > 0 {
		info.Lookback = days(ep.Lookback)
	}
	if ep.Gone != nil {
		info.Discontinued = ep.Gone.Since
	}
	return info
}

func writeMode(m extract.WriteMode) string {
	switch m {
	case extract.ReplacePartitions:
		return "replace partitions"
	case extract.OverwriteTable:
		return "overwrite table"
	case extract.AppendSnapshot:
		return "append snapshot"
	}
	return "unknown"
}

// note says in words what the table of streams has no column for.
func note(s streamInfo) string {
	var notes []string
	if s.Parent != "" {
		notes = append(notes, "one request per record of "+s.Parent)
	}
	if s.Horizon > 0 {
		notes = append(notes, fmt.Sprintf("reaches %d months back", s.Horizon))
	}
	if s.Discontinued != "" {
		notes = append(notes, "discontinued by the source since "+s.Discontinued)
	}
	return strings.Join(notes, "; ")
}

// days writes a duration in days where it is whole days.
func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	}
	return d.String()
}
