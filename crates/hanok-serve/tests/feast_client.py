"""A real Feast client against a running server: feast_client.py HTTP_ADDRESS (feast==0.67.0 must be installed).

Expects the rows of `serve_demo` (view `driver_stats`, key `driver_id`). Prints `ok` and ends with 0, or fails.
"""

import datetime
import pathlib
import sys
import tempfile

import pandas as pd
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.types import Float32, Float64, Int64


def main():
    address = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "feature_store.yaml").write_text(
            "project: p\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
            f"online_store:\n  type: remote\n  path: http://{address}\n"
        )
        frame = pd.DataFrame({"driver_id": [1], "event_timestamp": [pd.Timestamp("2026-01-01", tz="UTC")]})
        names = {"conv_rate": Float32, "acc_rate": Float32, "avg_daily_trips": Int64, "score": Float64, "earnings": Float64}
        for feature in names:
            frame[feature] = 0
        frame.to_parquet(folder / "source.parquet")
        store = FeatureStore(repo_path=str(folder))
        driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
        view = FeatureView(
            name="driver_stats",
            entities=[driver],
            ttl=datetime.timedelta(0),
            schema=[Field(name="driver_id", dtype=Int64), *(Field(name=n, dtype=t) for n, t in names.items())],
            source=FileSource(path=str(folder / "source.parquet"), timestamp_field="event_timestamp"),
        )
        service = FeatureService(name="driver_service", features=[view])
        store.registry.apply_entity(driver, "p")
        store.registry.apply_feature_view(view, "p")
        store.registry.apply_feature_service(service, "p")

        rows = [{"driver_id": 1}, {"driver_id": 2}, {"driver_id": 10**12}]
        refs = [f"driver_stats:{feature}" for feature in names]
        answer = store.get_online_features(features=refs, entity_rows=rows)
        values = answer.to_dict()
        assert values["driver_id"] == [1, 2, 10**12], values
        assert isinstance(values["avg_daily_trips"][0], int) and values["avg_daily_trips"][2] is None, values
        assert isinstance(values["score"][0], float) and 0 <= values["score"][0] < 1, values
        full = store.get_online_features(features=refs, entity_rows=rows, full_feature_names=True).to_dict()
        assert full["driver_stats__score"] == values["score"], full
        columnar = store.get_online_features(features=refs, entity_rows={"driver_id": [1, 2, 10**12]}).to_dict()
        assert columnar == values, columnar
        frame = store.get_online_features(features=refs, entity_rows=rows).to_df()
        assert list(frame["driver_id"]) == [1, 2, 10**12] and frame["score"].isna().tolist() == [False, False, True]
        # The lower-level read that feature servers in front of a remote store use.
        from feast.infra.key_encoding_utils import serialize_entity_key  # noqa: F401  (proves the version)
        from feast.protos.feast.types.EntityKey_pb2 import EntityKey
        from feast.protos.feast.types.Value_pb2 import Value

        keys = [EntityKey(join_keys=["driver_id"], entity_values=[Value(int64_val=k)]) for k in (1, 10**12)]
        online = store._get_provider().online_read(store.config, view, keys, ["score", "conv_rate"])
        assert abs(online[0][1]["score"].double_val - values["score"][0]) < 1e-12, online
        assert online[0][1]["conv_rate"].WhichOneof("val") == "float_val", online
        assert online[1][1]["score"].WhichOneof("val") is None, online
        for bad, words in [
            (lambda: store.get_online_features(features=["nowhere:x"], entity_rows=rows), ["HK0804", "FeatureView"]),
            (lambda: store.get_online_features(features=refs, entity_rows=[{"driver_id": None}]), ["HK0805"]),
            (lambda: store.get_online_features(features=refs, entity_rows=[{"other": 1}]), ["HK0805"]),
            (lambda: store.get_online_features(features=service, entity_rows=rows), ["HK0804", "FeatureService"]),
        ]:
            try:
                bad()
            except Exception as error:  # noqa: BLE001  whichever class Feast makes of it
                text = f"{type(error).__name__} {error}"
                assert any(word in text for word in words), text
            else:
                raise AssertionError("no error")
    print("ok")


if __name__ == "__main__":
    main()
