package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

func TestS3Destination(t *testing.T) {
	text := strings.Replace(small, "destination: {url: /lake}", `destination:
  url: s3://my-lake.example/raw/psp/
  region: sa-east-1
  endpoint: http://minio.internal:9000/
  path_style: true
  encryption: sse-kms
  kms_key: arn:aws:kms:sa-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab
  storage_class: STANDARD_IA
  tags: {team: data platform, cost-center: 42}
  requester_pays: true
  single_writer: true`, 1)
	c, err := config.Parse("p.yaml", []byte(text), catalog())
	require.NoError(t, err)
	require.Empty(t, c.Destination.Dir)
	require.Equal(t, "s3://my-lake.example/raw/psp/", c.Destination.URL)
	require.Equal(t, &config.S3{
		Bucket: "my-lake.example", Prefix: "raw/psp", Region: "sa-east-1", Endpoint: "http://minio.internal:9000", PathStyle: true,
		Encryption: "aws:kms", KMSKey: "arn:aws:kms:sa-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		StorageClass: "STANDARD_IA", Tags: map[string]string{"team": "data platform", "cost-center": "42"}, RequesterPays: true, SingleWriter: true,
	}, c.Destination.S3)
}

func TestS3Defaults(t *testing.T) {
	for url, prefix := range map[string]string{"s3://lake": "", "s3://lake/": "", "s3://lake/a": "a", "s3://lake/_x/dt=1/b.c-d/": "_x/dt=1/b.c-d"} {
		c, err := config.Parse("p.yaml", []byte(change(t, "/lake", url)), catalog())
		require.NoError(t, err, url)
		require.Equal(t, &config.S3{Bucket: "lake", Prefix: prefix}, c.Destination.S3)
	}
	c, err := config.Parse("p.yaml", []byte(change(t, "{url: /lake}", "{url: s3://lake, encryption: sse-s3}")), catalog())
	require.NoError(t, err)
	require.Equal(t, "AES256", c.Destination.S3.Encryption)
}

