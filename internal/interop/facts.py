"""What a reader is asked, and how it answers.

A reader is a program of its own, read_<engine>.py, that hands its answers to
run(): facts(tables) returns {table: {fact: value}}, where a value is a number,
a text or a dictionary of them. The facts are the same for every engine, the
way to ask for them is not. compare.py judges them.
"""

import json
import os
import sys
import traceback
from decimal import Decimal

import tables as lake


def run(facts):
    """Called by a reader's main: arguments are the lake, the truth file and
    the file for the answers."""
    folder, truth_file, out = sys.argv[1:]

    def answer():
        answers = facts(lake.load(folder, truth_file))
        with open(out, "w", encoding="utf-8") as f:
            json.dump(plain(answers), f)

    end(answer)


def end(work):
    """Does the work of a process and ends it. Some of the engines' threads abort
    the interpreter when it ends, after all work was done right: leave without
    that."""
    code = 0
    try:
        work()
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def tell(engine, table, what, got, want):
    """Prints a check of an engine that writes, and ends the work if it fails."""
    if got != want:
        raise AssertionError(f"{engine} {table}: {what}: got {got}, want {want}")
    print(f"ok   write {engine} {table}: {what}", flush=True)


def plain(value):
    """Makes the values of all engines alike: whole numbers, and decimals as
    text without trailing zeros."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in sorted(value.items(), key=lambda kv: str(kv[0]))}
    if isinstance(value, Decimal):
        whole = value.to_integral_value()
        return int(whole) if value == whole else format(value.normalize(), "f")
    if isinstance(value, float) and value == int(value):
        return int(value)
    return value


def basics(query, table, ref):
    """The facts that every SQL engine is asked in the same words. query gives
    the rows of a statement as tuples, ref stands for the table in it."""
    one = lambda sql: query(sql)[0][0]
    out = {
        "rows": one(f"SELECT count(*) FROM {ref}"),
        "keys": one(f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(table.key)} FROM {ref}) AS k"),
    }
    if table.partition:
        amount = f"sum({table.amount})" if table.amount else "0"
        rows = query(f"SELECT {table.partition}, count(*), {amount} FROM {ref} GROUP BY {table.partition}")
        out["rows a day"] = {str(day): n for day, n, _ in rows}
        out["amount a day"] = {str(day): cents for day, _, cents in rows}
        if table.busiest_day:
            out["one partition"] = one(f"SELECT count(*) FROM {ref} WHERE {table.partition} = DATE '{table.busiest_day}'")
    if "snapshot_at" in table.key:
        out["last snapshot"] = one(f"SELECT count(*) FROM {ref} WHERE snapshot_at = (SELECT max(snapshot_at) FROM {ref})")
    if table.name == "runs":
        out["windows"], out["records"] = query(f"SELECT sum(windows), sum(rows) FROM {ref}")[0]
    if table.name == "windows":
        out["records"] = one(f"SELECT sum(rows) FROM {ref}")
    if table.truth.get("statuses"):
        out["statuses"] = dict(query(f"SELECT status, count(*) FROM {ref} GROUP BY status"))
    return out
