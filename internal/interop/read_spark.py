"""Reads the tables with Spark and delta-spark. The jars come from Maven once
and are cached by Ivy; Java 17 or newer is needed."""

import os
import sys

from pyspark.sql import SparkSession

import facts

DELTA = "io.delta:delta-spark_2.13:4.1.0"


def session():
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master("local[2]").appName("paylake-interop")
        .config("spark.jars.packages", DELTA)
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.databricks.delta.snapshotPartitions", "2")  # 50 tasks per table otherwise
        .config("spark.driver.memory", "2g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def read(tables):
    spark = session()
    for t in tables.values():
        spark.read.format("delta").load(t.uri).createOrReplaceTempView(t.name)
    query = lambda sql: [tuple(row) for row in spark.sql(sql).collect()]

    out = {name: facts.basics(query, t, name) for name, t in tables.items()}
    out["orders"] |= orders(query)
    out["charges"] |= charges(query)
    if "recipient_balance" in out:
        out["recipient_balance"]["foreign recipients"] = query(
            "SELECT count(*) FROM recipient_balance WHERE recipient.id <> recipient_id")[0][0]
    return out


def orders(query):
    charges = "(SELECT explode(charges) AS c FROM orders)"
    count, cents = query(f"""
        SELECT count(*), sum(c.amount) FROM {charges}
        WHERE c.created_at <= (SELECT max(created_at) FROM charges)""")[0]
    return {
        "charges inside": count,
        "cents inside": cents,
        "items": query("SELECT sum(i.amount * i.quantity) FROM (SELECT explode(items) AS i FROM orders)")[0][0],
        "customers": query("SELECT count(DISTINCT customer.id) FROM orders")[0][0],
        "channels": dict(query("SELECT metadata['canal'] AS m, count(*) FROM orders GROUP BY m")),
        "brands inside": dict(query(f"SELECT c.last_transaction.card.brand AS b, count(*) FROM {charges} GROUP BY b")),
    }


def charges(query):
    first = query("SELECT min(order.id) FROM charges")[0][0]
    return {
        "of one order": query(f"SELECT count(*) FROM charges WHERE order.id = '{first}'")[0][0],
        "without order": query("SELECT count(*) FROM charges c ANTI JOIN orders o ON o.id = c.order.id")[0][0],
        "brands": dict(query("SELECT last_transaction.card.brand AS b, count(*) FROM charges GROUP BY b")),
        "interest": query("SELECT sum(last_transaction.interest.amount) FROM charges")[0][0],
        "newest": query("SELECT unix_micros(max(created_at)) FROM charges")[0][0],
    }


if __name__ == "__main__":
    facts.run(read)
