"""Makes a Feast repository in FOLDER whose SQLite online store has the rows of rows.py: peer_feast.py FOLDER KEYS.

Rows are written through Feast's own `write_to_online_store`, in batches.
"""

import datetime
import pathlib
import shutil
import sys

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Float64, Int64

from rows import rows

BATCH = 100_000


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
