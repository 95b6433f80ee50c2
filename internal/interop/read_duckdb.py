"""Reads the tables with DuckDB's delta_scan. The extension comes with the
wheel duckdb-extension-delta, so nothing is downloaded."""

import os

import duckdb
import duckdb_extension_delta

import facts


def extension():
    folder = os.path.dirname(duckdb_extension_delta.__file__)
    return os.path.join(folder, "extensions", "v" + duckdb.__version__, "delta.duckdb_extension")


def read(tables):
    con = duckdb.connect()
    con.execute(f"LOAD '{extension()}'")
    con.execute("SET TimeZone = 'UTC'")
    for t in tables.values():
        con.execute(f"CREATE VIEW {t.name} AS SELECT * FROM delta_scan('{t.uri}')")
    query = lambda sql: con.execute(sql).fetchall()

    out = {name: facts.basics(query, t, name) for name, t in tables.items()}
    out["orders"] |= orders(query)
    out["charges"] |= charges(query)
    if "recipient_balance" in out:
        out["recipient_balance"]["foreign recipients"] = query(
            "SELECT count(*) FROM recipient_balance WHERE recipient.id <> recipient_id")[0][0]
    return out


def orders(query):
    count, cents = query("""
        SELECT count(*), sum(c.amount) FROM (SELECT unnest(charges) AS c FROM orders)
        WHERE c.created_at <= (SELECT max(created_at) FROM charges)""")[0]
    return {
        "charges inside": count,
        "cents inside": cents,
        "items": query("SELECT sum(i.amount * i.quantity) FROM (SELECT unnest(items) AS i FROM orders)")[0][0],
        "customers": query("SELECT count(DISTINCT customer.id) FROM orders")[0][0],
        "channels": dict(query("SELECT metadata['canal'] AS m, count(*) FROM orders GROUP BY m")),
        "brands inside": dict(query("""
            SELECT c.last_transaction.card.brand AS b, count(*)
            FROM (SELECT unnest(charges) AS c FROM orders) GROUP BY b""")),
    }


def charges(query):
    first = query('SELECT min("order".id) FROM charges')[0][0]
    return {
        "of one order": query(f"""SELECT count(*) FROM charges WHERE "order".id = '{first}'""")[0][0],
        "without order": query("""
            SELECT count(*) FROM charges c ANTI JOIN orders o ON o.id = c."order".id""")[0][0],
        "brands": dict(query("SELECT last_transaction.card.brand AS b, count(*) FROM charges GROUP BY b")),
        "interest": query("SELECT sum(last_transaction.interest.amount) FROM charges")[0][0],
        "newest": query("SELECT epoch_us(max(created_at)) FROM charges")[0][0],
    }


if __name__ == "__main__":
    facts.run(read)