func TestMistakesOfS3(t *testing.T) {
	const many = "{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1, j: 1, k: 1}"
	for _, c := range []struct{ name, destination, want string }{
		{"no bucket", "url: s3://", `p.yaml:2: bucket "": a bucket's name has 3 to 63 letters`},
		{"bucket in upper case", "url: s3://Lake/x", `p.yaml:2: bucket "Lake": a bucket's name`},
		{"bucket with _", "url: s3://my_lake", `p.yaml:2: bucket "my_lake": a bucket's name`},
		{"bucket with two dots", "url: s3://my..lake", `p.yaml:2: bucket "my..lake": a bucket's name`},
		{"bucket that is an address", "url: s3://10.0.0.1/x", `p.yaml:2: bucket "10.0.0.1": a bucket's name`},
		{"short bucket", "url: s3://ab", `p.yaml:2: bucket "ab": a bucket's name`},
		{"directory bucket", "url: s3://lake--use1-az4--x-s3", "a directory bucket does not list its keys in order"},
		{"credentials in the url", "url: s3://AKIAEXAMPLE:hush@lake/x", "p.yaml:2: url must not contain credentials"},
		{"empty name in the prefix", "url: s3://lake/a//b", `p.yaml:2: prefix "a//b": each name between slashes`},
		{"prefix upwards", "url: s3://lake/../b", `p.yaml:2: prefix "../b": each name`},
		{"prefix with a space", "url: s3://lake/a b", `p.yaml:2: prefix "a b": each name`},
		{"region", "url: s3://lake, region: Sao Paulo", `p.yaml:2: region "Sao Paulo": not a region like sa-east-1`},
		{"endpoint without scheme", "url: s3://lake, endpoint: 'minio:9000'", "p.yaml:2: endpoint: not an address like https://s3.example.com"},
		{"endpoint of another protocol", "url: s3://lake, endpoint: 'ftp://x'", "p.yaml:2: endpoint: not an address"},
		{"credentials in the endpoint", "url: s3://lake, endpoint: 'https://AKIAEXAMPLE:hush@x'", "p.yaml:2: endpoint: an address must not contain credentials"},
		{"endpoint with a query", "url: s3://lake, endpoint: 'https://x/?a=hush'", "p.yaml:2: endpoint: an address must end with its host or path"},
		{"encryption", "url: s3://lake, encryption: sse-kns", `p.yaml:2: unknown encryption "sse-kns"; did you mean "sse-kms"?`},
		{"kms_key alone", "url: s3://lake, kms_key: alias/lake", "p.yaml:2: kms_key is used with encryption: sse-kms only"},
		{"kms_key with sse-s3", "url: s3://lake, encryption: sse-s3, kms_key: alias/lake", "p.yaml:2: kms_key is used with encryption: sse-kms only"},
		{"odd kms_key", "url: s3://lake, encryption: sse-kms, kms_key: a b", `p.yaml:2: kms_key "a b": not the id`},
		{"archive", "url: s3://lake, storage_class: GLACIER", "p.yaml:2: storage_class GLACIER: objects there cannot be read without a restore"},
		{"storage class", "url: s3://lake, storage_class: standard", `p.yaml:2: storage_class "standard": not a class like`},
		{"switch", "url: s3://lake, single_writer: yes", "p.yaml:2: single_writer must be true or false, not text"},
		{"tags that are a list", "url: s3://lake, tags: [a]", "p.yaml:2: tags must be a mapping"},
		{"many tags", "url: s3://lake, tags: " + many, "p.yaml:2: tags has 11 tags; S3 allows 10"},
		{"reserved tag", "url: s3://lake, tags: {'aws:x': y}", `p.yaml:2: tag "aws:x": a tag has a name`},
		{"tag of odd characters", "url: s3://lake, tags: {a: 'x?'}", `p.yaml:2: tag "a": a tag has a name`},
		{"tag twice", "url: s3://lake, tags: {a: x, a: y}", `p.yaml:2: key "a" appears twice in tags`},
		{"key of S3 for a directory", "url: /lake, region: sa-east-1", `p.yaml:2: region is for a destination in S3; url "/lake" is none`},
		{"url of a library, with keys of S3", "url: s3a://lake, region: sa-east-1", `p.yaml:2: url "s3a://lake": write s3:// in place of s3a://`},
		{"scheme in upper case", "url: 'S3://lake', region: sa-east-1", `p.yaml:2: url "S3://lake": write s3:// in place of S3://`},
		{"another store, with keys of S3", "url: gs://lake, endpoint: 'http://x', path_style: true", `p.yaml:2: url "gs://lake": no destination has the form gs://`},
		{"key of a key", "url: s3://lake, secret_access_key: hush", `p.yaml:2: unknown key "secret_access_key" in destination`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := config.Parse("p.yaml", []byte(change(t, "url: /lake", c.destination)), catalog())
			require.Nil(t, got)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, 1, strings.Count(err.Error(), "p.yaml:"), "one mistake, one line: %v", err)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}

func TestSettingsOfTables(t *testing.T) {
	c, err := config.Parse("p.yaml", []byte(small), catalog())
	require.NoError(t, err)
	require.Zero(t, c.Delta, "what another tool has set stays")
	require.True(t, c.Maintenance)
	require.False(t, c.Manifests)

	const set = "delta: {log_retention: 1d, deleted_file_retention: 2w}\nmaintenance: off\nmanifests: symlink\n"
	c, err = config.Parse("p.yaml", []byte(small+set), catalog())
	require.NoError(t, err)
	require.Equal(t, config.Delta{LogRetention: 24 * time.Hour, DeletedFileRetention: 14 * 24 * time.Hour}, c.Delta)
	require.False(t, c.Maintenance)
	require.True(t, c.Manifests)

	for text, want := range map[string]string{
		"delta: {log_retention: 12h}":            `p.yaml:8: log_retention "12h": not whole days`,
		"delta: {log_retention: 36h}":            `p.yaml:8: log_retention "36h": not whole days`,
		"delta: {log_retention: 0d}":             `p.yaml:8: log_retention "0d": at least 1d`,
		"delta: {log_retention: 30}":             `p.yaml:8: log_retention "30": not a number of days like 30d`,
		"delta: {log_retention: P30D}":           `p.yaml:8: log_retention "P30D": not a number of days`,
		"delta: {log_retention: 9999w}":          `p.yaml:8: log_retention "9999w": more than a hundred years`,
		"delta: {deleted_file_retention: 6d}":    `p.yaml:8: deleted_file_retention "6d": at least 7d: readers and writers`,
		"delta: {logRetention: 6d}":              `p.yaml:8: unknown key "logRetention" in delta; did you mean "log_retention"?`,
		"delta: 30d":                             "p.yaml:8: delta must be a mapping of keys to values, not text",
		"maintenance: true":                      "p.yaml:8: maintenance must be text, not true or false",
		"maintenance: never":                     `p.yaml:8: unknown maintenance "never"; valid are auto, off`,
		"manifests: symlinks":                    `p.yaml:8: unknown manifests "symlinks"; did you mean "symlink"?`,
		"delta:\n  deleted_file_retention: 7h\n": `p.yaml:9: deleted_file_retention "7h": not whole days`,
	} {
		_, err := config.Parse("p.yaml", []byte(small+text), catalog())
		require.ErrorContains(t, err, want)
	}
}
