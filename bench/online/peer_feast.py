"""Makes a Feast repository in FOLDER whose SQLite online store has the demo's rows: peer_feast.py FOLDER KEYS.

Rows are written through Feast's own `write_to_online_store`, in batches.
"""

import datetime
import pathlib
import shutil
import sys

import numpy as np
import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Float64, Int64

BATCH = 100_000


def mixed(entity, column):
    """The demo's numbers (crates/hanok-serve/examples/serve_demo.rs)."""
    with np.errstate(over="ignore"):
        word = entity * np.uint64(6_364_136_223_846_793_005) + np.uint64((column * 0x9E37_79B9_7F4A_7C15) % 2**64)
        word ^= word >> np.uint64(29)
        word *= np.uint64(0xBF58_476D_1CE4_E5B9)
        return word ^ (word >> np.uint64(32))


def rows(start, end):
    entity = np.arange(start, end, dtype=np.uint64)
    seconds = 1_795_305_600 + (mixed(entity, 0) % np.uint64(259_200)).astype(np.int64)
    return pd.DataFrame(
        {
            "driver_id": entity.astype(np.int64),
            "event_timestamp": pd.to_datetime(seconds, unit="s", utc=True),
            "conv_rate": ((mixed(entity, 1) % np.uint64(1_000)).astype(np.float32) / np.float32(1e3)),
            "acc_rate": ((mixed(entity, 2) % np.uint64(1_000_000)).astype(np.float32) / np.float32(1e6)),
            "avg_daily_trips": (mixed(entity, 3) % np.uint64(1_000)).astype(np.int64),
            "score": (mixed(entity, 4) >> np.uint64(11)).astype(np.float64) / 2.0**53,
            "earnings": (mixed(entity, 5) % np.uint64(10_000_000)).astype(np.float64) / 100.0,
        }
    )


def main():
    folder, keys = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "feature_store.yaml").write_text(
        "project: bench\nprovider: local\nregistry: registry.db\nonline_store:\n  type: sqlite\n  path: online.db\n"
        "entity_key_serialization_version: 3\n"
    )
    rows(0, 10).to_parquet(folder / "source.parquet")
    store = FeatureStore(repo_path=str(folder))
    driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
    view = FeatureView(
        name="driver_stats",
        entities=[driver],
        ttl=datetime.timedelta(0),
        schema=[
            Field(name="driver_id", dtype=Int64),
            Field(name="conv_rate", dtype=Float32),
            Field(name="acc_rate", dtype=Float32),
            Field(name="avg_daily_trips", dtype=Int64),
            Field(name="score", dtype=Float64),
            Field(name="earnings", dtype=Float64),
        ],
        source=FileSource(path=str(folder / "source.parquet"), timestamp_field="event_timestamp"),
    )
    store.apply([driver, view])
    for start in range(0, keys, BATCH):
        store.write_to_online_store("driver_stats", df=rows(start, min(keys, start + BATCH)))
        print(f"feast: {min(keys, start + BATCH)} of {keys} rows", file=sys.stderr, flush=True)
    (folder / "done").touch()


if __name__ == "__main__":
    main()
