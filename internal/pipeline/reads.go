package pipeline

import "github.com/paylake/paylake/internal/report"

// noteRead puts a window that was read into the report, not committed yet.
func (j *job) noteRead(r *read) {
	res := r.result
	j.rep.Reads = append(j.rep.Reads, report.WindowRead{
		Since: res.Window.Since, Until: res.Window.Until, Proof: string(res.Proof), Total: res.Total,
		Rows: int64(res.Kept), Rejects: int64(res.Rejected), ReadAt: r.ended, Version: -1,
	})
}

// placeReads notes the version of the table that holds the rows of the group's
// windows. A window of which a partition was left out is not committed.
func (j *job) placeReads() {
	g := j.group
	for i := range j.rep.Reads {
		read := &j.rep.Reads[i]
		if read.Version >= 0 || read.Refresh || read.Until.After(g.end) {
			continue
		}
		whole := true
		for _, v := range partitions(j.s.Spec, read.Since, read.Until) {
			whole = whole && !g.broken[v]
		}
		if whole {
			read.Version = j.rep.TableVersion
		}
	}
}

// placeAll notes that every window that was read is in the table.
func (j *job) placeAll() {
	for i := range j.rep.Reads {
		j.rep.Reads[i].Version = j.rep.TableVersion
	}
}
