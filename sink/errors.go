package sink

import (
	"fmt"

	"github.com/paylake/paylake/partitioning"
)

// ShrinkError refuses a change that would remove many of the rows it replaces,
// or all of them. Nothing was written.
type ShrinkError struct {
	Table   string
	Before  int64 // rows of the replaced partitions
	Removed int64 // rows of those whose key the change does not have
	Empty   bool  // the change has no rows at all, or none for the partition

	Partition partitioning.Value // that would become empty; "" for the change as a whole

	// Worst is the partition that would lose the most records, for a caller that
	// can do without it; it is only set where Partition is not.
	Worst partitioning.Value
}

// Error says how many rows would go and how to accept that.
func (e *ShrinkError) Error() string {
	name := e.Table
	if e.Partition != "" {
		name += " partition " + string(e.Partition)
	}
	if e.Empty {
		return fmt.Sprintf("table %s: the source answered no rows at all where the table has %d: check the account and the key; "+
			"if the rows are really gone, repeat with --accept-shrink", name, e.Before)
	}
	return fmt.Sprintf("table %s: the source no longer has %d of %d rows (more than 5 %%): check the account and the key; "+
		"if the rows are really gone, repeat with --accept-shrink", e.Table, e.Removed, e.Before)
}

// SettingsError refuses a run whose settings are not those the table was made
// with. Nothing was written.
type SettingsError struct {
	Table    string
	Property string // table property, or "partition columns"
	Have     string // the table's; "" when it has none
	Want     string // the run's
}

// Error says which setting differs and what to do.
func (e *SettingsError) Error() string {
	if e.Have == "" {
		return fmt.Sprintf("table %s: it has no %s (wanted %q), so Paylake did not make it: choose another folder, layer or table_prefix",
			e.Table, e.Property, e.Want)
	}
	return fmt.Sprintf("table %s: its %s is %q, but this run has %q: use the settings the table was made with, or choose another folder, layer or table_prefix",
		e.Table, setting(e.Property), e.Have, e.Want)
}

// setting names the property as the configuration does.
func setting(property string) string {
	switch property {
	case "paylake.connection":
		return "connection (connections, name)"
	case "paylake.mode":
		return "kind of key, test or live (paylake.mode)"
	case "paylake.timezone":
		return "time zone (destination.partition.timezone)"
	case "paylake.granularity":
		return "granularity (destination.partition.granularity)"
	}
	return property
}

// SchemaError refuses rows that do not fit the columns of the table. Nothing
// was written.
type SchemaError struct {
	Table  string
	Column string // dotted path
	Have   string // the table's type
	Want   string // the run's
}

// Error says which column differs and what to do.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("table %s: column %s is %s in the table, but this version of Paylake writes %s: "+
		"sync into a new table (table_prefix), or rename the old one and run a full sync", e.Table, e.Column, e.Have, e.Want)
}

// UnsupportedError refuses a table that uses a feature this version of Paylake
// does not know. Nothing was written.
type UnsupportedError struct {
	Table   string
	Feature string // the feature's name in the Delta protocol, or what the table asks for
}

// Error names the feature.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("table %s: it uses the Delta feature %s, which Paylake does not support: remove the feature, or choose another table",
		e.Table, e.Feature)
}

// VanishedError says that a commit of this run is no longer in the table's log:
// a log store that does not refuse to write an existing version put another
// commit in its place, or the table was emptied or set back. The job must be
// planned again from what the table says now.
type VanishedError struct {
	Table   string
	Version int64 // of the first commit that is gone
}

// Error says what happened and what to do.
func (e *VanishedError) Error() string {
	return fmt.Sprintf("table %s: commit %d of this run is no longer in the log: another engine wrote over it, or the table was replaced: "+
		"run again, and let no engine whose log store overwrites (Spark on S3 or local disk) write at the same time", e.Table, e.Version)
}
