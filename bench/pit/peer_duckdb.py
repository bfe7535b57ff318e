"""peer_duckdb.py asof|full FOLDER VIEWS TTL_US OUT: DuckDB's ASOF JOIN, bare or with everything a training set needs.

`full` adds the ttl (outside, so that an expired newest row hides older ones), ties by created timestamp, and the order of
the entity rows. Its best form compares structs: the newest (event, created) at or before (entity timestamp, infinity).
"""

import sys

import duckdb

kind, folder, views, ttl_us, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
connection = duckdb.connect(config={"threads": 2, "preserve_insertion_order": kind == "full"})
connection.execute("SET TimeZone = 'UTC'")
columns, joins = [], []
for at in range(views):
    source = f"read_parquet('{folder}/view_{at}.parquet') v{at}"
    if kind == "asof":
        columns += [f"v{at}.f{c} AS v{at}_f{c}" for c in range(5)]
        joins.append(f"ASOF LEFT JOIN {source} ON e.key = v{at}.key AND e.event_timestamp >= v{at}.event_timestamp")
    else:
        fresh = f"v{at}.event_timestamp >= e.event_timestamp - INTERVAL {ttl_us} MICROSECONDS"
        columns += [f"CASE WHEN {fresh} THEN v{at}.f{c} END AS v{at}_f{c}" for c in range(5)]
        joins.append(
            f"ASOF LEFT JOIN {source} ON e.key = v{at}.key AND {{a: e.event_timestamp, b: 'infinity'::TIMESTAMPTZ}}"
            f" >= {{a: v{at}.event_timestamp, b: v{at}.created}}"
        )
entity = f"read_parquet('{folder}/entity.parquet'{', file_row_number = true' if kind == 'full' else ''}) e"
order = " ORDER BY e.file_row_number" if kind == "full" else ""
query = f"SELECT e.key, e.event_timestamp, {', '.join(columns)} FROM {entity} {' '.join(joins)}{order}"
connection.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION snappy)")
