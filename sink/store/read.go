package store

import (
	"context"
	"fmt"
	"io"
	"os"
)

// ReadAll returns the whole object under key. It is meant for small objects.
// The error wraps [ErrNotFound] when there is none.
func ReadAll(ctx context.Context, s Store, key string) (data []byte, err error) {
	r, err := s.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := r.Close(); cerr != nil && err == nil {
			data, err = nil, fmt.Errorf("read %s: %w", key, cerr)
		}
	}()
	data, err = io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return data, nil
}

// PutFile puts the local file at path under key. The file stays.
func PutFile(ctx context.Context, s Store, key, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	defer func() { _ = f.Close() }() // only read
	return s.Put(ctx, key, f)
}
