"""Runs the readers, each in a process of its own, and compares what they read
with the truth and with each other. A line per check; exit code 1 on any
difference.

    compare.py --lake DIR --truth FILE [--label TEXT] [--readers a,b,...]
"""

import argparse
import json
import os
import sys
import tempfile
import time

import child
import tables as lake

READERS = ("deltalake", "duckdb", "polars", "chdb", "spark")


def main():
    args = arguments()
    tables = lake.load(args.lake, args.truth)
    report = Report(args.label)
    answers = {}
    for reader in args.readers.split(","):
        started = time.monotonic()
        answers[reader] = ask(reader, args.lake, args.truth)
        report.check(reader, "all", "reads the tables", answers[reader] is not None, True)
        if answers[reader] is not None:
            judge(report, reader, tables, answers[reader])
            print(f"   {reader}: {time.monotonic() - started:.1f} s", flush=True)
    agree(report, answers)
    print(f"{args.label}: {report.checks} checks, {report.differences} differences", flush=True)
    return 1 if report.differences else 0


def arguments():
    parser = argparse.ArgumentParser(description="compare what readers read with the truth")
    parser.add_argument("--lake", required=True)
    parser.add_argument("--truth", required=True)
    parser.add_argument("--label", default="read")
    parser.add_argument("--readers", default=",".join(READERS))
    return parser.parse_args()


class Report:
    """Prints each check and counts the differences."""

    def __init__(self, label):
        self.label, self.checks, self.differences = label, 0, 0

    def check(self, reader, table, what, got, want):
        self.checks += 1
        ok = got == want
        self.differences += not ok
        detail = "" if ok else f": got {brief(got, want)}, want {brief(want, got)}"
        print(f"{'ok  ' if ok else 'DIFF'} {self.label} {reader} {table}: {what}{detail}", flush=True)


def brief(value, other):
    """A value for people; of dictionaries only the entries that differ."""
    if isinstance(value, dict) and isinstance(other, dict):
        value = {k: v for k, v in value.items() if other.get(k) != v}
    text = json.dumps(value)
    return text if len(text) <= 300 else text[:300] + "..."


def ask(reader, folder, truth):
    """Runs a reader; None, with its output shown, if it does not end well."""
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "answers.json")
        # ClickHouse reads only files below the folder it works in.
        code, output = child.run(reader, f"read_{reader}.py", [os.path.abspath(folder), os.path.abspath(truth), out], folder)
        if code == 0:
            with open(out, encoding="utf-8") as f:
                return json.load(f)
        print(f"{reader} ended with code {code}:\n{output[-4000:]}", file=sys.stderr, flush=True)
        return None


def judge(report, reader, tables, answers):
    """Compares a reader's answers with the truth and among themselves."""
    for name, table in tables.items():
        got = answers[name]
        check = lambda what, value, want: report.check(reader, name, what, value, want)
        if "rows" in table.truth:
            check("row count", got["rows"], table.truth["rows"])
        check("keys are unique", got["keys"], got["rows"])
        days = table.truth.get("days") or {}
        if table.partition and days:
            check("rows a day", got["rows a day"], {day: d["rows"] for day, d in days.items()})
            check("partition filter", got["one partition"], days[table.busiest_day]["rows"])
            if all("amount" in d for d in days.values()):
                check("amount a day", got["amount a day"], {day: d["amount"] for day, d in days.items()})
        if table.truth.get("statuses"):
            check("statuses", got["statuses"], table.truth["statuses"])
    judge_nested(report, reader, answers)


def judge_nested(report, reader, answers):
    orders, charges = answers["orders"], answers["charges"]
    report.check(reader, "orders", "charges inside are those of the charges table", orders["charges inside"], charges["rows"])
    cents = sum(charges["amount a day"].values())
    report.check(reader, "orders", "amount of the charges inside", orders["cents inside"], cents)
    report.check(reader, "orders", "metadata of every order is read", sum(orders["channels"].values()), orders["rows"])
    report.check(reader, "charges", "every charge has its order", charges["without order"], 0)
    report.check(reader, "charges", "filter by a member of a struct", charges["of one order"] > 0, True)
    if "recipient_balance" in answers:
        balances = answers["recipient_balance"]
        report.check(reader, "recipient_balance", "balances belong to their recipient", balances["foreign recipients"], 0)
        report.check(reader, "recipient_balance", "last snapshot has every recipient", balances["last snapshot"], answers["recipients"]["rows"])
    if "runs" in answers:
        judge_history(report, reader, answers["runs"], answers["windows"])


def judge_history(report, reader, runs, windows):
    report.check(reader, "runs", "there are some", runs["rows"] > 0, True)
    report.check(reader, "windows", "as many as the runs tell", windows["rows"], runs["windows"])
    report.check(reader, "windows", "with the records that the runs tell", windows["records"], runs["records"])


def agree(report, answers):
    """What the truth does not tell, all readers must read alike."""
    answers = {reader: a for reader, a in answers.items() if a is not None}
    if len(answers) < 2:
        return
    first, *others = answers
    for reader in others:
        for name, facts in answers[first].items():
            report.check(reader, name, f"same as {first}", answers[reader][name], facts)


if __name__ == "__main__":
    sys.exit(main())
