package s3

import (
	"encoding/json"
	"strings"
)

type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition map[string]map[string][]string `json:",omitempty"`
}

// Policy is the smallest IAM policy that a destination needs, as JSON: to list
// below the prefix, to read, write and delete objects there, and what tags and
// a KMS key of one's own want in addition.
func Policy(o Options) string {
	o.Prefix = strings.Trim(o.Prefix, "/")
	list := statement{Sid: "PaylakeList", Effect: "Allow", Action: []string{"s3:ListBucket"}, Resource: []string{bucketARN(o)}}
	if o.Prefix != "" {
		list.Condition = map[string]map[string][]string{"StringLike": {"s3:prefix": {o.Prefix + "/*"}}}
	}
	objects := statement{
		Sid: "PaylakeObjects", Effect: "Allow", Resource: []string{objectsARN(o, "*")},
		Action: []string{"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"},
	}
	if len(o.Tags) > 0 {
		objects.Action = append(objects.Action, "s3:PutObjectTagging")
	}
	p := policy{Version: "2012-10-17", Statement: []statement{list, objects}}
	if o.Encryption == "aws:kms" && o.KMSKey != "" {
		p.Statement = append(p.Statement, keyStatement(o))
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return "" // structs of strings always encode
	}
	return string(text)
}

// keyStatement allows the use of the KMS key: parts of an upload are decrypted
// when they are put together.
func keyStatement(o Options) statement {
	st := statement{Sid: "PaylakeKey", Effect: "Allow", Action: []string{"kms:GenerateDataKey", "kms:Decrypt"}, Resource: []string{"*"}}
	arn := "arn:" + partition(o.Region) + ":kms:"
	region := o.Region
	if region == "" {
		region = "*"
	}
	alias, isAlias := strings.CutPrefix(o.KMSKey, "alias/")
	switch {
	case strings.Contains(o.KMSKey, ":key/"):
		st.Resource = []string{o.KMSKey}
	case isAlias:
		st.Resource = []string{arn + region + ":*:key/*"}
		st.Condition = map[string]map[string][]string{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/" + alias}}}
	case strings.Contains(o.KMSKey, ":alias/"):
		_, alias, _ := strings.Cut(o.KMSKey, ":alias/")
		st.Condition = map[string]map[string][]string{"ForAnyValue:StringEquals": {"kms:ResourceAliases": {"alias/" + alias}}}
	default:
		st.Resource = []string{arn + region + ":*:key/" + o.KMSKey}
	}
	return st
}
