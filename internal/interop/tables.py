"""The tables that the readers read, and what the truth file says of them.

The truth file is written by `paylake demo --truth-out FILE`:

    {"partition_zone": "UTC",
     "streams": {"orders": {"path": "pagarme/orders", "rows": 3,
                            "days": {"2026-08-24": {"rows": 3, "amount": 700}},
                            "statuses": {"paid": 3}}}}

path is below the lake's folder (pagarme/<stream> when absent); amounts are
cents; what is absent is not compared. The truth leaves out recipient_balance,
whose table holds the snapshots of earlier runs too: it is judged by the table
of recipients.
"""

import json
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    name: str
    uri: str        # absolute folder of the table
    key: tuple      # columns that identify a row
    amount: str     # column of cents, "" if there is none
    partition: str  # partition column, "" if there is none
    truth: dict

    @property
    def busiest_day(self):
        """The day that the partition filter asks for, None without days."""
        days = self.truth.get("days") or {}
        return max(sorted(days), key=lambda day: days[day]["rows"], default=None)


COLUMNS = {
    # name: key, amount, partition
    "orders": (("id",), "amount", "created_date"),
    "charges": (("id",), "amount", "created_date"),
    "payables": (("id",), "amount", "created_date"),
    "balance_operations": (("id",), "amount", "created_date"),
    "recipients": (("id",), "", ""),
    "recipient_balance": (("recipient_id", "snapshot_at"), "available_amount", "snapshot_date"),
    "runs": (("run_id",), "", ""),
    "windows": (("run_id", "connection", "stream", "number"), "", ""),
}
HISTORY = ("runs", "windows")  # in _paylake, the history of runs


def load(lake, truth_file):
    """Returns the tables by name, those that the truth file knows."""
    with open(truth_file, encoding="utf-8") as f:
        streams = json.load(f)["streams"]
    tables = {}
    for name, truth in streams.items():
        uri = os.path.abspath(os.path.join(lake, truth.get("path") or "pagarme/" + name))
        tables[name] = Table(name, uri, *COLUMNS[name], truth)
    add_balances(tables)
    add_history(tables, lake)
    return tables


def add_balances(tables):
    """Adds the table of balances if there is one beside that of recipients."""
    name = "recipient_balance"
    uri = os.path.join(os.path.dirname(tables["recipients"].uri), name)
    if os.path.isdir(uri):
        tables.setdefault(name, Table(name, uri, *COLUMNS[name], {}))


def add_history(tables, lake):
    """Adds the tables of the history of runs, if the runs were recorded."""
    for name in HISTORY:
        uri = os.path.abspath(os.path.join(lake, "_paylake", name))
        if os.path.isdir(uri):
            tables[name] = Table(name, uri, *COLUMNS[name], {})
