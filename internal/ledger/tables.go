package ledger

import "github.com/paylake/paylake/schema"

// Where the tables lie below the destination.
const (
	Runs    = "_paylake/runs"
	Windows = "_paylake/windows"
)

// table is one of the two tables. Neither is partitioned: a year of hourly runs
// is less than 10,000 rows, with some hundred thousand windows.
type table struct {
	path string
	data *schema.Table
}

// runsTable has one row a run.
func runsTable() table {
	return table{path: Runs, data: &schema.Table{
		Name:        "runs",
		Description: "Runs of Paylake, one row each, written when the run ends. A run that was killed has no row.",
		Key:         []string{"run_id"},
		Time:        "started",
		Version:     2,
		Fields: []schema.Field{
			schema.ID("run_id", "Identifier of the run, also in the history of the tables it committed to."),
			schema.Instant("started", "When the run began (UTC)."),
			schema.Instant("ended", "When the run ended, before this row was written (UTC)."),
			schema.Enumeration("status", "succeeded, incomplete, failed or interrupted."),
			schema.Enumeration("trigger", "What started the run: manual, schedule, or the text of PAYLAKE_TRIGGER."),
			schema.Enumeration("command", "The command: sync, backfill, ..."),
			schema.Integer("windows", "Windows that were read and proven complete."),
			schema.Integer("failed_windows", "Windows that could not be proven complete."),
			schema.Integer("requests", "Requests to the source, retries included."),
			schema.Integer("retries", "Requests that were sent again."),
			schema.Integer("throttled", "Answers with status 429."),
			schema.Integer("store_requests", "Requests to the destination, without those for this table; null if they were not counted."),
			schema.Integer("rows", "Records read and kept."),
			schema.Integer("rejects", "Records that were put into the quarantine."),
			schema.Integer("rows_added", "Rows in files that were added to the tables."),
			schema.Integer("rows_removed", "Rows in files that were removed from the tables."),
			schema.Integer("records_removed", "Records that the source no longer lists, removed from the tables or marked as deleted there; null in rows of before this column."),
			schema.Integer("bytes", "Bytes of the files that were added."),
			schema.Integer("files_added", "Data files that were added."),
			schema.Integer("files_removed", "Data files that were removed from the tables."),
			schema.Integer("commits", "Commits to data tables."),
			schema.Text("error", "The errors of the streams, one line each; null when there are none."),
			schema.Text("tool", "Name and version of the program, like paylake/1.2.3."),
			schema.ListOf("connections", "Names of the connections of the run.", schema.Text("", "")),
			schema.ListOf("streams", "What the run did, stream by stream.", schema.Object("", "", streamFields()...)),
		},
	}}
}

func streamFields() []schema.Field {
	return []schema.Field{
		schema.Text("connection", "Name of the connection."),
		schema.Text("stream", "Name of the stream."),
		schema.Text("table", "Path of the table below the destination."),
		schema.Text("sync", "incremental, full or snapshot."),
		schema.Text("status", "succeeded, incomplete, failed, interrupted or unavailable."),
		schema.Instant("since", "Start of the range of creation time that was to be read (UTC); null for a whole list."),
		schema.Instant("until", "End of that range, exclusive (UTC)."),
		schema.Instant("watermark", "Everything created before it is in the table (UTC), as the table's log says after the run."),
		schema.Integer("table_version", "Version of the table after the run, -1 if it does not exist."),
		schema.Integer("windows", "Windows that were read and proven complete."),
		schema.Integer("failed_windows", "Windows that could not be proven complete."),
		schema.Integer("requests", "Requests to the source, retries included."),
		schema.Integer("store_requests", "Requests to the destination for this table."),
		schema.Integer("rows", "Records read and kept."),
		schema.Integer("rejects", "Records that were put into the quarantine."),
		schema.Integer("rows_added", "Rows in files that were added."),
		schema.Integer("rows_removed", "Rows in files that were removed."),
		schema.Integer("bytes", "Bytes of the files that were added."),
		schema.Integer("commits", "Commits to the table."),
		schema.Text("error", "Why the stream failed, or its first window that did."),
		schema.Integer("milliseconds", "How long the stream took."),
		schema.Integer("records_removed", "Records that the source no longer lists, removed or marked as deleted."),
	}
}

// windowsTable has one row a window that was read and proven complete.
func windowsTable() table {
	return table{
		path: Windows,
		data: &schema.Table{
			Name:        "windows",
			Description: "Windows that runs of Paylake read and proved complete, one row each.",
			Key:         []string{"run_id", "connection", "stream", "number"},
			Time:        "read_at",
			Version:     1,
			Fields: []schema.Field{
				schema.ID("run_id", "Identifier of the run, as in the table runs."),
				schema.ID("connection", "Name of the connection."),
				schema.ID("stream", "Name of the stream."),
				{Name: "number", Type: schema.Int64, Required: true,
					Description: "Counts the windows of the run and stream from 0, in the order in which they were written."},
				schema.Instant("read_at", "When reading the window ended (UTC)."),
				schema.Instant("since", "Start of the window, of creation time (UTC); null for a list that was read as a whole."),
				schema.Instant("until", "End of the window, exclusive (UTC)."),
				schema.Enumeration("proof", "How it was proven complete: total, cursor end, single page, ..."),
				schema.Integer("reported_total", "Records that the source reported; null if it reports none."),
				schema.Integer("rows", "Records read and kept."),
				schema.Integer("rejects", "Records that were put into the quarantine."),
				schema.Integer("table_version", "Version of the table that holds the rows; null if the run ended before they were committed."),
				schema.Text("table", "Path of the table below the destination."),
			},
		},
	}
}
