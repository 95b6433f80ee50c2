package config_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/paylake/paylake/internal/config"
)

const secret = "sk_live_Zx81QpLmN0aB"

func TestKeyHidesItself(t *testing.T) {
	key := config.NewKey(secret)
	inside := struct {
		Key    config.Key
		hidden config.Key // fmt cannot call methods of unexported fields
		Ptr    *config.Key
	}{key, key, &key}
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+" "+verb+" "+verb, key, &key, inside)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key, "all", inside)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "key", key, "all", inside)
	asJSON, err := json.Marshal(inside)
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(map[string]any{"key": key})
	require.NoError(t, err)
	for _, text := range []string{shown.String(), log.String(), string(asJSON), string(asYAML)} {
		require.NotContains(t, text, "Zx81")
		require.NotContains(t, text, fmt.Sprintf("%x", secret))
	}
	require.Equal(t, secret, key.Reveal())
	require.Empty(t, config.Key{}.Reveal())
	_ = inside.hidden
}

func TestKeyForms(t *testing.T) {
	for _, c := range []struct {
		key, mode string
		usual     bool
	}{
		{"sk_test_abc", config.ModeTest, true},
		{"sk_live_abc", config.ModeLive, true},
		{"sk_9fA2", config.ModeLive, true},
		{"ak_test_abc", config.ModeTest, false},
		{"ak_live_abc", config.ModeLive, false},
		{"anything", config.ModeLive, false},
	} {
		mode, usual, err := config.NewKey(c.key).Mode()
		require.NoError(t, err)
		require.Equal(t, c.mode, mode, c.key)
		require.Equal(t, c.usual, usual, c.key)
	}
	_, _, err := config.NewKey("pk_test_abc").Mode()
	require.ErrorIs(t, err, config.ErrPublicKey)
}

func TestSecretFromEnvironment(t *testing.T) {
	t.Setenv("PAYLAKE_TEST_KEY", secret+"\r\n")
	key, warnings, err := config.Secret{Env: "PAYLAKE_TEST_KEY"}.Resolve(t.Context())
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, secret, key.Reveal())

	_, _, err = config.Secret{Env: "PAYLAKE_TEST_ABSENT"}.Resolve(t.Context())
	require.EqualError(t, err, "read api_key: environment variable PAYLAKE_TEST_ABSENT is not set")
	t.Setenv("PAYLAKE_TEST_KEY", " \n")
	_, _, err = config.Secret{Env: "PAYLAKE_TEST_KEY"}.Resolve(t.Context())
	require.EqualError(t, err, "read api_key: environment variable PAYLAKE_TEST_KEY is empty")
	t.Setenv("PAYLAKE_TEST_KEY", secret+"\n"+secret)
	_, _, err = config.Secret{Env: "PAYLAKE_TEST_KEY"}.Resolve(t.Context())
	require.ErrorContains(t, err, "more than one word")
	require.NotContains(t, err.Error(), "Zx81")
}

func TestSecretFromFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	s := config.Secret{File: file}
	_, _, err := s.Resolve(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	key, warnings, err := s.Resolve(t.Context())
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, secret, key.Reveal())

	require.NoError(t, os.Chmod(file, 0o644))
	_, warnings, err = s.Resolve(t.Context())
	require.NoError(t, err)
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "can be read by other users (mode 0644); chmod 600 it")
	require.NotContains(t, warnings[0], "Zx81")

	require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("x"), 65<<10), 0o600))
	_, _, err = s.Resolve(t.Context())
	require.ErrorContains(t, err, "longer than")
}

func TestSecretFromCommand(t *testing.T) {
	run := func(script string) (config.Key, error) {
		key, _, err := config.Secret{Command: []string{"sh", "-c", script}}.Resolve(t.Context())
		return key, err
	}
	key, err := run("echo " + secret + "; echo noise >&2")
	require.NoError(t, err)
	require.Equal(t, secret, key.Reveal())

	_, err = run("echo " + secret + "; echo " + secret + " >&2; exit 3")
	require.EqualError(t, err, "read api_key: command sh ended with exit status 3; run it by hand to see why")
	_, err = run("head -c 70000 /dev/zero | tr '\\0' x")
	require.ErrorContains(t, err, "command sh printed more than")
	_, err = run("true")
	require.EqualError(t, err, "read api_key: command sh is empty")
	_, _, err = config.Secret{Command: []string{"paylake-no-such-program"}}.Resolve(t.Context())
	require.ErrorContains(t, err, "run command paylake-no-such-program")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = config.Secret{Command: []string{"sleep", "60"}}.Resolve(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestSecretPrintsItsPlaceOnly(t *testing.T) {
	s := config.Secret{Command: []string{"vault", "read", secret}}
	asJSON, err := json.Marshal(map[string]any{"s": s})
	require.NoError(t, err)
	text := fmt.Sprintf("%v %+v %#v %s", s, s, struct{ S config.Secret }{s}, asJSON)
	require.NotContains(t, text, "Zx81")
	require.Contains(t, text, "command vault")
	require.Equal(t, "nothing", config.Secret{}.String())
	_, _, err = config.Secret{}.Resolve(t.Context())
	require.Error(t, err)
}
