"""Reads every version of a table with other engines, after paylake compacted
it, cleaned its log and removed what no version within the retention needs.

    time_travel.py PAYLAKE LAKE [ENGINE,...]

makes the lake with `paylake demo`, so it must not exist. Engines are deltalake,
duckdb, polars and spark, others are passed over; the default is all but spark.
A line per engine; exit code 1 on a difference. What a version must hold is told by the log itself: the
rows of the files that are live in it.
"""

import json
import os
import subprocess
import sys

TABLE = "pagarme/payables"
RUNS = 6  # days: within the retention of 7, beyond which a run removes files

CONFIG = """version: 1
destination: {{url: {lake}}}
connections:
  - name: demo
    source: pagarme
    folder: pagarme
    api_key: {{env: NO_KEY_IS_NEEDED}}
    start: 2020-01-01
    streams: [payables]
"""


def make(paylake, lake):
    """Fills a lake, with more commits than there are between two checkpoints, and
    returns the configuration to look after it."""
    for day in range(RUNS):
        run([paylake, "demo", "--quiet", "--lake", lake, "--size", "2000", "--days", "20", "--streams", "payables",
             "--days-later", str(day)])
        crumble(os.path.join(os.path.abspath(lake), TABLE))
    config = lake + ".yaml"
    with open(config, "w", encoding="utf-8") as f:
        f.write(CONFIG.format(lake=os.path.abspath(lake)))
    return config


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def crumble(uri):
    """Appends each day's first rows again, in small files of another engine."""
    import pyarrow as pa
    from deltalake import DeltaTable, QueryBuilder, write_deltalake

    rows = pa.table(QueryBuilder().register("t", DeltaTable(uri)).execute("SELECT * FROM t LIMIT 40").read_all())
    for _ in range(3):
        write_deltalake(uri, rows, mode="append")


def truth(uri):
    """The rows of each version, by the log."""
    live, versions, v = {}, [], 0
    while os.path.exists(name := os.path.join(uri, "_delta_log", f"{v:020d}.json")):
        with open(name, encoding="utf-8") as f:
            actions = [json.loads(line) for line in f if line.strip()]
        for a in actions:
            if "remove" in a:
                live.pop(a["remove"]["path"], None)
        for a in actions:
            if "add" in a:
                live[a["add"]["path"]] = json.loads(a["add"]["stats"])["numRecords"]
        versions.append(sum(live.values()))
        v += 1
    return versions


def by_deltalake(uri, versions):
    from deltalake import DeltaTable

    return [DeltaTable(uri, version=v).to_pyarrow_dataset().count_rows() for v in versions]


def by_duckdb(uri, versions):
    import duckdb

    import read_duckdb

    con = duckdb.connect()
    con.execute(f"LOAD '{read_duckdb.extension()}'")
    out = []
    for v in versions:
        con.execute(f"ATTACH '{uri}' AS at{v} (TYPE delta, VERSION {v})")
        out.append(con.execute(f"SELECT count(id) FROM at{v}").fetchone()[0])
    return out


def by_polars(uri, versions):
    import polars as pl

    return [pl.scan_delta(uri, version=v).select(pl.col("id").count()).collect().item() for v in versions]


def by_spark(uri, versions):
    import read_spark

    spark = read_spark.session()
    return [spark.read.format("delta").option("versionAsOf", v).load(uri).select("id").count() for v in versions]


def main(paylake, lake, engines):
    if os.path.exists(lake):
        raise SystemExit(f"{lake} exists already")
    config, uri = make(paylake, lake), os.path.join(os.path.abspath(lake), TABLE)
    done = json.loads(run([paylake, "optimize", "--json", "--config", config]))[0]
    if done["commits"] != 1 or done["files_after"] >= done["files_before"]:
        raise SystemExit(f"optimize did nothing: {done}")
    run([paylake, "vacuum", "--dry-run=false", "--quiet", "--config", config])
    want = truth(uri)
    failed = False
    for engine in (e for e in engines if "by_" + e in globals()):
        got = globals()["by_" + engine](uri, range(len(want)))
        failed |= got != want
        print(f"{'ok  ' if got == want else 'DIFF'} time travel {engine}: {len(want)} versions"
              + ("" if got == want else f": got {got}, want {want}"), flush=True)
    return int(failed)


if __name__ == "__main__":
    asked = sys.argv[3].split(",") if len(sys.argv) > 3 else ["deltalake", "duckdb", "polars"]
    code = main(sys.argv[1], sys.argv[2], asked)
    sys.stdout.flush()
    os._exit(code)  # threads of the engines may abort the interpreter at its end
