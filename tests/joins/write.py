"""Makes a case's project: its files, loads, definitions, and the commits of another writer."""

import json
import time
from pathlib import Path

import pyarrow as pa

from ..hanok import Project, table_folders
from .case import CREATED, EVENT, Case, Commit, View
from .kinds import KEYS, KINDS
from .tables import feature_table, write_entities, write_parquet


def make_project(case: Case, project: Project) -> None:
    folder = project.path
    for name in ("sources", "features", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "hanok.yaml").write_text("name: oracle\nversion: 1\n")
    sources = [{"name": f"{view.name}_rows", "files": [f"data/{view.name}/*.parquet"]} for view in case.views]
    if case.entity_form in ("table", "sql"):
        sources.append({"name": "entity_rows", "files": ["data/entities.parquet"]})
        write_entities(case, case.entities["eid"], folder / "data/entities.parquet")
    (folder / "sources/sources.yaml").write_text(json.dumps({"sources": sources}, ensure_ascii=False))
    (folder / "features/features.yaml").write_text(json.dumps(definitions(case), ensure_ascii=False))
    rounds = max(sum(not commit.foreign for commit in view.commits) for view in case.views)
    done = {view.name: 0 for view in case.views}
    for at in range(rounds):
        for view in case.views:
            own = [commit for commit in view.commits if not commit.foreign]
            (folder / "data" / view.name).mkdir(exist_ok=True)
            for n, (rows, how) in enumerate(own[at].files if at < len(own) else []):
                start = done[view.name]
                table = feature_table(view, start, start + rows, how, False, late=view.grown and at > 0)
                write_parquet(table, folder / "data" / view.name / f"{at}-{n}.parquet", how)
                done[view.name] += rows
        project.ok("load")
    for view in case.views:
        for commit in view.commits:
            if commit.foreign:
                done[view.name] = commit_foreign(project.path, view, commit, done[view.name])
    project.ok("apply")


def commit_foreign(project: Path, view: View, commit: Commit, start: int) -> int:
    """Appends data files as another writer of Delta tables does, with row groups and pages as that likes them."""
    import deltalake
    from deltalake.transaction import AddAction

    folder = table_folders(project)[f"raw.{view.name}_rows"][1]
    table = deltalake.DeltaTable(str(folder))
    adds = []
    for n, (rows, how) in enumerate(commit.files):
        data = feature_table(view, start, start + rows, how, True, late=view.grown)
        data = data.append_column("_hanok_load_id", pa.nulls(rows, pa.string()))
        path = f"part-{table.version()}-{n}.parquet"
        write_parquet(data, folder / path, how)
        size, stats = (folder / path).stat().st_size, json.dumps({"numRecords": rows})
        adds.append(AddAction(path, size, {}, int(time.time() * 1000), True, stats))
        start += rows
    table.create_write_transaction(adds, "append", table.schema())
    return start


def definitions(case: Case) -> dict:
    typed = {name: KEYS[kind][0] for name, kind in case.keys.items()}
    entities = [{"name": f"e_{name}", "join_keys": {name: typed[name]}} for name in case.keys]
    views = []
    for view in case.views:
        names = [f"e_{key}" for key in view.keys]
        if view.composite and view.keys:
            names = [f"e_all_{view.name}"]
            entities.append({"name": names[0], "join_keys": {key: typed[key] for key in view.keys}})
        table = f"raw.{view.name}_rows"
        features = []
        for f in view.features:
            declared = {"type": KINDS[f.kind].declare[0]} if f.declared else {}
            features.append({"name": f.name, **declared})
        views.append(
            {
                "name": view.name,
                "entities": names,
                "source": {"table": table} if view.source == "table" else {"sql": f"select * from {table}"},
                "timestamp": EVENT,
                **({"created": CREATED} if view.created else {}),
                **({"ttl": f"{view.ttl_s}s"} if view.ttl_s else {}),
                "features": features,
            }
        )
    services = []
    for join in case.joins:
        if join.service:
            parts = []
            for p in join.projections:
                part = {"view": p.view.name}
                if p.features != p.view.features:
                    part["features"] = [f.name for f in p.features]
                if p.alias:
                    part["alias"] = p.alias
                if p.keys:
                    part["join_keys"] = p.keys
                parts.append(part)
            services.append({"name": join.service, "features": parts})
    return {"entities": entities, "feature_views": views, "feature_services": services}
