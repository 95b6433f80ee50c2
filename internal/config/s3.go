package config

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// s3Keys are the keys of destination that only S3 knows.
func s3Keys() []string {
	return []string{"region", "endpoint", "path_style", "encryption", "kms_key", "storage_class", "tags", "requester_pays", "single_writer"}
}

// s3 reads a destination in S3; rest is the URL behind "s3://".
func (r *reader) s3(o object, rest string) *S3 {
	bucket, prefix, _ := strings.Cut(rest, "/")
	s := &S3{Bucket: bucket, Prefix: strings.TrimSuffix(prefix, "/")}
	if strings.Contains(rest, "@") {
		r.add(o.lineOf("url"), "url must not contain credentials; they come from the environment, a profile or a role")
		return s
	}
	if err := checkBucket(bucket); err != nil {
		r.add(o.lineOf("url"), "bucket %q: %v", bucket, err)
	}
	if err := checkPrefix(s.Prefix); err != nil {
		r.add(o.lineOf("url"), "prefix %q: %v", s.Prefix, err)
	}
	if region, ok := o.text("region"); ok {
		if !regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`).MatchString(region) {
			r.add(o.lineOf("region"), "region %q: not a region like sa-east-1", region)
		}
		s.Region = region
	}
	if endpoint, ok := o.text("endpoint"); ok {
		var err error
		if s.Endpoint, err = parseEndpoint(endpoint); err != nil {
			r.add(o.lineOf("endpoint"), "endpoint: %v", err)
		}
	}
	s.PathStyle, s.RequesterPays, s.SingleWriter = o.flag("path_style"), o.flag("requester_pays"), o.flag("single_writer")
	r.encryption(o, s)
	if class, ok := o.text("storage_class"); ok {
		s.StorageClass = r.storageClass(o, class)
	}
	if o.has("tags") {
		s.Tags = r.tags(o)
	}
	return s
}

// encryption reads how objects are encrypted in the store.
func (r *reader) encryption(o object, s *S3) {
	kind, _ := o.choice("encryption", "sse-s3", "sse-kms")
	switch kind {
	case "sse-s3":
		s.Encryption = "AES256"
	case "sse-kms":
		s.Encryption = "aws:kms"
	}
	key, ok := o.text("kms_key")
	switch {
	case !ok:
	case kind != "sse-kms":
		r.add(o.lineOf("kms_key"), "kms_key is used with encryption: sse-kms only")
	case !regexp.MustCompile(`^[A-Za-z0-9:/_-]+$`).MatchString(key):
		r.add(o.lineOf("kms_key"), "kms_key %q: not the id, alias/name or ARN of a key", key)
	default:
		s.KMSKey = key
	}
}

// storageClass refuses the classes that objects cannot be read from at once.
func (r *reader) storageClass(o object, class string) string {
	switch {
	case class == "GLACIER" || class == "DEEP_ARCHIVE":
		r.add(o.lineOf("storage_class"), "storage_class %s: objects there cannot be read without a restore; tables need to be read", class)
	case !regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`).MatchString(class):
		r.add(o.lineOf("storage_class"), "storage_class %q: not a class like STANDARD, STANDARD_IA or INTELLIGENT_TIERING", class)
	}
	return class
}

// tags reads object tags within the limits of S3 (user guide, "object tags").
func (r *reader) tags(o object) map[string]string {
	n := target(o.values["tags"])
	names := []string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		names = append(names, target(n.Content[i]).Value)
	}
	t, ok := r.object(n, "tags", names...)
	if !ok {
		return nil
	}
	if len(t.values) > 10 {
		r.add(t.line, "tags has %d tags; S3 allows 10 for an object", len(t.values))
	}
	tags := map[string]string{}
	form := regexp.MustCompile(`^[\p{L}\p{N} +\-=._:/@]*$`)
	for name := range t.values {
		value, ok := t.scalar(name)
		if !ok {
			continue
		}
		if name == "" || strings.HasPrefix(name, "aws:") || !form.MatchString(name) || !form.MatchString(value) ||
			utf8.RuneCountInString(name) > 128 || utf8.RuneCountInString(value) > 256 {
			r.add(t.lineOf(name), "tag %q: a tag has a name of 1 to 128 and a value of at most 256 letters, digits, spaces and + - = . _ : / @, and its name does not start with aws:", name)
		}
		tags[name] = value
	}
	return tags
}

// checkBucket applies the naming rules of S3 (user guide, "general purpose
// bucket naming rules").
func checkBucket(name string) error {
	switch {
	case strings.HasSuffix(name, "--x-s3"):
		return errors.New("a directory bucket does not list its keys in order, which tables need; use a general purpose bucket")
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`).MatchString(name) || strings.Contains(name, "..") || net.ParseIP(name) != nil:
		return errors.New("a bucket's name has 3 to 63 letters a-z in lower case, digits, - and ., and starts and ends with a letter or digit")
	}
	return nil
}

// checkPrefix wants names that need no escaping in any URL.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	if len(prefix) > 512 {
		return errors.New("longer than 512 bytes")
	}
	for name := range strings.SplitSeq(prefix, "/") {
		if !regexp.MustCompile(`^[A-Za-z0-9_=][A-Za-z0-9_.=-]*$`).MatchString(name) {
			return errors.New("each name between slashes has letters a-z, digits, _, -, = and ., and starts with a letter, digit or _")
		}
	}
	return nil
}

// parseEndpoint wants an address of nothing but scheme, host and path.
func parseEndpoint(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "" || u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("not an address like https://s3.example.com")
	case u.User != nil:
		return "", errors.New("an address must not contain credentials; they come from the environment, a profile or a role")
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return "", errors.New("an address must end with its host or path")
	}
	return strings.TrimRight(text, "/"), nil
}
