"""same.py EXPECTED FOUND: whether two results hold the same rows: in order (exactly), or by counts and sums."""

import sys

import duckdb

expected, found, mode = sys.argv[1], sys.argv[2], sys.argv[3]


def summary(path):
    # Feast joins the names of view and feature with two underscores.
    names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall() if row[0].startswith("v")]
    sums = ", ".join(f"count({n}), sum({n}::DECIMAL(38, 12))" for n in sorted(names))
    return [n.replace("__", "_") for n in sorted(names)], duckdb.sql(f"SELECT count(*), {sums} FROM '{path}'").fetchall()[0]


ok = summary(expected) == summary(found)
if ok and mode == "exact":
    (names, _), differ = summary(expected), None
    columns = ", ".join(["key", "event_timestamp", *names])
    numbered = lambda path: f"SELECT row_number() OVER () AS row, {columns} FROM '{path}'"  # noqa: E731
    differ = duckdb.sql(f"SELECT count(*) FROM ({numbered(expected)} EXCEPT {numbered(found)})").fetchall()[0][0]
    ok = differ == 0
if not ok:
    print(f"results differ:\n{summary(expected)}\n{summary(found)}")
sys.exit(not ok)
