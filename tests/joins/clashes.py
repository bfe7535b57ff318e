"""Two columns of one name."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..hanok import Failure, Project
from .by_definition import COVERED
from .case import Case, Join
from .tables import entity_table, write_entities


def check_clash(case: Case, join: Join, project: Project) -> None:
    """Two columns of one name are refused, and nothing is written."""
    names = [f.name for p in join.projections for f in p.features]
    twice = join.full_names and len(set(names)) < len(names)
    if not twice:
        return
    COVERED["clashes refused"] += 1
    out = project.path / "clash.parquet"
    path = project.path / "clash_entities.parquet"
    write_entities(case, case.entities["eid"][:1], path)
    if join.service:
        chosen = ["--service", join.service]
    else:
        chosen = ["--features", ",".join(f"{p.view.name}:{f.name}" for p in join.projections for f in p.features)]
    args = ["features", "join", "--entities", path, *chosen, "--timestamp", case.time_column, "-o", out]
    expect_refused(project, args, out, "features of one name were joined without full names")


def check_entity_clash(case: Case, project: Project) -> None:
    """A feature with the name of an entity column is refused without full names and joined with them."""
    join = case.joins[-1]
    projection = join.projections[0]
    feature = projection.features[0]
    path, out = project.path / "clash_entities.parquet", project.path / "clash.parquet"
    table = entity_table(case, case.entities["eid"][:3])
    table = table.append_column(feature.name, pa.array(["own"] * table.num_rows, pa.string()))
    pq.write_table(table, path, version="2.6")
    args = ["features", "join", "--entities", path, "--features", f"{projection.view.name}:{feature.name}"]
    args += ["--timestamp", case.time_column, "-o", out]
    expect_refused(project, args, out, "a feature took the name of an entity column")
    project.ok(*args, "--full-feature-names")
    got = pq.read_table(out)
    full = f"{projection.view.name}__{feature.name}"
    if got.column_names != [*table.column_names, full] or set(got[feature.name].to_pylist()) - {"own"}:
        raise Failure(f"with full names, the columns are {got.column_names}")
    COVERED["clashes refused"] += 1


def expect_refused(project: Project, args: list, out: Path, otherwise: str) -> None:
    """The command ends with a coded error and writes nothing."""
    code, answer, err = project.run(*args, "--json")
    if code == 0 or not json.loads(answer)["error"]["code"].startswith("HK") or out.exists():
        raise Failure(f"{otherwise} ({code}):\n{answer}\n{err}")
