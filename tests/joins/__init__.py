"""Point-in-time joins against two oracles: `python -m tests.joins PATH_TO_HANOK`, with `--help` for more.

Each case is a small project of generated data: Parquet files that `hanok load` takes into the lake (in some cases with
further commits by another writer: small row groups and pages, other encodings), one to three feature views over them,
and entity rows. Every `hanok features join` must equal, value by value, type by type and row by row,
* what DuckDB finds by the definition, written as a plain join and a ranking (not ASOF), in all cases;
* what Feast's duckdb offline store returns, in further cases, except where Feast is known to be wrong (`by_feast.py`).

A failure prints the seed, the case's settings and the smallest entity rows that still show it, and keeps the project.
`--case K` repeats one case of a seed.
"""

import os
import time

os.environ.setdefault("FEAST_USAGE", "False")
os.environ["TZ"] = "UTC"
time.tzset()
