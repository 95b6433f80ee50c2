package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/config"
)

// A setting that cannot change its stream is a mistake, unless the connection
// says it for all.
func TestSettingsWithoutEffectAreRefused(t *testing.T) {
	const head = "version: 1\ndestination: {url: /lake}\nconnections:\n  - {name: a, source: pagarme, api_key: {env: X}, start: 2024-01-01, "
	for streams, want := range map[string]string{
		"streams: [{name: recipients, refresh: [{every: 3d}]}]":           "p.yaml:4: stream recipients: refresh has no effect there, since each run reads the whole list",
		"streams: [{name: recipient_balance, deletes: keep}]":             "stream recipient_balance: deletes has no effect there, since each run appends a snapshot",
		"streams: [{name: hooks, full_every: 3d}]":                        "stream hooks: full_every has no effect there, since its entries do not change",
		"streams: [{name: hooks, lookback: 3d}]":                          "",
		"streams: [{name: recipients, deletes: keep}]":                    "",
		"refresh: [{every: 3d}], full_every: 9d, deletes: keep":           "",
		"streams: [{name: orders, refresh: off, include_updated: false}]": "",
	} {
		cfg, err := config.Parse("p.yaml", []byte(head+streams+"}\n"), catalog())
		require.NoError(t, err, streams)
		_, err = choose(cfg, nil, nil)
		if want == "" {
			require.NoError(t, err, streams)
			continue
		}
		require.ErrorContains(t, err, want)
	}
}
