package config

import (
	"path"
	"time"
)

// Config is a checked configuration file with its defaults filled in.
type Config struct {
	File            string // as it was given
	Destination     Destination
	Connections     []Connection
	WorkDir         string // absolute; "" if not set
	Delta           Delta
	Maintenance     bool          // sync looks after the tables it committed to; maintenance: auto, the default
	RefreshFor      time.Duration // a stream may refresh older records this long in a run; 0 with RefreshRequests 0: not at all
	RefreshRequests int64         // or with this many requests; 0 = bounded by time
	Manifests       bool          // keep symlink manifests of every table; manifests: symlink
}

// Delta are the table properties that the file sets, in whole days; 0 leaves
// them alone, and the defaults of Delta hold: 30 and 7 days.
type Delta struct {
	LogRetention         time.Duration
	DeletedFileRetention time.Duration
}

// Destination is where the lake lies and how its tables are cut.
type Destination struct {
	URL         string // as written in the file
	Dir         string // absolute directory; a relative URL starts at the file's directory; "" with S3
	S3          *S3    // nil for a directory
	Layer       string // "" for none
	Granularity Granularity
	Location    *time.Location // zone of partitions and of bare dates; UTC unless set
}

// S3 is a destination in an S3-compatible store. Credentials are never in the
// file: they come from the usual chain of the AWS SDK.
type S3 struct {
	Bucket, Prefix string            // prefix without slashes at its ends, "" for the whole bucket
	Region         string            // "" takes that of the environment or profile
	Endpoint       string            // "" is AWS
	PathStyle      bool              // bucket in the path instead of the host name
	Encryption     string            // "", "AES256" or "aws:kms"
	KMSKey         string            // with aws:kms; "" is the account's own key
	StorageClass   string            // "" is the bucket's default
	Tags           map[string]string // on every object
	RequesterPays  bool
	SingleWriter   bool // write to a store without conditional puts, at one's own risk
}

// Granularity is how much time one partition holds.
type Granularity string

// The granularities.
const (
	Day   Granularity = "day"
	Month Granularity = "month"
)

// Sync is how a stream that has a time column is brought up to date.
type Sync string

// The ways to sync.
const (
	Incremental Sync = "incremental" // from the watermark less the lookback
	Full        Sync = "full"        // everything from Start, replacing the table
)

// Connection is a source with credentials.
type Connection struct {
	Name        string
	Source      string
	Folder      string
	TablePrefix string
	Description string
	APIKey      Secret
	BaseURL     string         // without a slash at its end; "" is the source's own
	Start       time.Time      // UTC
	RateShare   float64        // above 0, at most 1
	Limits      map[string]int // stream name or "all" -> requests a minute, or Unlimited
	Streams     []Stream       // in the file's order, or the catalog's if the file names none
	Line        int            // where it starts in the file
}

// Unlimited is a limit of no bound.
const Unlimited = -1

// AllLimits is the name of the limit over a whole host.
const AllLimits = "all"

// Stream is one collection of a connection to copy.
type Stream struct {
	Name     string
	Table    string // without the connection's prefix
	Sync     Sync
	Lookback *time.Duration // nil: the stream's own
	Refresh  []Tier         // behind the lookback; nil: the stream's own

	FullEvery      time.Duration // a full sync when the last one is older; 0 = never by itself
	KeepDeleted    bool          // deletes: keep
	IncludeUpdated bool          // records from before Start that change after it are fetched

	Exclude []string // dotted paths of fields that are not stored
	Own     []string // settings that stand at the stream itself, not at its connection
	Named   bool     // chosen by name in the file, not by default
	Line    int      // where it is named, or the connection starts
}

// TableKey is the path of the stream's table below the destination:
// <layer>/<folder>/<table_prefix><table>.
func (c *Config) TableKey(conn Connection, s Stream) string {
	return path.Join(c.Destination.Layer, conn.Folder, conn.TablePrefix+s.Table)
}

// Connection gives the connection of that name.
func (c *Config) Connection(name string) (Connection, bool) {
	for _, conn := range c.Connections {
		if conn.Name == name {
			return conn, true
		}
	}
	return Connection{}, false
}

// Catalog is what the sources offer.
type Catalog struct {
	// Streams gives the stream names of each source.
	Streams map[string][]string
	// CheckExclude tells whether a stream has the field at a dotted path that
	// may be left out. Its error becomes a mistake of the file. Optional.
	CheckExclude func(source, stream, path string) error
}
