#!/usr/bin/env bash
# Runs the tests behind the build tag `integration` against real S3 servers on
# loopback: versitygw, and s3rver, which ignores conditional writes. Needs Go,
# Node with npm, and the package registries the first time. Fails when a server
# does not start, when a test of tests.txt did not run, and when one is skipped.
#
#   PACKAGES  packages to test, like "./sink/store/s3" (default: all that have such tests)
#   FLAGS     more flags of go test, like "-race -run TestStore" (with -run, tests.txt is not checked)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=$root/bin
work=$(mktemp -d)
pids=()
port=

stop() {
  echo "integration: $1" >&2
  exit 5
}

clean() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean EXIT

# The servers, built and installed once.
tools() {
  command -v node >/dev/null && command -v npm >/dev/null || stop "node and npm are missing; they run the server that ignores conditional writes"
  if [ ! -x "$bin/versitygw" ] || [ "$here/s3server/go.sum" -nt "$bin/versitygw" ]; then
    echo "integration: building versitygw, some minutes the first time"
    go build -C "$here/s3server" -o "$bin/versitygw" github.com/versity/versitygw/cmd/versitygw || stop "versitygw could not be built"
  fi
  if [ ! -d "$bin/s3rver/node_modules/s3rver" ] || ! cmp -s "$here/s3rver/package-lock.json" "$bin/s3rver/package-lock.json"; then
    mkdir -p "$bin/s3rver"
    cp "$here/s3rver/package.json" "$here/s3rver/package-lock.json" "$bin/s3rver/"
    npm ci --prefix "$bin/s3rver" --silent --no-audit --no-fund || stop "s3rver could not be installed"
  fi
}

# listening NAME PID PORT waits until the server answers.
listening() {
  for _ in $(seq 100); do
    kill -0 "$2" 2>/dev/null || return 1
    if (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null; then
      return 0
    fi
    sleep 0.1
  done
  return 1
}

# serve NAME COMMAND... starts a server on a free port, which stands for PORT in
# the command, and sets port.
serve() {
  local name=$1 pid
  shift
  for _ in $(seq 5); do
    port=$((20000 + RANDOM % 20000))
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      continue # somebody else's
    fi
    mkdir -p "$work/$name"
    "${@//PORT/$port}" >"$work/$name.log" 2>&1 &
    pid=$!
    if listening "$name" "$pid" "$port"; then
      pids+=("$pid")
      return
    fi
    kill "$pid" 2>/dev/null || true
  done
  cat "$work/$name.log" >&2
  stop "$name did not start"
}

# test_package PACKAGE runs it and checks that its tests of the list ran.
test_package() {
  local log=$work/log name
  # shellcheck disable=SC2086 # FLAGS are several words
  if ! go test -tags integration -count=1 -timeout 20m -parallel 5 -v ${FLAGS:-} "$1" >"$log" 2>&1; then
    cat "$log"
    return 1
  fi
  grep -E '^(--- |ok |Benchmark)' "$log" || true
  if grep -E '^ *--- SKIP' "$log"; then
    echo "integration: $1 skipped tests" >&2
    return 1
  fi
  case " ${FLAGS:-}" in *" -run"*) return 0 ;; esac
  for name in $(awk -v p="$1" '$1 == p {print $2}' "$here/tests.txt"); do
    if ! grep -qE "^--- PASS: $name \(" "$log"; then
      echo "integration: $name of $1 did not run" >&2
      return 1
    fi
  done
}

cd "$root"
packages=${PACKAGES:-$(grep -rlE --include='*_test.go' '^//go:build integration( |$)' . | xargs -n1 dirname | sort -u)}
[ -n "$packages" ] || stop "there are no tests"
if [ -z "${PACKAGES:-}" ]; then
  diff <(echo "$packages") <(awk '!/^#/ && NF {print $1}' "$here/tests.txt" | sort -u) ||
    stop "tests.txt must name tests of exactly the packages that have the build tag"
fi

tools
export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/nonexistent AWS_SHARED_CREDENTIALS_FILE=/nonexistent
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_S3
serve versitygw env "ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID" "ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY" \
  "$bin/versitygw" --port 127.0.0.1:PORT posix --disableotmp "$work/versitygw" # without it, a listing may show the file of an unfinished put
export PAYLAKE_TEST_S3=http://127.0.0.1:$port
serve s3rver node "$bin/s3rver/node_modules/.bin/s3rver" -a 127.0.0.1 -p PORT -s -d "$work/s3rver"
export PAYLAKE_TEST_S3_UNCONDITIONAL=http://127.0.0.1:$port

failed=0
for package in $packages; do
  test_package "$package" || failed=1
done
exit $failed
