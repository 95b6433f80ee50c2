package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/simapi"
)

// truth is what the tables of the demo must hold, as the simulator knows it,
// for tests that read the tables with other engines.
type truth struct {
	PartitionZone string                 `json:"partition_zone"`
	Streams       map[string]streamTruth `json:"streams"`
}

// streamTruth is the truth about one table. Amounts are in cents.
type streamTruth struct {
	Path     string              `json:"path"` // below the lake
	Rows     int64               `json:"rows"`
	Days     map[string]dayTruth `json:"days,omitempty"`
	Statuses map[string]int64    `json:"statuses,omitempty"`
}

type dayTruth struct {
	Rows   int64 `json:"rows"`
	Amount int64 `json:"amount"`
}

// writeTruth writes the truth about the demo's tables. Balances of recipients
// are left out: their table holds the snapshots of earlier runs, too.
func writeTruth(file string, api *simapi.Server, cfg *config.Config) error {
	all := truth{PartitionZone: cfg.Destination.Location.String(), Streams: map[string]streamTruth{}}
	conn := cfg.Connections[0]
	for _, s := range conn.Streams {
		if s.Name == simapi.RecipientBalance {
			continue
		}
		one := streamTruth{Path: cfg.TableKey(conn, s), Statuses: map[string]int64{}}
		if s.Name != simapi.Recipients {
			one.Days = map[string]dayTruth{}
			for _, day := range api.Days(s.Name, cfg.Destination.Location) {
				one.Days[day.Day] = dayTruth{Rows: day.Rows, Amount: day.Sum}
			}
		}
		api.Each(s.Name, time.Time{}, time.Time{}, func(r simapi.Record) bool {
			if r.Bad == "" {
				one.Rows++
				one.Statuses[r.Status]++
			}
			return true
		})
		all.Streams[s.Name] = one
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("write --truth-out: %w", err)
	}
	if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("write --truth-out: %w", err)
	}
	return nil
}
