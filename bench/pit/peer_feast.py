"""peer_feast.py FOLDER VIEWS TTL_US OUT: Feast with its duckdb offline store, get_historical_features to Parquet."""

import datetime
import pathlib
import sys
import tempfile
import warnings

warnings.filterwarnings("ignore")

import pyarrow.parquet as pq  # noqa: E402
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType  # noqa: E402
from feast.types import Float64  # noqa: E402

folder, views, ttl_us, out = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
with tempfile.TemporaryDirectory() as repository:
    store = FeatureStore(
        config=RepoConfig(
            registry=f"{repository}/registry.db",
            project="bench",
            provider="local",
            offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": f"{repository}/online.db"},
            entity_key_serialization_version=3,
        )
    )
    entity = Entity(name="key", join_keys=["key"], value_type=ValueType.INT64)
    objects, features = [entity], []
    for at in range(views):
        source = FileSource(
            name=f"s{at}",
            path=str(folder / f"view_{at}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        )
        objects.append(
            FeatureView(
                name=f"v{at}",
                entities=[entity],
                ttl=datetime.timedelta(microseconds=ttl_us),
                schema=[Field(name=f"f{c}", dtype=Float64) for c in range(5)],
                source=source,
            )
        )
        features += [f"v{at}:f{c}" for c in range(5)]
    store.apply(objects)
    frame = pq.read_table(folder / "entity.parquet").to_pandas()
    job = store.get_historical_features(frame, features, full_feature_names=True)
    pq.write_table(job.to_arrow(), out, compression="snappy")
