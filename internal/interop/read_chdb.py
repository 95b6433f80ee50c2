"""Reads the tables with ClickHouse in its embedded form."""

import json

import chdb

import facts

# Without this the engine rewrites members of structs to columns of the file,
# which its reader of Delta tables does not have.
SETTINGS = " SETTINGS optimize_functions_to_subcolumns = 0"


def read(tables):
    refs = {name: f"deltaLakeLocal('{t.uri}')" for name, t in tables.items()}

    def query(sql):
        answer = chdb.query(sql + SETTINGS, "JSONCompact")
        return [tuple(row) for row in json.loads(answer.bytes())["data"]]

    # Counts and sums are UInt64 and Int64, which the JSON formats quote.
    def numbers(sql):
        return [tuple(number(v) for v in row) for row in query(sql)]

    out = {name: facts.basics(numbers, t, refs[name]) for name, t in tables.items()}
    out["orders"] |= orders(numbers, refs)
    out["charges"] |= charges(numbers, refs)
    if "recipient_balance" in out:
        out["recipient_balance"]["foreign recipients"] = numbers(
            f"SELECT count(*) FROM {refs['recipient_balance']} WHERE {member('recipient', 'id')} <> recipient_id")[0][0]
    return out


def number(value):
    """A whole number that came as text, or the value itself."""
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    return value


def member(column, *path):
    """A member of a struct; see SETTINGS for why this is no dotted name."""
    for name in path:
        column = f"tupleElement({column}, '{name}')"
    return column


def orders(query, refs):
    charges = f"(SELECT arrayJoin(charges) AS c FROM {refs['orders']})"
    items = f"(SELECT arrayJoin(items) AS i FROM {refs['orders']})"
    count, cents = query(f"""
        SELECT count(*), sum({member('c', 'amount')}) FROM {charges}
        WHERE {member('c', 'created_at')} <= (SELECT max(created_at) FROM {refs['charges']})""")[0]
    brand = member("c", "last_transaction", "card", "brand")
    return {
        "charges inside": count,
        "cents inside": cents,
        "items": query(f"SELECT sum({member('i', 'amount')} * {member('i', 'quantity')}) FROM {items}")[0][0],
        "customers": query(f"SELECT count(DISTINCT {member('customer', 'id')}) FROM {refs['orders']}")[0][0],
        "channels": dict(query(f"SELECT metadata['canal'] AS m, count(*) FROM {refs['orders']} GROUP BY m")),
        "brands inside": dict(query(f"SELECT {brand} AS b, count(*) FROM {charges} GROUP BY b")),
    }


def charges(query, refs):
    order = member("order", "id")
    first = query(f"SELECT min({order}) FROM {refs['charges']}")[0][0]
    brand = member("last_transaction", "card", "brand")
    interest = member("last_transaction", "interest", "amount")
    return {
        "of one order": query(f"SELECT count(*) FROM {refs['charges']} WHERE {order} = '{first}'")[0][0],
        "without order": query(f"""
            SELECT count(*) FROM (SELECT {order} AS order_id FROM {refs['charges']}) AS c
            LEFT ANTI JOIN (SELECT id FROM {refs['orders']}) AS o ON o.id = c.order_id""")[0][0],
        "brands": dict(query(f"SELECT {brand} AS b, count(*) FROM {refs['charges']} GROUP BY b")),
        "interest": query(f"SELECT CAST(sum({interest}) AS Nullable(String)) FROM {refs['charges']}")[0][0],
        "newest": query(f"SELECT toUnixTimestamp64Micro(max(created_at)) FROM {refs['charges']}")[0][0],
    }


if __name__ == "__main__":
    facts.run(read)
