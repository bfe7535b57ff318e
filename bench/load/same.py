"""same.py KIND PATH ROWS: prints count and sums of what was written, as one line; KIND is parquet or delta (a folder below
which one Delta table is). Equal lines mean equal answers."""

import pathlib
import sys

import duckdb

kind, path = sys.argv[1], pathlib.Path(sys.argv[2])
if kind == "delta":
    from deltalake import DeltaTable

    logs = [log.parent for log in path.rglob("_delta_log") if not log.parent.name.startswith("_")]
    tables = [DeltaTable(str(table)) for table in logs]
    tables = [table for table in tables if "event_time" in [field.name for field in table.schema().fields]]
    assert len(tables) == 1, logs
    rows = tables[0].to_pyarrow_table()
    source = "rows"
else:
    source = f"read_parquet('{path}')"
print(
    *duckdb.sql(
        f"""SELECT count(*), sum(id), sum(user_id), count(amount), round(sum(amount), 2), round(sum(ratio), 6),
                   sum(epoch_ms(event_time::TIMESTAMP)), count(DISTINCT country), count(note), sum(strlen(note)),
                   min(note), max(note), count_if(flag), typeof(any_value(id)), typeof(any_value(ratio)), typeof(any_value(flag))
            FROM {source}"""
    ).fetchall()[0]
)
