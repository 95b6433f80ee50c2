package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/paylake/paylake/internal/config"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
	"github.com/paylake/paylake/sink/store/s3"
)

// openStore opens the destination. It sends nothing.
func openStore(ctx context.Context, cfg *config.Config) (store.Store, error) {
	if cfg.Destination.S3 != nil {
		return s3.New(ctx, s3Options(cfg.Destination.S3))
	}
	return local.New(cfg.Destination.Dir)
}

func s3Options(d *config.S3) s3.Options {
	return s3.Options{
		Bucket: d.Bucket, Prefix: d.Prefix, Region: d.Region, Endpoint: d.Endpoint, PathStyle: d.PathStyle,
		Encryption: d.Encryption, KMSKey: d.KMSKey, StorageClass: d.StorageClass, Tags: d.Tags,
		RequesterPays: d.RequesterPays, SingleWriter: d.SingleWriter,
	}
}

// address is where a key of the destination lies: an absolute path, or a URL
// like s3://bucket/prefix/key.
func address(cfg *config.Config, key string) string {
	d := cfg.Destination
	if d.S3 == nil {
		return filepath.Join(d.Dir, filepath.FromSlash(key))
	}
	url := "s3://" + d.S3.Bucket
	if d.S3.Prefix != "" {
		url += "/" + d.S3.Prefix
	}
	return url + "/" + key
}

// writable proves that the directory of the destination can be written, before
// anything is read. It costs nothing in S3, where taking the lease tells.
func writable(ctx context.Context, st store.Store) error {
	if _, ok := directory(st); !ok {
		return nil
	}
	return probeStore(ctx, st)
}

// unusable reports whether an error says that the destination as a whole cannot be
// used.
func unusable(err error) bool {
	var remote *s3.Error
	var unconditional *s3.UnconditionalError
	return errors.As(err, &remote) && remote.Unusable() || errors.As(err, &unconditional)
}

// directory gives the directory of a local store.
func directory(st store.Store) (string, bool) {
	if counting, ok := st.(*store.Counting); ok {
		st = counting.Unwrap()
	}
	l, ok := st.(*local.Store)
	if !ok {
		return "", false
	}
	return l.Dir(), true
}

// probeStore proves that objects can be written, that one is not created
// twice, and that they can be read, listed and deleted. A file in the place of
// the directory is a usage error.
func probeStore(ctx context.Context, st store.Store) (err error) {
	if dir, ok := directory(st); ok {
		if info, err := os.Stat(dir); err == nil && !info.IsDir() {
			return usagef("%s is not a directory; the destination must be one", dir)
		}
	}
	const text = "paylake check\n"
	key := "_paylake/check-" + uuid.NewString()
	if err := st.Create(ctx, key, []byte(text)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Delete(context.WithoutCancel(ctx), key)) }()
	if err := st.Create(ctx, key, []byte("twice\n")); !errors.Is(err, store.ErrExists) {
		return fmt.Errorf("create %s a second time: it was not refused (%v); tables need a store that refuses", key, err)
	}
	return readBack(ctx, st, key, text)
}

// readBack reads and lists an object.
func readBack(ctx context.Context, st store.Store, key, text string) error {
	data, err := store.ReadAll(ctx, st, key)
	if err == nil && string(data) != text {
		err = fmt.Errorf("read %s: not what was written", key)
	}
	if err != nil {
		return err
	}
	listed := 0
	for o, err := range st.List(ctx, key, "") {
		if err != nil {
			return err
		}
		if o.Key == key && o.Size == int64(len(text)) {
			listed++
		}
	}
	if listed != 1 {
		return fmt.Errorf("list %s: %d objects instead of the one that was written", key, listed)
	}
	return nil
}
