"""Other people's clients on Hanok: `python -m tests.peers PATH_TO_HANOK`.

Runs the demo in a temporary folder, then
* DuckDB and Polars read the lake's Delta tables directly: row counts and sums must equal Hanok's own;
* the Feast SDK, with `online_store: type: remote`, reads the flights features from `hanok serve`: the values must equal
  those of `hanok features get`, and mistakes must come back as errors of the client's, not of the server's.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

from .hanok import Failure, Project, free_port, table_folders

SERVICE_VIEWS = {
    "carrier_delay": (["carrier"], ["flights_7d", "mean_dep_delay_7d", "share_late_7d", "share_cancelled_7d"]),
    "route_delay": (["origin", "dest"], ["flights_30d", "mean_dep_delay_30d"]),
    "weather": (["origin"], ["temp_f"]),
}


def check_engines(project: Project) -> None:
    import deltalake
    import duckdb
    import polars

    folders = {name: str(folder) for name, (_, folder) in table_folders(project.path).items()}
    checks = {
        "raw.flights": ("dep_delay", "distance"),
        "raw.weather": ("temp", "precip"),
        "mart.route_delay": ("flights_30d", "mean_dep_delay_30d"),
    }
    for name, columns in checks.items():
        sums = ", ".join(f"sum({column}) as {column}" for column in columns)
        own = project.rows(f"select count(*) as n, {sums} from {name}")[0]
        pl = polars.scan_delta(folders[name]).select(polars.len().alias("n"), *[polars.col(c).sum() for c in columns])
        theirs = {"polars": pl.collect().to_dicts()[0]}
        arrow = deltalake.DeltaTable(folders[name]).to_pyarrow_dataset()
        connection = duckdb.connect()
        connection.register("t", arrow)
        cursor = connection.execute(f"select count(*) as n, {sums} from t")
        theirs["duckdb"] = dict(zip([d[0] for d in cursor.description], cursor.fetchone()))
        for engine, values in theirs.items():
            for key, value in own.items():
                what = (name, engine, key, values[key], value)
                assert math.isclose(float(values[key]), float(value), rel_tol=1e-9), what
        print(f"  {name}: {own['n']} rows, sums equal in DuckDB and Polars")


def wait_until_healthy(port: int, server: subprocess.Popen) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise Failure("hanok serve ended at once")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
            return
        except OSError:
            time.sleep(0.05)
    raise Failure("hanok serve does not answer")


def feast_store(folder: Path, port: int):
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource
    from feast.types import Float64, Int64
    from feast.value_type import ValueType

    (folder / "feature_store.yaml").write_text(
        "project: flights\nprovider: local\nregistry: registry.db\nentity_key_serialization_version: 3\n"
        f"online_store:\n  type: remote\n  path: http://127.0.0.1:{port}\n"
    )
    store = FeatureStore(repo_path=str(folder))
    source = FileSource(path=str(folder / "none.parquet"), timestamp_field="event_timestamp")
    import pandas

    keys = sorted({key for entities, _ in SERVICE_VIEWS.values() for key in entities})
    frame = {key: ["x"] for key in keys} | {f: [1.0] for _, fs in SERVICE_VIEWS.values() for f in fs}
    pandas.DataFrame(frame | {"event_timestamp": [pandas.Timestamp("2026-01-01")]}).to_parquet(folder / "none.parquet")
    entities = {key: Entity(name=key, join_keys=[key], value_type=ValueType.STRING) for key in keys}
    views = [
        FeatureView(
            name=name,
            entities=[entities[key] for key in joined],
            schema=[Field(name=f, dtype=Int64 if f.startswith("flights_") else Float64) for f in features],
            source=source,
            ttl=timedelta(days=0),
        )
        for name, (joined, features) in SERVICE_VIEWS.items()
    ]
    service = FeatureService(name="departure_delay_part", features=views[:2])
    store.apply([*entities.values(), *views, service])
    return store


def check_feast(project: Project, folder: Path) -> None:
    port = free_port()
    server = subprocess.Popen(project.command("serve", "--http", f"127.0.0.1:{port}"))
    try:
        wait_until_healthy(port, server)
        store = feast_store(folder, port)
        rows = [
            {"carrier": "B6", "origin": "JFK", "dest": "LAX"},
            {"carrier": "UA", "origin": "EWR", "dest": "ORD"},
            {"carrier": "??", "origin": "JFK", "dest": "LAX"},
        ]
        features = [f"{view}:{f}" for view, (_, fs) in SERVICE_VIEWS.items() if view != "weather" for f in fs]
        got = store.get_online_features(features=features, entity_rows=rows).to_dict()
        assert got["carrier"] == ["B6", "UA", "??"], got
        assert got["mean_dep_delay_7d"][2] is None and got["mean_dep_delay_7d"][0] is not None, got
        newest = newest_value(project, "mean_dep_delay_7d", "mart.carrier_delay where carrier = 'B6'")
        assert math.isclose(got["mean_dep_delay_7d"][0], newest, rel_tol=1e-12), (got, newest)
        route = newest_value(project, "flights_30d", "mart.route_delay where origin = 'EWR' and dest = 'ORD'")
        assert got["flights_30d"][1] == route, (got, route)
        full = store.get_online_features(features=features[:1], entity_rows=rows[:1], full_feature_names=True).to_dict()
        assert "carrier_delay__flights_7d" in full, full
        version = __import__("feast").__version__
        print(f"  Feast {version} read {len(features)} features for {len(rows)} rows from hanok serve")
        status, body = post(port, {"entities": {"carrier": ["B6"]}, "features": ["carrier_delay:nope"]})
        assert 400 <= status < 500 and "nope" in body, (status, body)
        status, body = post(port, {"entities": {"origin": ["JFK"]}, "features": features})
        assert 400 <= status < 500, (status, body)
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert server.returncode == 0, f"hanok serve ended with {server.returncode}"


def newest_value(project: Project, column: str, rows: str) -> float:
    return project.rows(f"select {column} as v from {rows} order by event_timestamp desc limit 1")[0]["v"]


def post(port: int, body: dict) -> tuple[int, str]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/get-online-features", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def main() -> None:
    os.environ.setdefault("FEAST_USAGE", "False")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        project = Project(Path(sys.argv[1]), folder / "demo")
        demo = project.answer("demo", "--dir", project.path)
        assert demo["rows_loaded"] == 336_776 + 26_115 + 3_322 + 1_458 + 16, demo["rows_loaded"]
        assert demo["rows_rejected"] == 0 and demo["training_rows"] == 27_004, demo
        assert demo["lookup"]["metadata"]["feature_names"], demo["lookup"]
        print(f"  demo: {demo['rows_loaded']} rows loaded, {demo['online_keys']} online keys, {demo['seconds']}")
        again = project.answer("load")
        assert again["rows_loaded"] == 0, again
        check_engines(project)
        feast_folder = folder / "feast"
        feast_folder.mkdir()
        check_feast(project, feast_folder)
    print("4 passed, 0 failed")


if __name__ == "__main__":
    main()
