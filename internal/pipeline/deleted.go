package pipeline

// lacksDeleted reports whether the stream keeps deleted records and its table
// does not have their column yet: readers ask for `_deleted_at IS NULL`, so the
// column comes with the first run of the setting, whatever else there is to
// commit.
func (j *job) lacksDeleted() bool {
	return j.s.KeepDeleted && j.rep.Commits == 0 && j.base.Exists() && !j.base.KeepsDeleted()
}
