"""same.py EXPECTED FOUND: whether two results hold the same rows: in order (exactly), or by counts and sums."""

import sys

import duckdb

expected, found, mode = sys.argv[1], sys.argv[2], sys.argv[3]


def features(path):
    return sorted(row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall() if row[0].startswith("v"))


def summary(path):
    names = features(path)
    sums = ", ".join(f"count({n}), sum({n}::DECIMAL(38, 12))" for n in names)
    # Some join the names of view and feature with two underscores.
    return [n.replace("__", "_") for n in names], duckdb.sql(f"SELECT count(*), {sums} FROM '{path}'").fetchall()[0]


def numbered(path):
    columns = ", ".join(f"{n} AS {n.replace('__', '_')}" for n in features(path))
    return f"SELECT row_number() OVER () AS row, key, event_timestamp, {columns} FROM '{path}'"


ok = summary(expected) == summary(found)
if ok and mode == "exact":
    ok = duckdb.sql(f"SELECT count(*) FROM ({numbered(expected)} EXCEPT {numbered(found)})").fetchall()[0][0] == 0
if not ok:
    print(f"results differ:\n{summary(expected)}\n{summary(found)}")
sys.exit(not ok)
