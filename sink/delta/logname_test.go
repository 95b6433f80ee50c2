package delta

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLogNames(t *testing.T) {
	v := "00000000000000000010"
	tests := map[string]logName{
		v + ".json":               {Kind: commitObject, Version: 10},
		v + ".checkpoint.parquet": {Kind: checkpointObject, Version: 10},
		v + ".checkpoint.0000000001.0000000003.parquet":                {Kind: partObject, Version: 10, Part: 1, Parts: 3},
		v + ".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet": {Kind: uuidObject, Version: 10},
		v + ".checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json":    {Kind: uuidObject, Version: 10},
		v + ".checkpoint.0000000004.0000000003.parquet":                {},
		v + ".checkpoint.0000000000.0000000003.parquet":                {},
		v + ".crc": {},
		v + ".00000000000000000012.compacted.json": {},
		v + ".json.tmp":             {},
		"." + v + ".json.crc":       {},
		"0000000000000000010.json":  {},
		"99999999999999999999.json": {},
		"+0000000000000000010.json": {},
		"_last_checkpoint":          {},
		"_sidecars/a.parquet":       {},
		"":                          {},
	}
	for name, want := range tests {
		require.Equal(t, want, parseLogName(name), name)
	}
}

func FuzzLogName(f *testing.F) {
	for _, seed := range []string{"00000000000000000010.json", "00000000000000000010.checkpoint.parquet",
		"00000000000000000010.checkpoint.0000000001.0000000003.parquet", "00000000000000000010.checkpoint.x.json", "_last_checkpoint"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := parseLogName(name)
		require.GreaterOrEqual(t, n.Version, int64(0))
		switch n.Kind {
		case otherObject:
			require.Equal(t, logName{}, n)
		case uuidObject:
			require.Contains(t, name, ".checkpoint.")
		default:
			require.Equal(t, name, n.String(), "a name is rebuilt exactly")
		}
	})
}

func FuzzActions(f *testing.F) {
	for _, seed := range []string{
		`{"add":{"path":"a%20b","partitionValues":{"d":null},"size":1,"modificationTime":2,"dataChange":true,"stats":"{\"numRecords\":3}","tags":{"paylake.keys":"ff","paylake.fingerprint":"1"}}}`,
		`{"remove":{"path":"a","deletionTimestamp":1,"dataChange":true}}` + "\n\n" + `{"add":{"path":"a","partitionValues":{}}}`,
		`{"commitInfo":{"engineInfo":7,"txnId":null}}`, `{"commitInfo":[]}`, `{"future":{"x":1}}`, `{"txn":{"appId":"a","version":1}}`,
		`{"protocol":{"minReaderVersion":1}}`, `{"metaData":{"partitionColumns":null}}`, `null`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		actions, err := readActions(strings.NewReader(text))
		if err != nil {
			return
		}
		s := newState()
		s.commit(0, actions)
		n := newSnapshot(s)
		body, err := encodeActions(actions)
		require.NoError(t, err)
		again, err := readActions(strings.NewReader(string(body)))
		require.NoError(t, err)
		s2 := newState()
		s2.commit(0, again)
		require.Equal(t, stats(n), stats(newSnapshot(s2)), "what is read and written again means the same")
		require.Equal(t, n.txns, s2.txns)
		for _, f := range n.files {
			require.NotEmpty(t, f.uri)
		}
	})
}

func TestCanonicalPaths(t *testing.T) {
	for in, want := range map[string]string{
		"d=2026-01-01/part-0.parquet": "d=2026-01-01/part-0.parquet",
		"a%20b+c":                     "a b+c",
		"d=a%253Ab/x":                 "d=a%3Ab/x",
		"/lake/t%23/x":                "/lake/t#/x",
		"file:///lake/x":              "/lake/x",
		"file:/lake/x":                "/lake/x",
		"100%":                        "100%",
	} {
		require.Equal(t, want, canonical(in))
	}
	require.True(t, outside("/lake/x"))
	require.True(t, outside("s3://lake/x"))
	require.False(t, outside("d=a:/x"))
	require.False(t, outside("d=2026/x.parquet"))
}

func TestIntervals(t *testing.T) {
	for in, want := range map[string]string{
		"interval 1 week": "168h0m0s", "interval 30 days": "720h0m0s", "2 days 12 hours": "60h0m0s", "INTERVAL 90 Minutes": "1h30m0s", "interval 0 hours": "0s",
	} {
		got, ok := parseInterval(in)
		require.True(t, ok, in)
		require.Equal(t, want, got.String())
	}
	for _, in := range []string{"", "interval", "interval 1 month", "week", "interval -1 day", "interval 1", "interval 2000000000 weeks"} {
		_, ok := parseInterval(in)
		require.False(t, ok, in)
	}
}

func FuzzInterval(f *testing.F) {
	for _, seed := range []string{"interval 1 week", "2 days 12 hours", "interval 9223372036854775807 days", "interval 1 month", "interval -1 day", "INTERVAL 0 hours 1 week", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, ok := parseInterval(text)
		if !ok {
			require.Zero(t, d)
			return
		}
		require.GreaterOrEqual(t, d, time.Duration(0))
		again, ok := parseInterval("interval " + strconv.FormatInt(int64(d/time.Millisecond), 10) + " milliseconds")
		if d%time.Millisecond == 0 && int64(d/time.Millisecond) < 1<<31 {
			require.True(t, ok)
			require.Equal(t, d, again)
		}
	})
}

func FuzzCommitInfo(f *testing.F) {
	for _, seed := range []string{`{"engineInfo":"paylake/1","txnId":"a","operation":"RESTORE","isBlindAppend":true}`, `{"operation":{"a":1},"isBlindAppend":"true"}`, `[]`, `7`, `{`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := readCommitInfo([]byte(text))
		if !json.Valid([]byte(text)) {
			require.Equal(t, provenance{}, p)
		}
	})
}
