package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/sink/delta"
)

// optimizedTable is an element of the output of optimize --json.
type optimizedTable struct {
	Table       string   `json:"table"` // its path below the destination
	Partitions  int      `json:"partitions"`
	FilesBefore int      `json:"files_before"` // small files that were put together
	FilesAfter  int      `json:"files_after"`
	BytesBefore int64    `json:"bytes_before"`
	BytesAfter  int64    `json:"bytes_after"`
	Rows        int64    `json:"rows"`
	Commits     int      `json:"commits"`
	Conflicts   int      `json:"conflicts"`
	Warnings    []string `json:"warnings,omitempty"`
	DryRun      bool     `json:"dry_run"`
}

func (e *env) optimizeCommand() *cli.Command {
	return &cli.Command{
		Name:  "optimize",
		Usage: "put small files of the tables together",
		Description: "Rewrites the small files (under 64 MiB) of each partition into files of up to 128 MiB. No row changes, and\n" +
			"versions within the retention stay readable. Syncs may run meanwhile: a partition that one of them changes is\n" +
			"left as it is. It works in work_dir, which needs room for some GiB where partitions are that large.",
		Flags: append(upkeepFlags(),
			&cli.BoolFlag{Name: "dry-run", Usage: "only tell what would be rewritten"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "as in other commands; the table is printed all the same"},
		),
		Action: e.runOptimize,
	}
}

// removeLeftWork removes what an optimize that was killed left in work_dir more
// than a day ago. What cannot be removed does no harm.
func removeLeftWork(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "optimize-*"))
	if err != nil {
		return // the folder's name is no pattern
	}
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

func (e *env) runOptimize(c *cli.Context) error {
	u, err := newUpkeep(c)
	if err != nil {
		return err
	}
	o := delta.OptimizeOptions{DryRun: c.Bool("dry-run")}
	if !o.DryRun {
		if o.WorkDir, err = workDir(u.cfg); err != nil {
			return err
		}
		removeLeftWork(o.WorkDir)
	}
	result := []optimizedTable{}
	rows := [][]string{{"TABLE", "PARTITIONS", "FILES BEFORE", "AFTER", "BYTES BEFORE", "AFTER", "CONFLICTS"}}
	err = u.each(c.Context, e, func(ctx context.Context, one choice, t *delta.Table) error {
		done, err := t.Optimize(ctx, o)
		if err == nil && !o.DryRun {
			var warnings []string
			warnings, err = settle(ctx, t, u.cfg.Manifests)
			done.Warnings = append(done.Warnings, warnings...)
		}
		for _, text := range done.Warnings {
			e.warn(one.conn.Name, text)
		}
		if err != nil {
			return err
		}
		result = append(result, optimizedTable{
			Table: t.Root(), Partitions: done.Partitions, FilesBefore: done.FilesRemoved, FilesAfter: done.FilesAdded,
			BytesBefore: done.BytesRemoved, BytesAfter: done.BytesAdded, Rows: done.Rows, Commits: done.Commits,
			Conflicts: done.Conflicts, DryRun: o.DryRun, Warnings: done.Warnings,
		})
		after, bytes := strconv.Itoa(done.FilesAdded), size(done.BytesAdded)
		if o.DryRun {
			after, bytes = "", ""
		}
		rows = append(rows, []string{t.Root(), strconv.Itoa(done.Partitions), strconv.Itoa(done.FilesRemoved), after,
			size(done.BytesRemoved), bytes, strconv.Itoa(done.Conflicts)})
		return nil
	})
	return e.finishUpkeep(err, result, rows)
}

// settle ends the work on a table: with a checkpoint, so that the next run reads
// few objects, and with manifests of the new files.
func settle(ctx context.Context, t *delta.Table, manifests bool) ([]string, error) {
	_, warnings, err := t.Settle(ctx)
	if err != nil {
		return warnings, err
	}
	more, err := t.Maintain(ctx, delta.Maintenance{Manifests: manifests})
	return append(warnings, more.Warnings...), err
}
