"""peer_polars.py CSV FOLDER: scan_csv → sink_delta, streaming."""

import sys

import polars as pl

pl.scan_csv(sys.argv[1], try_parse_dates=True).sink_delta(sys.argv[2], mode="overwrite")
