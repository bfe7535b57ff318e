"""peer_duckdb.py CSV PARQUET: COPY to Parquet (Snappy, as ours). Not Delta: the least that any loader has to do."""

import sys

import duckdb

duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute("SET threads = 2")
duckdb.execute(f"COPY (FROM read_csv('{sys.argv[1]}')) TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION snappy)")
