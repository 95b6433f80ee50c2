"""Writes to the tables with Spark: deletes the rows of a day, and a row of
another.

    write_spark.py LAKE TRUTH
"""

import sys

import facts
import tables as lake
from read_spark import session


def write(tables):
    spark = session()
    table = tables["payables"]
    one = lambda what: spark.sql(f"SELECT {what} FROM delta.`{table.uri}`").collect()[0][0]
    day, days = table.busiest_day, table.truth["days"]
    rows = one("count(*)")
    spark.sql(f"DELETE FROM delta.`{table.uri}` WHERE created_date = DATE '{day}'")
    facts.tell("spark", "payables", "a day deleted", one("count(*)"), rows - days[day]["rows"])
    rows, first = one("count(*)"), one("min(id)")
    spark.sql(f"DELETE FROM delta.`{table.uri}` WHERE id = '{first}'")
    facts.tell("spark", "payables", "a row deleted", one("count(*)"), rows - 1)


if __name__ == "__main__":
    facts.end(lambda: write(lake.load(*sys.argv[1:])))
