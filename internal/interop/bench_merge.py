"""Merges the rows of Parquet files into a table with delta-rs, for BenchmarkMerge
of internal/bench, and tells in one line of JSON what that took.

    bench_merge.py --table DIR --change DIR --by id[,created_date]

Rows of the table with the same values in the columns of --by are updated. The
clock runs from opening the table to the end of the commit, not for the start of
Python and the load of the library.
"""

import argparse
import json
import resource
import time

import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable


def main():
    parser = argparse.ArgumentParser(description="merge rows with delta-rs")
    parser.add_argument("--table", required=True)
    parser.add_argument("--change", required=True, help="folder of Parquet files")
    parser.add_argument("--by", default="id", help="columns that identify a row")
    args = parser.parse_args()
    rows = ds.dataset(args.change, format="parquet", partitioning=None).to_table()
    rows = rows.append_column("created_date", pc.cast(pc.cast(rows["created_at"], "timestamp[us]"), "date32"))
    begun = time.monotonic()
    done = (
        DeltaTable(args.table)
        .merge(
            source=rows,
            predicate=" AND ".join(f"target.{name} = source.{name}" for name in args.by.split(",")),
            source_alias="source",
            target_alias="target",
        )
        .when_matched_update_all()
        .execute()
    )
    seconds = time.monotonic() - begun
    if done["num_target_rows_updated"] != rows.num_rows:
        raise SystemExit(f"{done['num_target_rows_updated']} rows were updated, not {rows.num_rows}")
    print(json.dumps({
        "seconds": seconds,
        "peak": peak(),
        "files_added": done["num_target_files_added"],
        "files_removed": done["num_target_files_removed"],
        "rows_added": done["num_output_rows"],
        "bytes_added": added(args.table),
    }))


def peak():
    """Bytes of resident memory; what wait4 says counts the parent's, too."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except FileNotFoundError:  # not Linux: macOS counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def added(table):
    """Bytes of the files that the newest commit added."""
    version = DeltaTable(table).version()
    total = 0
    with open(f"{table}/_delta_log/{version:020}.json", encoding="utf-8") as log:
        for line in log:
            action = json.loads(line).get("add")
            total += action["size"] if action else 0
    return total


if __name__ == "__main__":
    main()
