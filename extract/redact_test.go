package extract_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/extract"
	"github.com/paylake/paylake/extract/window"
)

// The key goes to the configured host only.
func TestRedirectsToOtherHostsAreRefused(t *testing.T) {
	touched := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		touched++
		io.WriteString(w, oneThing)
	}))
	defer elsewhere.Close()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, elsewhere.URL+"/things?leak="+key, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	_, err := thing(nil, t, func(o *extract.Options) { o.BaseURL, o.Transport = server.URL, nil })
	require.ErrorContains(t, err, "redirect to")
	require.ErrorContains(t, err, "refused")
	require.NotContains(t, err.Error(), key)
	require.Equal(t, 1, calls)
	require.Zero(t, touched)
}

func TestRedirectsWithinTheHostKeepTheKey(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/things" {
			http.Redirect(w, r, "/moved", http.StatusFound)
			return
		}
		if user, _, _ := r.BasicAuth(); user != key || strings.HasPrefix(r.URL.Path, "/loop") {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		io.WriteString(w, oneThing)
	}))
	defer server.Close()
	result, err := thing(nil, t, func(o *extract.Options) { o.BaseURL, o.Transport = server.URL, nil })
	require.NoError(t, err)
	require.Equal(t, 1, result.Kept)
	result.Rows.Release()
	_, err = thing(nil, t, func(o *extract.Options) { o.BaseURL, o.Transport = server.URL+"/loop", nil })
	require.ErrorContains(t, err, "the same host again and again")
}

// secret: whatever goes wrong, neither errors nor the log hold the key, the
// query or the answer.
func TestSecret(t *testing.T) {
	const document = "12345678909"
	basic := "c2tfWnEza1c4dlRuNUxwUjJ4WTo="
	kinds := map[string]http.HandlerFunc{
		"echo 422": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(422); echo(w, r) },
		"echo 500": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); echo(w, r) },
		"echo 429": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(429); echo(w, r) },
		"echo 200": echo,
		"cut":      func(w http.ResponseWriter, r *http.Request) { echo(w, r); panic(http.ErrAbortHandler) },
		"encoding": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Encoding", key); echo(w, r) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+key+".test/?d="+document, http.StatusFound)
		},
		"key as request id": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", "id-"+key)
			w.WriteHeader(400)
		},
		"basic as request id": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", strings.TrimRight(strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), "="))
			w.WriteHeader(500)
		},
		"redirect in lower case": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+strings.ToLower(key)+".test/", http.StatusFound)
		},
		"redirect to basic": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+strings.TrimRight(basic, "=")+".test/", http.StatusFound)
		},
		"request id": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "a\nb")
			w.WriteHeader(400)
		},
	}
	for name, h := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				c := client(t, h, func(o *extract.Options) {
					o.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				ep := things()
				ep.StateParam, ep.States = "document", []string{document}
				_, err := extract.NewReader(c, ep, extract.ReaderOptions{}).Read(t.Context(), window.Window{}, nil)
				require.Error(t, err)
				for _, secret := range []string{key, strings.ToLower(key), basic[:len(basic)-4], document, "created_since", "\n"} {
					require.NotContains(t, err.Error(), secret)
				}
				for _, secret := range []string{key, strings.ToLower(key), basic[:len(basic)-4], document} {
					require.NotContains(t, logged.String(), secret)
				}
			})
		})
	}
}

func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "<%s %s>", r.Header.Get("Authorization"), r.URL)
}

// Only what looks like a request id is one, and never the key.
func TestRequestIDsThatAreNoneAreDropped(t *testing.T) {
	basic := "c2tfWnEza1c4dlRuNUxwUjJ4WTo="
	longest := strings.Repeat("aZ9._:/=", 15) + "+-------"
	for given, want := range map[string]string{
		longest: longest, longest + "x": "", "a b": "", "caf\u00e9": "", `"x"`: "",
		key: "", "x/" + key + "/y": "", strings.ToUpper(key): "", basic: "", basic[:len(basic)-1]: "", basic[:24]: "", basic[:8]: basic[:8],
	} {
		result, err := thing(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Request-Id", given)
			io.WriteString(w, `{"data":[{"id":{},"created_at":"2026-08-03T10:00:00Z"}],"paging":{"total":1}}`)
		}, t)
		require.NoError(t, err)
		require.Equal(t, want, result.Rejects[0].RequestID, given)
	}
}
