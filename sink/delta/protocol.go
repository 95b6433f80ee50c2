package delta

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/paylake/paylake/sink"
)

// Names of features, as in PROTOCOL.md, "Valid Feature Names in Table Features".
const (
	featureAppendOnly       = "appendOnly"
	featureChangeDataFeed   = "changeDataFeed"
	featureCheckConstraints = "checkConstraints"
	featureColumnMapping    = "columnMapping"
	featureDeletionVectors  = "deletionVectors"
	featureGeneratedColumns = "generatedColumns"
	featureIdentityColumns  = "identityColumns"
	featureInvariants       = "invariants"
	featureTimestampNTZ     = "timestampNtz"
	featureV2Checkpoint     = "v2Checkpoint"
	featureVacuumCheck      = "vacuumProtocolCheck"
	featureClone            = "shallow clone (data files outside the table)"
)

// The protocol of the tables that Paylake makes.
const (
	ourReaderVersion = 1
	ourWriterVersion = 2
)

// readableFeature reports whether a table with the feature is read right by the
// plain rules: the feature changes nothing for a reader, or only when the
// table's properties switch it on or a live file has a deletion vector, which is
// checked apart.
func readableFeature(name string) bool {
	switch name {
	case featureColumnMapping, featureDeletionVectors, featureTimestampNTZ, featureVacuumCheck:
		return true
	}
	return false
}

// writableFeature reports whether a feature asks nothing of a writer unless the
// table's properties or columns switch it on, which is checked apart.
func writableFeature(name string) bool {
	switch name {
	case featureAppendOnly, featureInvariants, featureCheckConstraints, featureChangeDataFeed,
		featureGeneratedColumns, featureIdentityColumns, featureColumnMapping, featureTimestampNTZ, featureVacuumCheck:
		return true
	}
	return false
}

// checkReadable refuses a snapshot whose rows cannot be told right from its
// live files.
func (t *Table) checkReadable(s *state) error {
	refuse := func(feature string) error { return &sink.UnsupportedError{Table: t.root, Feature: feature} }
	p := s.protocol
	switch {
	case p.MinReaderVersion < 1 || p.MinReaderVersion > 3:
		return refuse(fmt.Sprintf("reader version %d", p.MinReaderVersion))
	case p.MinReaderVersion == 3 && p.ReaderFeatures == nil:
		return refuse("reader version 3 without a list of features")
	case s.meta.Format.Provider != "" && s.meta.Format.Provider != "parquet":
		return refuse("data format " + s.meta.Format.Provider)
	}
	for _, f := range p.ReaderFeatures {
		if !readableFeature(f) {
			return refuse(f)
		}
	}
	if mode, ok := s.meta.Configuration["delta.columnMapping.mode"]; ok && mode != "none" {
		return refuse(featureColumnMapping)
	}
	if s.vectors > 0 {
		return refuse(featureDeletionVectors)
	}
	return nil
}

// checkWritable refuses a snapshot that asks more of a writer than Paylake does.
// Writer versions 3 to 6 only say that features may be used: what counts is
// whether the table uses them. appendOnly is left to checkMode.
func (t *Table) checkWritable(s *state) error {
	refuse := func(feature string) error { return &sink.UnsupportedError{Table: t.root, Feature: feature} }
	p := s.protocol
	switch {
	case p.MinWriterVersion < 1 || p.MinWriterVersion > 7:
		return refuse(fmt.Sprintf("writer version %d", p.MinWriterVersion))
	case p.MinWriterVersion == 7 && p.WriterFeatures == nil:
		return refuse("writer version 7 without a list of features")
	}
	for _, f := range p.WriterFeatures {
		if !writableFeature(f) {
			return refuse(f)
		}
	}
	if s.meta.Configuration["delta.enableChangeDataFeed"] == "true" {
		return refuse(featureChangeDataFeed)
	}
	for name := range s.meta.Configuration {
		if strings.HasPrefix(name, "delta.constraints.") {
			return refuse(featureCheckConstraints)
		}
	}
	if s.strays > 0 {
		return refuse(featureClone)
	}
	table, err := parseSchema(s.meta.SchemaString)
	if err != nil {
		return fmt.Errorf("table %s: %w", t.root, err)
	}
	if feature := ruleOf(table.Fields); feature != "" {
		return refuse(feature)
	}
	return nil
}

// ruleOf returns the feature by which a column binds its writers, "" for none.
func ruleOf(fields []field) string {
	for _, f := range fields {
		for key := range f.Metadata {
			switch {
			case key == "delta.invariants":
				return featureInvariants
			case key == "delta.generationExpression":
				return featureGeneratedColumns
			case strings.HasPrefix(key, "delta.identity."):
				return featureIdentityColumns
			}
		}
		if feature := ruleOf(f.Type.members()); feature != "" {
			return feature
		}
	}
	return ""
}

// checkMode refuses a mode that the table's owner switched off.
func (t *Table) checkMode(s *state, mode sink.Mode) error {
	if mode != sink.Append && s.meta.Configuration["delta.appendOnly"] == "true" {
		return &sink.UnsupportedError{Table: t.root, Feature: featureAppendOnly}
	}
	return nil
}

// newProtocol is the protocol of a new table.
func newProtocol() *protocol {
	return &protocol{MinReaderVersion: ourReaderVersion, MinWriterVersion: ourWriterVersion}
}

// textValue makes a JSON string.
func textValue(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil { // a Go string always has a JSON form
		return json.RawMessage(`""`)
	}
	return raw
}
