"""peer_polars.py FOLDER VIEWS TTL_US OUT: Polars' join_asof with a tolerance, ties by created timestamp (the last of equal
rows in sorted order wins), and the order of the entity rows."""

import datetime
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl  # noqa: E402

folder, views, ttl_us, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
frame = pl.scan_parquet(f"{folder}/entity.parquet").with_row_index("row").sort("event_timestamp")
for at in range(views):
    view = pl.scan_parquet(f"{folder}/view_{at}.parquet").sort("event_timestamp", "created").drop("created")
    view = view.rename({f"f{c}": f"v{at}_f{c}" for c in range(5)})
    frame = frame.join_asof(
        view,
        on="event_timestamp",
        by="key",
        strategy="backward",
        tolerance=datetime.timedelta(microseconds=ttl_us),
        check_sortedness=False,
    )
frame.sort("row").drop("row").collect().write_parquet(out, compression="snappy")
