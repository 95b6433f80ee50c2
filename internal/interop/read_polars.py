"""Reads the tables with Polars, by its lazy frames."""

import datetime

import polars as pl

import facts
import tables as lake


def read(tables):
    frames = {name: pl.scan_delta(t.uri) for name, t in tables.items()}
    out = {name: basics(frames[name], t) for name, t in tables.items()}
    out["orders"] |= orders(frames)
    out["charges"] |= charges(frames)
    if "recipient_balance" in out:
        foreign = pl.col("recipient").struct.field("id") != pl.col("recipient_id")
        out["recipient_balance"]["foreign recipients"] = one(frames["recipient_balance"].filter(foreign).select(pl.len()))
    return out


def one(frame):
    return frame.collect().item()


def counts(frame, key):
    """How many rows there are of each value."""
    return dict(frame.group_by(key.alias("k")).agg(pl.len()).collect().iter_rows())


def basics(frame, table):
    out = {
        "rows": one(frame.select(pl.len())),
        "keys": one(frame.select(table.key).unique().select(pl.len())),
    }
    if table.partition:
        cents = pl.col(table.amount).sum() if table.amount else pl.lit(0)
        days = frame.group_by(table.partition).agg(pl.len(), cents.alias("cents")).collect()
        out["rows a day"] = {str(day): n for day, n, _ in days.iter_rows()}
        out["amount a day"] = {str(day): sum_ for day, _, sum_ in days.iter_rows()}
        if table.busiest_day:
            day = datetime.date.fromisoformat(table.busiest_day)
            out["one partition"] = one(frame.filter(pl.col(table.partition) == day).select(pl.len()))
    if "snapshot_at" in table.key:
        newest = one(frame.select(pl.col("snapshot_at").max()))
        out["last snapshot"] = one(frame.filter(pl.col("snapshot_at") == newest).select(pl.len()))
    if table.name == "runs":
        out["windows"] = one(frame.select(pl.col("windows").sum()))
    if table.name in lake.HISTORY:
        out["records"] = one(frame.select(pl.col("rows").sum()))
    if table.truth.get("statuses"):
        out["statuses"] = counts(frame, pl.col("status"))
    return out


def orders(frames):
    frame = frames["orders"]
    newest = one(frames["charges"].select(pl.col("created_at").max()))
    inside = frame.select("charges").explode("charges").filter(pl.col("charges").is_not_null()).unnest("charges")
    items = frame.select("items").explode("items").unnest("items")
    known = inside.filter(pl.col("created_at") <= newest).select(pl.len().alias("n"), pl.col("amount").sum()).collect()
    brand = pl.col("last_transaction").struct.field("card").struct.field("brand")
    return {
        "charges inside": known.item(0, "n"),
        "cents inside": known.item(0, "amount"),
        "items": one(items.select((pl.col("amount") * pl.col("quantity")).sum())),
        "customers": one(frame.select(pl.col("customer").struct.field("id").drop_nulls().n_unique())),
        "channels": counts(frame, pl.col("metadata").map.get("canal")),
        "brands inside": counts(inside, brand),
    }


def charges(frames):
    frame = frames["charges"]
    brand = pl.col("last_transaction").struct.field("card").struct.field("brand")
    interest = pl.col("last_transaction").struct.field("interest").struct.field("amount")
    order_id = pl.col("order").struct.field("id")
    order = frame.select(order_id.alias("order_id"))
    first = one(frame.select(order_id.min()))
    return {
        "of one order": one(frame.filter(order_id == first).select(pl.len())),
        "without order": one(order.join(frames["orders"], left_on="order_id", right_on="id", how="anti").select(pl.len())),
        "brands": counts(frame, brand),
        "interest": one(frame.select(pl.when(interest.count() > 0).then(interest.sum()))),
        "newest": one(frame.select(pl.col("created_at").max().dt.epoch("us"))),
    }


if __name__ == "__main__":
    facts.run(read)
