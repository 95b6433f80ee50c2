"""JSON to Parquet by DuckDB with one thread, against a command of ours, on the
same records in the same run: CPU seconds, peak memory and size of the file.

    paylake schema orders --format duckdb-columns > columns.txt
    bench_duckdb.py --records orders.jsonl --columns columns.txt \\
        --ours './bench-file {records} {out}' --runs 5

records is a file of JSON lines. {records} and {out} in the command become the
paths; its whole process counts, with GOMAXPROCS=1. Of DuckDB only the COPY
statement counts, neither the start of Python nor the load of the library. The
two take turns, and the best run of each counts. Exit code 1 if ours took more
than --most times the CPU seconds of DuckDB, or made a larger file.
"""

import argparse
import json
import os
import resource
import shlex
import subprocess
import sys
import tempfile


def main():
    args = arguments()
    if args.copy:
        return copy(args)
    duckdb, ours = [], []
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        for _ in range(args.runs):
            duckdb.append(time_duckdb(args, os.path.join(work, "duckdb.parquet")))
            if args.ours:
                ours.append(time_ours(args, os.path.join(work, "ours.parquet")))
    size, rows = os.path.getsize(args.records), duckdb[0]["rows"]
    print(f"{rows} records, {size / 1e6:.1f} MB of JSON, best of {args.runs} runs, one thread")
    best = show("duckdb", duckdb, size, rows)
    if not ours:
        return 0
    mine = show("paylake", ours, size, rows)
    cpu, bytes_ = mine["cpu"] / best["cpu"], mine["bytes"] / best["bytes"]
    print(f"paylake/duckdb: {cpu:.2f} of the CPU seconds, {bytes_:.3f} of the bytes")
    return 0 if cpu <= args.most and bytes_ <= 1 else 1


def arguments():
    parser = argparse.ArgumentParser(description="time JSON to Parquet by DuckDB and by a command")
    parser.add_argument("--records", required=True, help="file of JSON lines")
    parser.add_argument("--columns", required=True, help="file with DuckDB's columns = {...} of read_json")
    parser.add_argument("--ours", help="command to time beside DuckDB, with {records} and {out}")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most", type=float, default=0.9, help="CPU seconds of ours per CPU second of DuckDB")
    parser.add_argument("--work", help="folder for the output, a temporary one if not given")
    parser.add_argument("--copy", help=argparse.SUPPRESS)  # the process that runs DuckDB
    return parser.parse_args()


def copy(args):
    """Runs the COPY statement and prints what it cost."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    with open(args.columns, encoding="utf-8") as f:
        columns = f.read().strip()
    statement = f"""
        COPY (SELECT * FROM read_json('{args.records}', format = 'newline_delimited', columns = {columns}))
        TO '{args.copy}' (FORMAT parquet, COMPRESSION zstd)"""
    before = cpu_of(resource.getrusage(resource.RUSAGE_SELF))
    rows = con.execute(statement).fetchone()[0]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": cpu_of(usage) - before, "peak": usage.ru_maxrss * 1024, "rows": rows}))
    sys.stdout.flush()
    os._exit(0)


def cpu_of(usage):
    return usage.ru_utime + usage.ru_stime


def time_duckdb(args, out):
    command = [sys.executable, __file__, "--records", args.records, "--columns", args.columns, "--copy", out]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) | {"bytes": os.path.getsize(out)}


def time_ours(args, out):
    command = [word.format(records=args.records, out=out) for word in shlex.split(args.ours)]
    child = subprocess.Popen(command, stdout=sys.stderr, env=os.environ | {"GOMAXPROCS": "1"})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{args.ours} ended with code {child.returncode}")
    return {"cpu": cpu_of(usage), "peak": usage.ru_maxrss * 1024, "bytes": written(out)}


def written(path):
    """Bytes of a file, or of all files in a folder."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in os.walk(path) for name in names)


def show(name, runs, size, rows):
    best = min(runs, key=lambda run: run["cpu"])
    print(f"{name:8} {best['cpu']:8.2f} CPU s {size / 1e6 / best['cpu']:8.1f} MB/s {rows / best['cpu']:10.0f} records/s"
          f" {best['bytes'] / 1e6:8.1f} MB written {best['peak'] / 2**20:8.0f} MiB peak")
    return best


if __name__ == "__main__":
    sys.exit(main())
