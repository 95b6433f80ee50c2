package config

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (r *reader) destination(n *yaml.Node) {
	o, ok := r.object(n, "destination", append([]string{"url", "layer", "folder", "partition"}, s3Keys()...)...)
	if !ok {
		return
	}
	o.require("url")
	d := &r.config.Destination
	if url, ok := o.text("url"); ok {
		d.URL = url
		r.place(o, url)
	}
	d.Layer = r.segments(o, "layer")
	r.folder = r.segments(o, "folder")
	if !o.has("partition") {
		return
	}
	part, ok := r.object(o.values["partition"], "partition", "granularity", "timezone")
	if !ok {
		return
	}
	if g, ok := part.choice("granularity", string(Day), string(Month)); ok {
		d.Granularity = Granularity(g)
	}
	if name, ok := part.text("timezone"); ok {
		zone, err := parseZone(name)
		if err != nil {
			r.add(part.lineOf("timezone"), "timezone %q: %v", name, err)
			return
		}
		d.Location = zone
	}
}

// place resolves destination.url and what belongs to it.
func (r *reader) place(o object, url string) {
	line := o.lineOf("url")
	scheme, rest, ok := strings.Cut(url, "://")
	if ok && scheme == "s3" {
		r.config.Destination.S3 = r.s3(o, rest)
		return
	}
	switch {
	case url == "":
		r.add(line, "url is empty; give a directory or s3://bucket/prefix")
	case ok && slices.Contains([]string{"s3", "s3a", "s3n"}, strings.ToLower(scheme)):
		r.add(line, "url %q: write s3:// in place of %s://", url, scheme)
	case ok:
		r.add(line, "url %q: no destination has the form %s://; give a directory or s3://bucket/prefix", url, scheme)
	default:
		r.config.Destination.Dir = r.path(url)
		for _, key := range s3Keys() {
			if o.has(key) {
				r.add(o.lineOf(key), "%s is for a destination in S3; url %q is none", key, url)
			}
		}
	}
}
