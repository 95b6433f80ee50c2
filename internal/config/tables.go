package config

import "time"

const (
	day                      = 24 * time.Hour
	leastLogRetention        = day
	leastDeletedFileRetained = 7 * day
)

// tables reads how tables are kept: the properties of new and existing tables,
// and what is done after commits.
func (r *reader) tables(o object) {
	r.config.Maintenance = true
	if word, ok := o.choice("maintenance", "auto", "off"); ok {
		r.config.Maintenance = word == "auto"
	}
	if word, ok := o.choice("manifests", "symlink", "none"); ok {
		r.config.Manifests = word == "symlink"
	}
	if !o.has("delta") {
		return
	}
	d, ok := r.object(o.values["delta"], "delta", "log_retention", "deleted_file_retention")
	if !ok {
		return
	}
	r.retention(d, "log_retention", leastLogRetention, "", &r.config.Delta.LogRetention)
	r.retention(d, "deleted_file_retention", leastDeletedFileRetained,
		": readers and writers that take longer would lose their files", &r.config.Delta.DeletedFileRetention)
}

// retention reads whole days, the only form that all engines understand as a
// table property ("interval 30 days").
func (r *reader) retention(o object, key string, least time.Duration, why string, into *time.Duration) {
	text, ok := o.scalar(key)
	if !ok {
		return
	}
	d, err := parseDuration(text)
	switch {
	case err != nil:
		r.add(o.lineOf(key), "%s %q: not a number of days like 30d", key, text)
	case d%day != 0:
		r.add(o.lineOf(key), "%s %q: not whole days", key, text)
	case d < least:
		r.add(o.lineOf(key), "%s %q: at least %dd%s", key, text, least/day, why)
	case d > 36500*day:
		r.add(o.lineOf(key), "%s %q: more than a hundred years", key, text)
	default:
		*into = d
	}
}
