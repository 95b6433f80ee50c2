package main

import (
	"context"
	"time"

	"github.com/paylake/paylake/internal/ledger"
	"github.com/paylake/paylake/internal/pipeline"
	"github.com/paylake/paylake/sink/store"
)

// pastReads gives runs what the history in the lake knows of windows that were
// read.
func pastReads(st store.Store) func(ctx context.Context) (pipeline.Reads, error) {
	return func(ctx context.Context) (pipeline.Reads, error) {
		reads, err := ledger.Reads(ctx, st, time.Now())
		return reads, err
	}
}
