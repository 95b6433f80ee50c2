package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/internal/report"
	"github.com/paylake/paylake/sink/store"
)

// looking is what a look at a table needs.
type looking struct {
	cfg    *config.Config
	store  store.Store
	now    time.Time
	maxLag time.Duration  // 0: do not judge
	reads  pipeline.Reads // of the history; nil where it cannot be read
}

// at looks at one table. entries are the history of it, the newest first.
func (l looking) at(ctx context.Context, c choice, entries []entry) tableStatus {
	t := tableStatus{Connection: c.conn.Name, Stream: c.stream.Name, Table: c.key, Version: -1, OldestVersion: -1}
	if len(entries) > 0 {
		t.LastRun = lastOf(entries[0])
		t.Unavailable = entries[0].Status == report.Unavailable && !c.stream.Named
	}
	for _, one := range entries {
		if one.Error != "" {
			t.LastError = lastOf(one)
			break
		}
	}
	if err := l.read(ctx, c, entries, &t); err != nil {
		t.Error = err.Error()
	}
	if l.maxLag > 0 && !t.Unavailable {
		t.Old = t.Error != "" || t.LagSeconds == nil || time.Duration(*t.LagSeconds)*time.Second > l.maxLag
	}
	return t
}

func lastOf(one entry) *lastRun {
	return &lastRun{RunID: one.run.ID, Ended: one.run.Ended, Status: one.Status, Error: one.Error}
}

// read fills in what the table's log says.
func (l looking) read(ctx context.Context, c choice, entries []entry, t *tableStatus) error {
	lake, err := openTable(l.cfg, l.store, c)
	if err != nil {
		return err
	}
	snapshot, err := lake.Load(ctx)
	if err != nil || !snapshot.Exists() {
		return err
	}
	t.Exists, t.Version = true, snapshot.Version()
	t.Rows, t.Files, t.Bytes = snapshot.Rows(), snapshot.NumFiles(), snapshot.Bytes()
	if t.OldestVersion, err = oldestVersion(ctx, l.store, c.key); err != nil {
		return err
	}
	var mark time.Time
	if us, ok := snapshot.Mark(markName(c.conn.Name, c.stream.Name)); ok {
		mark = time.UnixMicro(us).UTC()
		t.Watermark = &mark
	}
	if err := l.care(ctx, c, snapshot, t); err != nil {
		return err
	}
	list := c.ep.SinceParam == "" || c.ep.Write == extract.AppendSnapshot
	until := readUntil(mark, snapshot.Version(), list, entries)
	if from, ok := unreadFrom(snapshot, spec(l.cfg, c.ep)); ok {
		t.Warnings = append(t.Warnings, "another engine put partitions back to an older state (RESTORE): the next sync reads them again")
		if from.Before(until) {
			until = from
		}
	}
	if text := snapshot.Doubt(); text != "" {
		t.Warnings = append(t.Warnings, "whether another engine put partitions back to an older state is not known: "+text)
	}
	return t.lag(until, l.now)
}

// lag fills in how far the table is behind. A time in the future tells nothing.
func (t *tableStatus) lag(until, now time.Time) error {
	if until.IsZero() {
		return nil
	}
	t.ReadUntil = &until
	if until.After(now.Add(clockSkew)) {
		return fmt.Errorf("the watermark lies in the future: check the clock of this machine, and of the one that wrote it")
	}
	seconds := int64(max(0, now.Sub(until)).Seconds())
	t.LagSeconds = &seconds
	return nil
}

// oldestVersion gives the oldest version that the log of a table can tell of:
// that of its oldest checkpoint, or 0 while the first commit is there. Data
// files that were vacuumed are not looked for.
func oldestVersion(ctx context.Context, st store.Store, key string) (int64, error) {
	folder := key + "/_delta_log/"
	for o, err := range st.List(ctx, folder, "") {
		if err != nil {
			return -1, fmt.Errorf("list the log of table %s: %w", key, err)
		}
		number, rest, _ := strings.Cut(strings.TrimPrefix(o.Key, folder), ".")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil || len(number) != len("00000000000000000000") {
			continue
		}
		if version == 0 && rest == "json" || strings.HasPrefix(rest, "checkpoint.") {
			return version, nil
		}
	}
	return -1, nil
}
