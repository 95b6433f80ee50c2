#!/usr/bin/env bash
# Reads the tables of `paylake demo` with other engines and compares them with
# the simulator's truth, before and after a run that changed records.
# Needs Go, Python 3.11 or newer with venv, and Java 17 or newer.
#
#   PYTHON   the Python that makes the virtual environment (default python3)
#   READERS  comma-separated engines (default all: see compare.py)
#   LAKE     folder of the lake, emptied first (default ./interop-lake)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=$root/.venv
lake=${LAKE:-$root/interop-lake}
readers=${READERS:-deltalake,duckdb,polars,chdb,spark}

# The environment is made again only when the requirements changed.
stamp=$venv/requirements.txt
if ! cmp -s "$here/requirements.txt" "$stamp"; then
  rm -rf "$venv"
  "${PYTHON:-python3}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$stamp"
fi
export PYTHONDONTWRITEBYTECODE=1

cd "$root"
CGO_ENABLED=0 "${GO:-go}" build -trimpath -o bin/paylake ./cmd/paylake

# A lake from here only: the folder is removed if it is one, never another.
if [ -e "$lake" ] && [ ! -e "$lake/.interop" ] && [ -n "$(ls -A "$lake")" ]; then
  echo "$lake is not a lake of this script: remove it, or set LAKE" >&2
  exit 5
fi
rm -rf "$lake"
mkdir -p "$lake"
touch "$lake/.interop"

compare() { # label, truth file
  "$venv/bin/python" "$here/compare.py" --lake "$lake" --truth "$2" --label "$1" --readers "$readers"
}

demo() { # flags
  bin/paylake demo --quiet --lake "$lake" --streams orders,charges,payables,balance_operations,recipients,recipient_balance "$@"
}

failed=0
demo --truth-out "$lake/.truth-before.json"
compare "before" "$lake/.truth-before.json" || failed=1

demo --truth-out "$lake/.truth-after.json" --days-later 7
if cmp -s "$lake/.truth-before.json" "$lake/.truth-after.json"; then
  echo "DIFF the truth is the same seven days later: the second run proves nothing" >&2
  failed=1
fi
compare "after" "$lake/.truth-after.json" || failed=1
exit $failed
