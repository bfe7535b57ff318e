"""What Feast's duckdb offline store finds."""

import datetime
import warnings
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..hanok import Failure, Project
from .by_definition import COVERED, duckdb_winners
from .case import CREATED, EVENT, Case, Join
from .compare import column_name, python_values, run_join, same
from .kinds import KEYS
from .tables import entity_table, feature_table


def feast_answer(case: Case, join: Join, folder: Path) -> pa.Table:
    """What Feast's duckdb offline store says. Known to be wrong or different in Feast 0.67, and left out:

    * The dask store, Feast's default, is not asked at all: it drops entity rows whose only matches are expired,
      collapses duplicate entity rows and breaks ties on created.
    * The rows come in any order: they are sorted by eid before comparing.
    * Full ties, on both timestamps, go to any row (`row_number` without a further order): every tied row is accepted.
    * `filter_by_created_timestamp` drops rows whose created is null, Hanok takes them as known: no null created there.
    * A service with a view twice, once without an alias, cannot be read back: both have one here.
    * A join key map without all keys joins by its own keys only: maps have all keys here.
    * A ttl of days and hours is an error ("mixed units"): whole days or less than one here.
    * A view without entities needs a dummy key column that a Parquet file does not have: none here.
    * No entity rows, or only null timestamps, end in an error: there are always rows here, all with a timestamp.
    * pandas makes floats of whole numbers beside nulls: only text keys are null here. Nanoseconds below the microsecond
      are outside of what DuckDB compares with a timestamp of a zone: entity rows are in microseconds here.
    * Columns that end in `_y` vanish, as do entity columns named like a column of the feature's file: none here.
    """
    from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast import types as feast_types

    warnings.filterwarnings("ignore")  # Feast's imports turn them on.

    folder.mkdir()
    store = FeatureStore(
        config=RepoConfig(
            registry=str(folder / "registry.db"),
            project="oracle",
            provider="local",
            offline_store={"type": "duckdb"},
            online_store={"type": "sqlite", "path": str(folder / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    value_types = {"int64": ValueType.INT64, "int32": ValueType.INT32, "string": ValueType.STRING}
    dtypes = {
        "int32": feast_types.Int32,
        "int64": feast_types.Int64,
        "float32": feast_types.Float32,
        "float64": feast_types.Float64,
        "string": feast_types.String,
        "bool": feast_types.Bool,
        "bytes": feast_types.Bytes,
        "timestamp": feast_types.UnixTimestamp,
    }
    entities = {
        key: Entity(name=key, join_keys=[key], value_type=value_types[KEYS[kind][0]]) for key, kind in case.keys.items()
    }
    how = {"unit": "us", "zone": "UTC", "residue": 0}
    views = {}
    for view in case.views:
        path = folder / f"{view.name}.parquet"
        table = feature_table(view, 0, len(view.rows["seq"]), how, True, late=False)
        pq.write_table(table, path, version="2.6")
        created = {"created_timestamp_column": CREATED} if view.created else {}
        key_fields = [Field(name=key, dtype=dtypes[KEYS[case.keys[key]][0]]) for key in view.keys]
        views[view.name] = FeatureView(
            name=view.name,
            entities=[entities[key] for key in view.keys],
            ttl=datetime.timedelta(seconds=view.ttl_s),
            schema=[*key_fields, *(Field(name=f.name, dtype=dtypes[f.kind]) for f in view.features)],
            source=FileSource(name=f"{view.name}_rows", path=str(path), timestamp_field=EVENT, **created),
        )
    parts = []
    for p in join.projections:
        part = views[p.view.name][[f.name for f in p.features]]
        part = part.with_name(p.alias) if p.alias else part
        parts.append(part.with_join_key_map(p.keys) if p.keys else part)
    service = FeatureService(name="s0", features=parts)
    store.apply([*entities.values(), *views.values(), service])
    frame = entity_table(case, case.entities["eid"]).to_pandas()
    job = store.get_historical_features(
        frame, service, full_feature_names=join.full_names, filter_by_created_timestamp=join.as_known_at
    )
    return job.to_arrow().sort_by("eid")


def check_feast(case: Case, join: Join, project: Project) -> None:
    theirs = feast_answer(case, join, project.path / "feast")
    rows = case.entities["eid"]
    ours = run_join(case, join, project, rows, case.entity_form).sort_by("eid")
    if theirs["eid"].to_pylist() != rows:
        raise Failure(f"Feast has {theirs.num_rows} rows of {len(rows)}")
    for p in join.projections:
        tied = [len(tied) > 1 for _, tied in duckdb_winners(case, join, p, rows)]
        for f in p.features:
            name = column_name(join, p, f)
            own, other = python_values(ours[name]), python_values(theirs[name].cast(ours[name].type))
            for row in rows:
                if tied[row]:
                    COVERED["Feast: full ties left out"] += f.name.endswith("_rid")
                elif not same(own[row], other[row]):
                    raise Failure(f"row {row}: {p.name}:{f.name} is {own[row]!r}, Feast has {other[row]!r}")
                else:
                    COVERED["Feast: values equal"] += 1
