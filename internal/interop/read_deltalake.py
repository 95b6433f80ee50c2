"""Reads the tables with delta-rs, by its DataFusion SQL."""

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

import facts


def read(tables):
    builder = QueryBuilder()
    for t in tables.values():
        builder = builder.register(t.name, DeltaTable(t.uri))

    def query(sql):
        table = pa.table(builder.execute(sql).read_all())
        return [tuple(row.values()) for row in table.to_pylist()]

    out = {name: facts.basics(query, t, name) for name, t in tables.items()}
    out["orders"] |= orders(query)
    out["charges"] |= charges(query)
    if "recipient_balance" in out:
        out["recipient_balance"]["foreign recipients"] = query(
            "SELECT count(*) FROM recipient_balance WHERE recipient['id'] <> recipient_id")[0][0]
    return out


def orders(query):
    count, cents = query("""
        SELECT count(*), sum(c['amount']) FROM (SELECT unnest(charges) AS c FROM orders)
        WHERE c['created_at'] <= (SELECT max(created_at) FROM charges)""")[0]
    return {
        "charges inside": count,
        "cents inside": cents,
        "items": query("SELECT sum(i['amount'] * i['quantity']) FROM (SELECT unnest(items) AS i FROM orders)")[0][0],
        "customers": query("SELECT count(DISTINCT customer['id']) FROM orders")[0][0],
        "channels": dict(query("""
            SELECT m, count(*) FROM (SELECT map_extract(metadata, 'canal')[1] AS m FROM orders) GROUP BY m""")),
        "brands inside": dict(query("""
            SELECT b, count(*) FROM (
                SELECT c['last_transaction']['card']['brand'] AS b FROM (SELECT unnest(charges) AS c FROM orders))
            GROUP BY b""")),
    }


def charges(query):
    first = query("""SELECT min("order"['id']) FROM charges""")[0][0]
    return {
        "of one order": query(f"""SELECT count(*) FROM charges WHERE "order"['id'] = '{first}'""")[0][0],
        "without order": query("""
            SELECT count(*) FROM (SELECT order_id FROM (SELECT "order"['id'] AS order_id FROM charges) AS c
            LEFT ANTI JOIN orders ON orders.id = c.order_id)""")[0][0],
        "brands": dict(query("""
            SELECT b, count(*) FROM (SELECT last_transaction['card']['brand'] AS b FROM charges) GROUP BY b""")),
        "interest": query("SELECT sum(last_transaction['interest']['amount']) FROM charges")[0][0],
        "newest": query("SELECT CAST(max(created_at) AS BIGINT) FROM charges")[0][0],
    }


if __name__ == "__main__":
    facts.run(read)
