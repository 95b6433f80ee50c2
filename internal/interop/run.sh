#!/usr/bin/env bash
# Reads the tables of `paylake demo` with other engines and compares them with
# the simulator's truth: see README.md. Needs bin/paylake, Python 3.11 or newer
# with venv, and Java 17 or newer. A line per check; exit code 1 on a difference.
#
#   PYTHON   the Python that makes the virtual environment (default python3)
#   READERS  comma-separated engines (default all: see compare.py)
#   LAKE     folder of the lakes, emptied first (default ./interop-lake)
#   SIZE     records of the large lake (default 20000)
#   STEPS    changes, checkpoint, others, turns, travel: which to run (default all)
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=$root/.venv/bin/python
lakes=${LAKE:-$root/interop-lake}
readers=${READERS:-deltalake,duckdb,polars,chdb,spark}
export PYTHONDONTWRITEBYTECODE=1
failed=0

stop() {
  echo "interop: $1" >&2
  exit 5
}

# differs tells of a difference.
differs() {
  echo "DIFF $1"
  failed=1
}

# A lake from here only: the folder is removed if it is one, never another.
clean() {
  if [ -e "$lakes" ] && [ ! -e "$lakes/.interop" ] && [ -n "$(ls -A "$lakes")" ]; then
    stop "$lakes is not of this script: remove it, or set LAKE"
  fi
  rm -rf "$lakes"
  mkdir -p "$lakes"
  touch "$lakes/.interop"
}

# demo LAKE [FLAGS]: a run on a lake, and the truth beside it.
demo() {
  local lake=$lakes/$1
  shift
  "$root/bin/paylake" demo --quiet --lake "$lake" --truth-out "$lake.json" \
    --streams orders,charges,payables,balance_operations,recipients,recipient_balance "$@" >"$lakes/demo.log" ||
    { cat "$lakes/demo.log"; stop "the demo ended with code $?"; }
}

# compare LABEL LAKE
compare() {
  "$python" "$here/compare.py" --lake "$lakes/$2" --truth "$lakes/$2.json" --label "$1" --readers "$readers" || failed=1
}

# Before and after a run that changed records.
changes() {
  demo large --size "${SIZE:-20000}"
  compare before large
  cp "$lakes/large.json" "$lakes/before.json"
  demo large --size "${SIZE:-20000}" --days-later 7
  ! cmp -s "$lakes/before.json" "$lakes/large.json" || differs "the truth is the same seven days later: the second run proves nothing"
  compare after large
}

# Tables of which the first commits are gone, so that only the checkpoint has
# what they did.
checkpoint() {
  local table last day
  for day in $(seq 0 12); do
    demo small --size 2000 --days 20 --days-later "$day"
  done
  for table in orders charges payables balance_operations recipient_balance; do
    last=$lakes/small/pagarme/$table/_delta_log/_last_checkpoint
    if [ ! -e "$last" ]; then
      differs "checkpoint $table: no _last_checkpoint after 13 runs"
    elif ! rm "$lakes/small/pagarme/$table/_delta_log/"0000000000000000000?.json; then
      differs "checkpoint $table: no commits before the checkpoint"
    fi
  done
  compare checkpoint small
}

# Other engines write, then paylake goes on and has all as it was.
others() {
  [ -e "$lakes/small" ] || demo small --size 2000 --days 20 --days-later 12
  local writers=deltalake
  [[ ,$readers, != *,spark,* ]] || writers=deltalake,spark
  "$python" "$here/writers.py" --lake "$lakes/small" --truth "$lakes/small.json" --writers $writers || failed=1
  demo small --size 2000 --days 20 --days-later 12
  compare others small
}

# Paylake and other engines change one table by turns and at the same time.
turns() {
  local engine
  for engine in deltalake spark; do
    [[ ,$readers, == *,$engine,* ]] || continue
    "$python" "$here/taking_turns.py" "$root/bin/paylake" "$lakes/turns-$engine" $engine >"$lakes/turns.log" 2>&1 || failed=1
    grep -E '^(ok|   )' "$lakes/turns.log" || true
    if ! tail -1 "$lakes/turns.log" | grep -qE '^(ok|   )'; then
      differs "turns $engine"
      tail -20 "$lakes/turns.log" | cut -c1-2000
    fi
  done
}

# Every version of a table that was compacted and cleaned.
travel() {
  "$python" "$here/time_travel.py" "$root/bin/paylake" "$lakes/travel" "$readers" || failed=1
}

[ -x "$root/bin/paylake" ] || stop "bin/paylake is missing: run make build, or make interop"
[[ ,$readers, != *,spark,* ]] || command -v java >/dev/null || stop "Spark needs Java 17 or newer (READERS=deltalake,duckdb,polars,chdb goes without)"
"$here/venv.sh"
clean
for step in ${STEPS:-changes checkpoint others turns travel}; do
  "$step"
done
if [ $failed = 0 ]; then
  echo "interop: no differences"
else
  echo "interop: there are differences, see the lines with DIFF" >&2
fi
exit $failed
