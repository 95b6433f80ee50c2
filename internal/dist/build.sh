#!/usr/bin/env bash
# Builds the binaries that are given out into dist/, with SHA256SUMS: static,
# without paths of this machine, and the same bytes from the same commit by the
# same Go version, wherever it is built.
#
#   GO         the Go command (default go)
#   VERSION    what `paylake version` prints (default: git describe)
#   PLATFORMS  default "linux/amd64 linux/arm64 darwin/arm64"
#   OUT        default dist
set -euo pipefail

cd "$(dirname "$0")/../.."
go=${GO:-go}
version=${VERSION:-$(git describe --tags --always --dirty 2>/dev/null || echo dev)}
out=${OUT:-dist}

sums() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# built_as FILE SETTING...: what the binary says of its own build.
built_as() {
  local file=$1 have setting
  shift
  have=$($go version -m "$file")
  for setting in "$@"; do
    grep -qE "[[:space:]]build[[:space:]]+$setting\$" <<<"$have" || { echo "dist: $file was not built with $setting" >&2; exit 1; }
  done
}

mkdir -p "$out"
rm -f "$out"/paylake-* "$out"/SHA256SUMS
for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/arm64}; do
  os=${platform%/*} arch=${platform#*/}
  file=$out/paylake-$os-$arch
  CGO_ENABLED=0 GOOS=$os GOARCH=$arch GOFLAGS= $go build -trimpath -ldflags "-s -w -X main.version=$version" -o "$file" ./cmd/paylake
  built_as "$file" CGO_ENABLED=0 "GOOS=$os" "GOARCH=$arch" -trimpath=true
done
(cd "$out" && sums paylake-* | tee SHA256SUMS)
