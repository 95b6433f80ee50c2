"""Paylake and other engines change one table, orders, by turns and at the same
time. A line per check; exit code 1 on a difference.

    taking_turns.py BIN LAKE spark    DELETE, OPTIMIZE, RESTORE and VACUUM by Spark between runs of Paylake
    taking_turns.py BIN LAKE deltalake  delta-rs appends and compacts while Paylake runs

BIN is the program, LAKE a folder that does not exist yet.
"""

import json
import os
import subprocess
import sys

import facts

DAYS = 80  # of the account
STRANGE = "2019-01-01"  # a partition that no run of Paylake refreshes


class Lake:
    """A demo lake and the truth that its newest run told."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.truth_file = binary, folder, folder + ".json"
        self.orders = os.path.join(folder, "pagarme", "orders")

    def command(self, later, *flags):
        return [self.binary, "demo", "--quiet", "--lake", self.folder, "--size", "3000", "--days", str(DAYS), "--streams", "orders",
                "--days-later", str(later), "--truth-out", self.truth_file, *flags]

    def run(self, later, *flags):
        """Brings the lake to so many days later."""
        done = subprocess.run(self.command(later, *flags), capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"paylake ended with code {done.returncode}:\n{done.stdout}{done.stderr}")

    def truth(self):
        """Rows and cents of each day, as the source has them."""
        with open(self.truth_file, encoding="utf-8") as f:
            days = json.load(f)["streams"]["orders"]["days"]
        return {day: (d["rows"], d["amount"]) for day, d in days.items()}


def by_spark(lake):
    from read_spark import session

    lake.run(0)
    day = sorted(lake.truth())[10]
    spark = session()
    spark.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    sql = lambda text: spark.sql(text.replace("orders", f"delta.`{lake.orders}`")).collect()
    rows = lambda: {str(day): (n, cents) for day, n, cents in sql(
        "SELECT created_date, count(DISTINCT id), sum(amount) FROM orders GROUP BY created_date")}
    twice = lambda: sql(f"SELECT count(*) - count(DISTINCT id) FROM orders WHERE created_date <> DATE '{STRANGE}'")[0][0]
    newest = lambda: sql("DESCRIBE HISTORY orders")[0]["version"]

    def check(what, want, strange=0):
        """strange is the number of rows in a partition that no run refreshes."""
        got = rows()
        facts.tell("spark", "orders", what + ": rows of another engine", got.pop(STRANGE, (0, 0))[0], strange)
        facts.tell("spark", "orders", what, got, want)
        facts.tell("spark", "orders", what + ": no row twice", twice(), 0)

    before = newest()
    columns = ", ".join(f"DATE '{STRANGE}'" if c == "created_date" else f"`{c}`" for c in spark.read.format("delta").load(lake.orders).columns)
    sql(f"INSERT INTO orders SELECT {columns} FROM orders LIMIT 3")
    first = sql(f"SELECT min(id) FROM orders WHERE created_date = DATE '{STRANGE}'")[0][0]
    sql(f"DELETE FROM orders WHERE created_date = DATE '{STRANGE}' AND id = '{first}'")
    sql(f"DELETE FROM orders WHERE created_date = DATE '{day}'")
    lake.run(1)
    check("a day deleted that a run refreshes is whole again", lake.truth(), strange=2)
    sql("OPTIMIZE orders")
    check("OPTIMIZE changes no row", lake.truth(), strange=2)
    lake.run(2)
    check("a run goes on after OPTIMIZE", lake.truth(), strange=2)
    sql(f"RESTORE TABLE orders TO VERSION AS OF {before}")
    lake.run(2, "--lookback", "0")
    check("what RESTORE took back is read again", lake.truth())
    then = newest()
    lake.run(2, "--lookback", "0")
    facts.tell("spark", "orders", "and once only", newest(), then)
    sql("VACUUM orders RETAIN 0 HOURS")
    lake.run(3)
    check("a run goes on after VACUUM", lake.truth())
    engines = {row["engineInfo"].split("/")[0] for row in sql("DESCRIBE HISTORY orders")}
    facts.tell("spark", "orders", "both are in the history", engines >= {"paylake", "Apache-Spark"}, True)


def by_deltalake(lake):
    import pyarrow as pa
    from deltalake import DeltaTable, QueryBuilder, write_deltalake

    query = lambda text: pa.table(QueryBuilder().register("orders", DeltaTable(lake.orders)).execute(text).read_all()).to_pylist()
    lake.run(0)
    some = pa.table(QueryBuilder().register("orders", DeltaTable(lake.orders)).execute("SELECT * FROM orders LIMIT 3").read_all())
    at = some.schema.get_field_index("created_date")
    strangers = some.set_column(at, some.schema.field(at), pa.array([STRANGE] * 3, pa.string()).cast(some.schema.field(at).type))
    appended = compacted = lost = 0
    for later in range(1, 7):
        run = subprocess.Popen(lake.command(later), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while True:
            ended = run.poll() is not None
            try:
                write_deltalake(lake.orders, strangers, mode="append")
                appended += 3
                table = DeltaTable(lake.orders)
                compacted += table.optimize.compact()["numFilesRemoved"]
            except Exception as problem:  # delta-rs gives up when another commit replaced files meanwhile
                if "onflict" not in str(problem) and "ommit" not in str(problem):
                    raise
                lost += 1
            if ended:
                break
        if run.wait() != 0:
            raise AssertionError(f"paylake ended with code {run.returncode}:\n{run.stdout.read()}")
        got = {str(r["d"]): (r["n"], r["cents"]) for r in query(
            "SELECT created_date AS d, count(DISTINCT id) AS n, sum(amount) AS cents FROM orders GROUP BY created_date")}
        got.pop(STRANGE, None)
        facts.tell("deltalake", "orders", f"day {later}: the truth beside appends and compaction", got, lake.truth())
        all_rows = query("SELECT count(*) AS n, count(DISTINCT id || created_date) AS u FROM orders WHERE created_date <> DATE '" + STRANGE + "'")[0]
        facts.tell("deltalake", "orders", f"day {later}: no row twice", all_rows["n"], all_rows["u"])
        strange = query(f"SELECT count(*) AS n FROM orders WHERE created_date = DATE '{STRANGE}'")[0]["n"]
        facts.tell("deltalake", "orders", f"day {later}: every appended row is there", strange, appended)
    facts.tell("deltalake", "orders", "it did append and compact", appended > 0 and compacted > 0, True)
    print(f"   deltalake: {appended} rows appended, {compacted} files compacted, {lost} of its commits lost a race", flush=True)


if __name__ == "__main__":
    engines = {"spark": by_spark, "deltalake": by_deltalake}
    facts.end(lambda: engines[sys.argv[3]](Lake(os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]))))
