package delta

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// action is one line of a commit (PROTOCOL.md, "Actions"). At most one member
// is set. Actions and members that are not listed are ignored on reading, as
// the protocol asks.
type action struct {
	CommitInfo json.RawMessage `json:"commitInfo,omitempty"` // free-form: decoded leniently by readCommitInfo
	Protocol   *protocol       `json:"protocol,omitempty"`
	MetaData   *metaData       `json:"metaData,omitempty"`
	Txn        *txn            `json:"txn,omitempty"`
	Remove     *remove         `json:"remove,omitempty"`
	Add        *add            `json:"add,omitempty"`
}

// protocol is "Protocol Evolution" of the protocol. The feature lists exist
// only with reader version 3 and writer version 7.
type protocol struct {
	MinReaderVersion int      `json:"minReaderVersion"`
	MinWriterVersion int      `json:"minWriterVersion"`
	ReaderFeatures   []string `json:"readerFeatures,omitempty"`
	WriterFeatures   []string `json:"writerFeatures,omitempty"`
}

// metaData is "Change Metadata" of the protocol.
type metaData struct {
	ID               string            `json:"id"`
	Name             string            `json:"name,omitempty"`
	Description      string            `json:"description,omitempty"`
	Format           format            `json:"format"`
	SchemaString     string            `json:"schemaString"`
	PartitionColumns []string          `json:"partitionColumns"`
	Configuration    map[string]string `json:"configuration"`
	CreatedTime      *int64            `json:"createdTime,omitempty"` // ms since 1970
}

type format struct {
	Provider string            `json:"provider"`
	Options  map[string]string `json:"options"`
}

// txn is "Transaction Identifiers" of the protocol.
type txn struct {
	AppID       string `json:"appId"`
	Version     int64  `json:"version"`
	LastUpdated *int64 `json:"lastUpdated,omitempty"` // ms since 1970
}

// add is "Add File" of the protocol. A nil partition value is null.
type add struct {
	Path             string             `json:"path"` // URI-encoded, relative to the table's root
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             int64              `json:"size"`             // bytes
	ModificationTime int64              `json:"modificationTime"` // ms since 1970
	DataChange       bool               `json:"dataChange"`
	Stats            string             `json:"stats,omitempty"` // JSON text
	Tags             map[string]string  `json:"tags,omitempty"`
	DeletionVector   json.RawMessage    `json:"deletionVector,omitempty"` // never supported, only noticed
}

// remove is "Remove File" of the protocol. Path is byte for byte that of the add.
type remove struct {
	Path                 string             `json:"path"`
	DeletionTimestamp    *int64             `json:"deletionTimestamp,omitempty"` // ms since 1970
	DataChange           bool               `json:"dataChange"`
	ExtendedFileMetadata bool               `json:"extendedFileMetadata,omitempty"`
	PartitionValues      map[string]*string `json:"partitionValues,omitempty"`
	Size                 *int64             `json:"size,omitempty"`
}

// commitInfo is the first line of our commits (PROTOCOL.md, "Commit Provenance
// Information"). Every value of the two maps is a string: Spark's DESCRIBE
// HISTORY fails on a table that holds another kind.
type commitInfo struct {
	Timestamp           int64             `json:"timestamp"` // ms since 1970
	Operation           string            `json:"operation"`
	OperationParameters map[string]string `json:"operationParameters"`
	ReadVersion         *int64            `json:"readVersion,omitempty"`
	IsolationLevel      string            `json:"isolationLevel"`
	IsBlindAppend       bool              `json:"isBlindAppend"`
	OperationMetrics    map[string]string `json:"operationMetrics"`
	EngineInfo          string            `json:"engineInfo"`
	TxnID               string            `json:"txnId"`
	RunID               string            `json:"paylakeRunId,omitempty"`
}

// provenance is what is read of a commitInfo.
type provenance struct {
	EngineInfo string
	TxnID      string
	Operation  string
	Blind      bool // isBlindAppend
}

// readCommitInfo takes from a commitInfo what can be had. Members of an
// unexpected kind count as absent: the action is free-form.
func readCommitInfo(raw json.RawMessage) provenance {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return provenance{}
	}
	return provenance{EngineInfo: text(members["engineInfo"]), TxnID: text(members["txnId"]),
		Operation: text(members["operation"]), Blind: string(members["isBlindAppend"]) == "true"}
}

// text returns the JSON string in raw, or "".
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// decodeAction reads one line of a commit.
func decodeAction(line []byte) (action, error) {
	var a action
	if err := json.Unmarshal(line, &a); err != nil {
		return action{}, fmt.Errorf("decode action: %w", err)
	}
	switch {
	case a.Add != nil && a.Add.Path == "", a.Remove != nil && a.Remove.Path == "":
		return action{}, fmt.Errorf("decode action: add or remove without a path")
	case a.Txn != nil && a.Txn.AppID == "":
		return action{}, fmt.Errorf("decode action: txn without an appId")
	}
	return a, nil
}

// encodeActions writes a commit: one action a line.
func encodeActions(actions []action) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, a := range actions {
		if err := enc.Encode(a); err != nil {
			return nil, fmt.Errorf("encode action: %w", err)
		}
	}
	return out.Bytes(), nil
}
