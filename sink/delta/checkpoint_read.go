package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/paylake/paylake/sink"
)

// checkpointLeaves are the columns read from a checkpoint: paths as Parquet
// spells them; a path stands for everything below it.
func checkpointLeaves() []string {
	return []string{
		"protocol", "metaData", "txn",
		"add.path", "add.partitionValues", "add.size", "add.modificationTime", "add.stats", "add.tags",
		"add.stats_parsed.numRecords", "add.deletionVector.storageType",
		"remove.path", "remove.deletionTimestamp", "remove.dataChange", "remove.extendedFileMetadata",
		"remove.partitionValues", "remove.size",
		"checkpointMetadata.version", "sidecar.path",
	}
}

// checkpointRow is about what an action takes in a checkpoint, in bytes.
const checkpointRow = 100

// readCheckpoint applies one file of a classic checkpoint (PROTOCOL.md,
// "Checkpoints").
func (t *Table) readCheckpoint(ctx context.Context, part checkpointPart, s *state) error {
	if len(s.files) == 0 {
		s.files = make(map[string]*file, min(part.size/checkpointRow, 100_000))
	}
	return t.eachAction(ctx, part, func(kinds map[string]column, i int) error {
		return t.applyRow(s, kinds, i)
	})
}

// eachAction reads one file of a checkpoint in batches of bounded size. The
// columns are those of the kinds of actions; row i has one that is not null.
func (t *Table) eachAction(ctx context.Context, part checkpointPart, each func(kinds map[string]column, i int) error) (err error) {
	key := t.key(logFolder + part.name.String())
	defer recovered(&err, key)
	r, err := openParquet(ctx, t.store, key, part.size)
	if err != nil {
		return fmt.Errorf("read a checkpoint of table %s: %w", t.root, err)
	}
	defer func() { err = errors.Join(err, r.ParquetReader().Close()) }()
	rows, err := r.GetRecordReader(ctx, leavesOf(r, checkpointLeaves()), nil)
	if err != nil {
		return fmt.Errorf("read %s: %w", key, err)
	}
	defer rows.Release()
	for {
		batch, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", key, err)
		}
		kinds := map[string]column{}
		for i, f := range batch.Schema().Fields() {
			kinds[f.Name] = column{batch.Column(i)}
		}
		for i := range int(batch.NumRows()) {
			if err := each(kinds, i); err != nil {
				return fmt.Errorf("read %s: %w", key, err)
			}
		}
	}
}

// leavesOf returns the indices of the Parquet columns that are named by paths or
// lie below them.
func leavesOf(r *pqarrow.FileReader, paths []string) []int {
	var out []int
	sc := r.ParquetReader().MetaData().Schema
	for i := range sc.NumColumns() {
		leaf := sc.Column(i).Path()
		for _, p := range paths {
			if leaf == p || strings.HasPrefix(leaf, p+".") {
				out = append(out, i)
				break
			}
		}
	}
	return out
}

// applyRow applies one row of a checkpoint.
func (t *Table) applyRow(s *state, kinds map[string]column, i int) error {
	switch {
	case kinds["add"].has(i):
		return applyAdd(s, kinds["add"], i)
	case kinds["remove"].has(i):
		return applyRemove(s, kinds["remove"], i)
	case kinds["txn"].has(i):
		s.apply(action{Txn: txnOf(kinds["txn"], i)})
	case kinds["metaData"].has(i):
		s.apply(action{MetaData: metaDataOf(kinds["metaData"], i)})
	case kinds["protocol"].has(i):
		s.apply(action{Protocol: protocolOf(kinds["protocol"], i)})
	case kinds["checkpointMetadata"].has(i), kinds["sidecar"].has(i):
		return &sink.UnsupportedError{Table: t.root, Feature: featureV2Checkpoint}
	}
	return nil
}

func applyAdd(s *state, c column, i int) error {
	a := &add{
		Path: c.child("path").text(i), Size: c.child("size").number(i, 0),
		ModificationTime: c.child("modificationTime").number(i, 0), Stats: c.child("stats").view(i),
	}
	if a.Path == "" {
		return errors.New("add without a path")
	}
	if c.child("deletionVector").has(i) {
		a.DeletionVector = []byte("{}")
	}
	if a.Stats == "" {
		a.Stats = rowCount(c.child("stats_parsed").child("numRecords").number(i, -1))
	}
	f := newFile(a, s.in.internRow(c.child("partitionValues"), i))
	f.readTagColumn(c.child("tags"), i)
	f.stats, f.stored = "", true
	s.live(f)
	return nil
}

func applyRemove(s *state, c column, i int) error {
	r := remove{
		Path: c.child("path").text(i), DataChange: c.child("dataChange").flag(i),
		ExtendedFileMetadata: c.child("extendedFileMetadata").flag(i), PartitionValues: c.child("partitionValues").textMap(i),
		DeletionTimestamp: c.child("deletionTimestamp").optional(i), Size: c.child("size").optional(i),
	}
	if r.Path == "" {
		return errors.New("remove without a path")
	}
	s.tombstones[canonical(r.Path)] = r
	return nil
}

func txnOf(c column, i int) *txn {
	return &txn{AppID: c.child("appId").text(i), Version: c.child("version").number(i, 0),
		LastUpdated: c.child("lastUpdated").optional(i)}
}

func metaDataOf(c column, i int) *metaData {
	format := format{Provider: c.child("format").child("provider").text(i),
		Options: plainMap(c.child("format").child("options").textMap(i))}
	return &metaData{
		ID: c.child("id").text(i), Name: c.child("name").text(i), Description: c.child("description").text(i),
		Format: format, SchemaString: c.child("schemaString").text(i),
		PartitionColumns: c.child("partitionColumns").textList(i),
		Configuration:    plainMap(c.child("configuration").textMap(i)), CreatedTime: c.child("createdTime").optional(i),
	}
}

func protocolOf(c column, i int) *protocol {
	return &protocol{
		MinReaderVersion: int(c.child("minReaderVersion").number(i, 0)), MinWriterVersion: int(c.child("minWriterVersion").number(i, 0)),
		ReaderFeatures: c.child("readerFeatures").textList(i), WriterFeatures: c.child("writerFeatures").textList(i),
	}
}

func plainMap(m map[string]*string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if v != nil {
			out[k] = *v
		}
	}
	return out
}
