"""JSON to Parquet by DuckDB with one thread and by `paylake decode --parquet`,
on the same records in the same run: CPU seconds, peak memory, size of the file.

    bench_duckdb.py --paylake bin/paylake [--records FILE] [--orders 100000] [--runs 3]

Records are orders as JSON lines, which internal/bench makes where no file is
given. Both turn all columns of the table into zstd Parquet; paylake adds its
system columns, sorts the rows and gathers statistics. CPU seconds are user and
system time. Of paylake the whole process counts, with GOMAXPROCS=1; of DuckDB
the COPY statement only, not the start of Python nor the load of the library.
The two take turns, and the best run of each counts. Exit code 1 if paylake took
more than --most times the CPU seconds of DuckDB, or made a larger file.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

MIB = 1 << 20


def main():
    args = arguments()
    if args.copy:
        return copy(args.records, args.columns, args.copy)
    with tempfile.TemporaryDirectory(dir=args.work) as work:
        records = args.records or make(args.orders, os.path.join(work, "orders.jsonl"))
        columns = os.path.join(work, "columns.txt")
        with open(columns, "w", encoding="utf-8") as f:
            subprocess.run([args.paylake, "schema", "orders", "--format", "duckdb-columns"], stdout=f, check=True)
        duckdb, ours = [], []
        for _ in range(args.runs):
            duckdb.append(time_duckdb(records, columns, os.path.join(work, "duckdb.parquet")))
            ours.append(time_ours(args.paylake, records, os.path.join(work, "ours.parquet")))
        return judge(args, os.path.getsize(records), duckdb, ours)


def arguments():
    parser = argparse.ArgumentParser(description="time JSON to Parquet by DuckDB and by paylake")
    parser.add_argument("--paylake", default="bin/paylake", help="the binary")
    parser.add_argument("--records", help="file of orders as JSON lines")
    parser.add_argument("--orders", type=int, default=100_000, help="how many records to make without --records")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--most", type=float, default=0.9, help="CPU seconds of ours per CPU second of DuckDB")
    parser.add_argument("--work", help="folder for what is written, a temporary one if not given")
    parser.add_argument("--columns", help=argparse.SUPPRESS)  # for the process that runs DuckDB
    parser.add_argument("--copy", help=argparse.SUPPRESS)
    return parser.parse_args()


def make(orders, path):
    """Writes records of the simulated account."""
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    env = os.environ | {"PAYLAKE_BENCH_RECORDS": path, "PAYLAKE_BENCH_ORDERS": str(orders)}
    command = [os.environ.get("GO", "go"), "test", "-count=1", "-run", "^TestWriteRecords$", "./internal/bench"]
    subprocess.run(command, cwd=root, env=env, stdout=sys.stderr, check=True)
    return path


def copy(records, columns, out):
    """Runs the COPY statement and prints what it cost."""
    import duckdb

    con = duckdb.connect(config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    with open(columns, encoding="utf-8") as f:
        columns = f.read().strip()
    statement = f"""
        COPY (SELECT * FROM read_json('{records}', format = 'newline_delimited', columns = {columns}))
        TO '{out}' (FORMAT parquet, COMPRESSION zstd)"""
    before = cpu_of(resource.getrusage(resource.RUSAGE_SELF))
    rows = con.execute(statement).fetchone()[0]
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": cpu_of(usage) - before, "peak": peak_of(usage), "rows": rows}))
    sys.stdout.flush()
    os._exit(0)


def cpu_of(usage):
    return usage.ru_utime + usage.ru_stime


def peak_of(usage):
    """Bytes; the field is in KiB, on macOS in bytes."""
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def time_duckdb(records, columns, out):
    command = [sys.executable, __file__, "--records", records, "--columns", columns, "--copy", out]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout) | {"bytes": os.path.getsize(out)}


def time_ours(binary, records, out):
    command = [binary, "decode", "--parquet", out, "orders", records]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"GOMAXPROCS": "1"})
    told = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with code {child.returncode}")
    return {"cpu": cpu_of(usage), "peak": peak_of(usage), "rows": json.loads(told)["rows"], "bytes": os.path.getsize(out)}


def judge(args, size, duckdb, ours):
    """Prints the figures and gives the exit code."""
    rows = duckdb[0]["rows"]
    if any(run["rows"] != rows for run in duckdb + ours):
        sys.exit("the two did not write the same number of rows")
    load = os.getloadavg()[0]
    print(f"{rows} orders, {size / 1e6:.1f} MB of JSON, one thread, best of {args.runs} runs, load average {load:.1f}")
    theirs, mine = show("duckdb", duckdb, size, rows), show("paylake", ours, size, rows)
    cpu, written = mine["cpu"] / theirs["cpu"], mine["bytes"] / theirs["bytes"]
    print(f"paylake/duckdb: {cpu:.2f} of the CPU seconds (goal {args.most}), {written:.3f} of the bytes (goal 1)")
    return 0 if cpu <= args.most and written <= 1 else 1


def show(name, runs, size, rows):
    best = min(runs, key=lambda run: run["cpu"])
    print(f"{name:8} {best['cpu']:8.2f} CPU s {size / 1e6 / best['cpu']:8.1f} MB/s {rows / best['cpu']:10.0f} records/s"
          f" {best['bytes'] / 1e6:8.1f} MB written {best['peak'] / MIB:8.0f} MiB peak")
    return best


if __name__ == "__main__":
    sys.exit(main())
