"""Generates the data of one case: data.py FOLDER ENTITY_ROWS FEATURE_ROWS KEYS VIEWS. Skips what is there already.

entity.parquet: key, event_timestamp (µs, UTC) in random order over 90 days. view_N.parquet: key, event_timestamp, created,
f0…f4 (float64), in the order rows would arrive: by time. One row in fifty has another row's key and event timestamp, so
that the created timestamp decides.
"""

import pathlib
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DAY_US = 86_400_000_000
START = 1_700_000_000_000_000
TIME = pa.timestamp("us", "UTC")


def entity(path, rows, keys, random):
    table = pa.table(
        {
            "key": random.integers(0, keys, rows),
            "event_timestamp": pa.array(START + random.integers(0, 90 * DAY_US, rows), pa.int64()).cast(TIME),
        }
    )
    pq.write_table(table, path, compression="snappy")


def view(path, rows, keys, random):
    key = random.integers(0, keys, rows)
    event = START - 10 * DAY_US + np.sort(random.integers(0, 100 * DAY_US, rows))
    ties = random.integers(1, rows, rows // 50)
    key[ties], event[ties] = key[ties - 1], event[ties - 1]
    created = event + random.integers(0, 3_600_000_000, rows)
    columns = {
        "key": key,
        "event_timestamp": pa.array(event, pa.int64()).cast(TIME),
        "created": pa.array(created, pa.int64()).cast(TIME),
    }
    for column in range(5):
        columns[f"f{column}"] = random.random(rows)
    pq.write_table(pa.table(columns), path, compression="snappy", row_group_size=1 << 17)


def main():
    folder = pathlib.Path(sys.argv[1])
    entity_rows, feature_rows, keys, views = map(int, sys.argv[2:6])
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [("entity.parquet", lambda path: entity(path, entity_rows, keys, np.random.default_rng(1)))]
    for at in range(views):
        jobs.append((f"view_{at}.parquet", lambda path, at=at: view(path, feature_rows, keys, np.random.default_rng(2 + at))))
    for name, job in jobs:
        if not (folder / name).exists():
            job(folder / "unfinished")
            (folder / "unfinished").rename(folder / name)


main()
