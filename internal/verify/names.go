package verify

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/paylake/paylake/partitioning"
	"github.com/paylake/paylake/schema"
)

// place is a row of the lake that was looked for by its key.
type place struct {
	key       string
	partition partitioning.Value
	file      string
}

// eachKey reads the rows of the lake whose key has one of the hashes, and that
// are not marked as deleted unless all is set. Files that cannot be read are
// passed over. nil columns stands for all of them.
func (v *verifier) eachKey(ctx context.Context, t Target, l *lake, values []partitioning.Value, hashes map[uint64]bool, columns []string,
	each func(hash uint64, p place, b arrow.RecordBatch, i int) error) error {
	if len(hashes) == 0 {
		return nil
	}
	for _, value := range values {
		for _, f := range l.files[value] {
			var stop error
			err := t.Lake.ReadFile(ctx, f, columns, func(b arrow.RecordBatch) error {
				for i, h := range schema.KeyHashes(b, t.Table.Key) {
					if !hashes[h] {
						continue
					}
					p := place{key: keyText(b, t.Table.Key, i), partition: value, file: f.Path}
					if stop = each(h, p, b, i); stop != nil {
						return stop
					}
				}
				return nil
			})
			switch {
			case stop != nil:
				return stop
			case err != nil && ctx.Err() != nil:
				return context.Cause(ctx)
			}
		}
	}
	return nil
}
