"""Other people's clients on Hanok: `peers.py PATH_TO_HANOK`.

Runs the demo in a temporary folder, then
* DuckDB and Polars read the lake's Delta tables directly: row counts and sums must equal Hanok's own;
* the Feast SDK, with `online_store: type: remote`, reads the flights features from `hanok serve`: the values must equal
  those of `hanok features get`, and mistakes must come back as errors of the client's, not of the server's.
"""

import json
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import timedelta
from pathlib import Path

HANOK = str(Path(sys.argv[1]).resolve())
SERVICE_VIEWS = {
    "carrier_delay": (["carrier"], ["flights_7d", "mean_dep_delay_7d", "share_late_7d", "share_cancelled_7d"]),
    "route_delay": (["origin", "dest"], ["flights_30d", "mean_dep_delay_30d"]),
    "weather": (["origin"], ["temp_f"]),
}


def hanok(project: Path, *args: str) -> dict:
    done = subprocess.run([HANOK, "--project", str(project), "--json", *args], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"hanok {' '.join(args)} failed ({done.returncode}):\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def sql(project: Path, query: str) -> list[dict]:
    done = subprocess.run(
        [HANOK, "--project", str(project), "sql", query, "--format", "json"], capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(f"{query} failed:\n{done.stdout}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def table_folders(project: Path) -> dict[str, Path]:
    import sqlite3

    connection = sqlite3.connect(project / ".hanok" / "catalog.sqlite")
    rows = connection.execute("select schema_name, table_name, directory from tables where kind = 'table'")
    return {f"{schema}.{table}": project / ".hanok/lake/main" / folder for schema, table, folder in rows}


def check_engines(project: Path) -> None:
    import deltalake
    import duckdb
    import polars

    folders = table_folders(project)
    checks = {
        "raw.flights": ("dep_delay", "distance"),
        "raw.weather": ("temp", "precip"),
        "mart.route_delay": ("flights_30d", "mean_dep_delay_30d"),
    }
    for name, columns in checks.items():
        sums = ", ".join(f"sum({column}) as {column}" for column in columns)
        own = sql(project, f"select count(*) as n, {sums} from {name}")[0]
        pl = polars.scan_delta(str(folders[name])).select(polars.len().alias("n"), *[polars.col(c).sum() for c in columns])
        theirs = {"polars": pl.collect().to_dicts()[0]}
        arrow = deltalake.DeltaTable(str(folders[name])).to_pyarrow_dataset()
        connection = duckdb.connect()
        connection.register("t", arrow)
        cursor = connection.execute(f"select count(*) as n, {sums} from t")
        theirs["duckdb"] = dict(zip([d[0] for d in cursor.description], cursor.fetchone()))
        for engine, values in theirs.items():
            for key, value in own.items():
                assert math.isclose(float(values[key]), float(value), rel_tol=1e-9), (name, engine, key, values[key], value)
        print(f"  {name}: {own['n']} rows, sums equal in DuckDB and Polars")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_healthy(port: int, server: subprocess.Popen) -> None:
    for _ in range(200):
        if server.poll() is not None:
            sys.exit("hanok serve ended at once")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).read()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit("hanok serve does not answer")


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


def check_feast(project: Path, folder: Path) -> None:
    port = free_port()
    server = subprocess.Popen([HANOK, "--project", str(project), "serve", "--http", f"127.0.0.1:{port}"])
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
        newest = sql(
            project,
            "select mean_dep_delay_7d as v from mart.carrier_delay where carrier = 'B6' order by event_timestamp desc limit 1",
        )[0]["v"]
        assert math.isclose(got["mean_dep_delay_7d"][0], newest, rel_tol=1e-12), (got, newest)
        route = sql(
            project,
            "select flights_30d as v from mart.route_delay where origin = 'EWR' and dest = 'ORD' "
            "order by event_timestamp desc limit 1",
        )[0]["v"]
        assert got["flights_30d"][1] == route, (got, route)
        full = store.get_online_features(features=features[:1], entity_rows=rows[:1], full_feature_names=True).to_dict()
        assert "carrier_delay__flights_7d" in full, full
        print(f"  Feast {__import__('feast').__version__} read {len(features)} features for {len(rows)} rows from hanok serve")
        status, body = post(port, {"entities": {"carrier": ["B6"]}, "features": ["carrier_delay:nope"]})
        assert 400 <= status < 500 and "nope" in body, (status, body)
        status, body = post(port, {"entities": {"origin": ["JFK"]}, "features": features})
        assert 400 <= status < 500, (status, body)
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert server.returncode == 0, f"hanok serve ended with {server.returncode}"


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
        project = folder / "demo"
        done = subprocess.run([HANOK, "demo", "--dir", str(project), "--json"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        demo = json.loads(done.stdout)
        assert demo["rows_loaded"] == 336_776 + 26_115 + 3_322 + 1_458 + 16, demo["rows_loaded"]
        assert demo["rows_rejected"] == 0 and demo["training_rows"] == 27_004, demo
        assert demo["lookup"]["metadata"]["feature_names"], demo["lookup"]
        print(f"  demo: {demo['rows_loaded']} rows loaded, {demo['online_keys']} online keys, {demo['seconds']}")
        again = hanok(project, "load")
        assert again["rows_loaded"] == 0, again
        check_engines(project)
        feast_folder = folder / "feast"
        feast_folder.mkdir()
        check_feast(project, feast_folder)
    print("4 passed, 0 failed")


main()
