package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
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

// readCheckpoint applies one file of a classic checkpoint (PROTOCOL.md,
// "Checkpoints") in batches of bounded size.
func (t *Table) readCheckpoint(ctx context.Context, name string, size int64, s *state) (err error) {
	key := t.key(logFolder + name)
	defer recovered(&err, key)
	r, err := openParquet(ctx, t.store, key, size)
	if err != nil {
		return err
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
		if err := t.applyBatch(s, batch); err != nil {
			return fmt.Errorf("read %s: %w", key, err)
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

// applyBatch applies the rows of a checkpoint: each has one struct that is not
// null.
func (t *Table) applyBatch(s *state, batch arrow.RecordBatch) error {
	cols := map[string]column{}
	for i, f := range batch.Schema().Fields() {
		cols[f.Name] = column{batch.Column(i)}
	}
	for i := range int(batch.NumRows()) {
		switch {
		case cols["add"].has(i):
			if err := applyAdd(s, cols["add"], i); err != nil {
				return err
			}
		case cols["remove"].has(i):
			if err := applyRemove(s, cols["remove"], i); err != nil {
				return err
			}
		case cols["txn"].has(i):
			s.apply(action{Txn: txnOf(cols["txn"], i)})
		case cols["metaData"].has(i):
			s.apply(action{MetaData: metaDataOf(cols["metaData"], i)})
		case cols["protocol"].has(i):
			s.apply(action{Protocol: protocolOf(cols["protocol"], i)})
		case cols["checkpointMetadata"].has(i), cols["sidecar"].has(i):
			return &sink.UnsupportedError{Table: t.root, Feature: featureV2Checkpoint}
		}
	}
	return nil
}

func applyAdd(s *state, c column, i int) error {
	a := &add{
		Path: c.child("path").text(i), PartitionValues: c.child("partitionValues").textMap(i),
		Size: c.child("size").number(i, 0), ModificationTime: c.child("modificationTime").number(i, 0),
		Stats: c.child("stats").text(i), Tags: plainMap(c.child("tags").textMap(i)),
	}
	if a.Path == "" {
		return errors.New("add without a path")
	}
	if c.child("deletionVector").has(i) {
		a.DeletionVector = []byte("{}")
	}
	s.add(a, c.child("stats_parsed").child("numRecords").number(i, -1))
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
