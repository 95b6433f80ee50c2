package delta

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/writer"
)

// actions lists the actions of a commit on top of s, commitInfo first.
func (x *transaction) actions(s *Snapshot, p *plan, meta *metaData, adds []*add) ([]action, error) {
	info, err := json.Marshal(x.info(s, p))
	if err != nil {
		return nil, fmt.Errorf("encode commitInfo: %w", err)
	}
	out := []action{{CommitInfo: info}}
	if !s.Exists() {
		out = append(out, action{Protocol: newProtocol()})
	}
	if meta != nil {
		out = append(out, action{MetaData: meta})
	}
	now := x.table.now()
	if m := x.change.Mark; m != nil {
		out = append(out, action{Txn: &txn{AppID: m.App, Version: m.Version, LastUpdated: &now}})
	}
	for _, m := range x.change.Beside {
		out = append(out, action{Txn: &txn{AppID: m.App, Version: m.Version, LastUpdated: &now}})
	}
	if settled := x.table.settles(s, x.change, s.version+1); settled != nil {
		out = append(out, action{Txn: settled})
	}
	for _, f := range p.remove {
		out = append(out, action{Remove: f.remove(now)})
	}
	for _, a := range adds {
		out = append(out, action{Add: a})
	}
	return out, nil
}

// info says where the commit comes from.
func (x *transaction) info(s *Snapshot, p *plan) commitInfo {
	t, c := x.table, x.change
	r := p.receipt(s.version+1, nil)
	info := commitInfo{
		Timestamp: t.now(), Operation: "WRITE", IsolationLevel: "Serializable", IsBlindAppend: c.Mode == sink.Append,
		EngineInfo: t.settings.Engine, TxnID: x.id, RunID: c.RunID,
		OperationParameters: map[string]string{
			"mode": logMode(c.Mode), "partitionBy": jsonList(t.partitionColumns()), "paylakeMode": c.Mode.String(),
		},
		OperationMetrics: map[string]string{
			"numFiles": strconv.Itoa(len(p.add)), "numOutputRows": count(r.RowsAdded), "numOutputBytes": count(r.BytesAdded),
			"numRemovedFiles": strconv.Itoa(len(p.remove)), "numRemovedRows": count(r.RowsRemoved), "numRemovedBytes": count(r.BytesRemoved),
			"numUnchangedPartitions": strconv.Itoa(p.skipped),
		},
	}
	if c.Operation != "" {
		info.OperationParameters["paylakeOperation"] = c.Operation
	}
	if p.merged != nil {
		x.table.describeMerge(&info, p)
	}
	switch {
	case s.Exists():
		read := s.version
		info.ReadVersion = &read
	case len(p.add) > 0:
		info.Operation = "CREATE TABLE AS SELECT"
	default:
		info.Operation = "CREATE TABLE"
	}
	return info
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// logMode is Spark's name for a mode.
func logMode(m sink.Mode) string {
	if m == sink.Append {
		return "Append"
	}
	return "Overwrite"
}

// jsonList writes names as the JSON text that Spark puts into partitionBy.
func jsonList(names []string) string {
	raw, err := json.Marshal(names)
	if err != nil { // a list of strings always has a JSON form
		return "[]"
	}
	return string(raw)
}

// newAdd describes an uploaded file under path, relative to the table's root.
func (t *Table) newAdd(path string, f writer.File) *add {
	tags := tagsOf(f)
	return &add{
		Path: partitioning.URI(path), PartitionValues: t.partitionValues(f.Partition),
		Size: f.Bytes, ModificationTime: t.now(), DataChange: true, Stats: f.Stats, Tags: tags,
	}
}

// partitionValues spells a value as the log wants it: the empty string is null.
func (t *Table) partitionValues(v partitioning.Value) map[string]*string {
	if t.settings.Spec.Column == "" {
		return map[string]*string{}
	}
	if v == "" {
		return map[string]*string{t.settings.Spec.Column: nil}
	}
	text := string(v)
	return map[string]*string{t.settings.Spec.Column: &text}
}
