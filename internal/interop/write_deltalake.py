"""Writes to the tables with delta-rs: rows of another engine in a day of orders,
which are then compacted with ours, and balance operations in another order. (Not
charges: Polars 2.1.0 fails on filters by a member of a struct in files with the
statistics that delta-rs writes.)

    write_deltalake.py LAKE TRUTH
"""

import sys

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder, write_deltalake

import facts
import tables as lake


def write(tables):
    orders, operations = tables["orders"], tables["balance_operations"]
    table = DeltaTable(orders.uri)
    rows = table.count()
    strangers = pa.table(QueryBuilder().register("orders", table).execute(
        f"SELECT * FROM orders WHERE created_date = DATE '{orders.busiest_day}' LIMIT 3").read_all())
    write_deltalake(orders.uri, strangers, mode="append")
    table.update_incremental()
    removed = table.optimize.compact(partition_filters=[("created_date", "=", orders.busiest_day)])["numFilesRemoved"]
    facts.tell("deltalake", "orders", "3 rows more", table.count(), rows + 3)
    facts.tell("deltalake", "orders", "files compacted", removed > 1, True)

    table = DeltaTable(operations.uri)
    rows = table.count()
    removed = table.optimize.z_order(["amount"])["numFilesRemoved"]
    facts.tell("deltalake", "balance_operations", "files in another order", removed > 1, True)
    facts.tell("deltalake", "balance_operations", "as many rows", table.count(), rows)


if __name__ == "__main__":
    facts.end(lambda: write(lake.load(*sys.argv[1:])))
