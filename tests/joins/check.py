"""Checks one case, and says what it was like when it fails."""

import shutil
from collections import Counter
from pathlib import Path

from ..hanok import Failure, Project
from .by_definition import COVERED
from .by_feast import check_feast
from .case import Case, Join
from .clashes import check_clash, check_entity_clash
from .compare import differences, shrink
from .generate import generate
from .large import check_large
from .write import make_project


def describe(case: Case, join: Join | None) -> str:
    lines = [f"  settings: {case.settings}, keys {case.keys}"]
    lines.append(
        f"  entity rows: {len(case.entities['eid'])} as {case.entity_form}, {case.entity_unit} {case.entity_zone}, "
        f"types { {c: str(t) for c, t in case.entity_types.items()} }"
    )
    for view in case.views:
        files = [("another writer's" if c.foreign else "loaded", c.files) for c in view.commits]
        lines.append(
            f"  {view.name}: keys {view.keys}, ttl {view.ttl_s}s, created {view.created}, source {view.source}, "
            f"grown {view.grown}, {len(view.rows['seq'])} rows\n    files {files}"
        )
    if join:
        parts = [(p.name, p.view.name, p.keys, [f.name for f in p.features]) for p in join.projections]
        options = f"full names {join.full_names}, as known at {join.as_known_at}, {join.threads} threads"
        lines.append(f"  join: {parts}, {options}")
    return "\n".join(lines)


def check_case(case: Case, project: Project) -> None:
    join = None
    try:
        make_project(case, project)
        for join in case.joins:
            COVERED[f"entity rows as {case.entity_form}"] += 1
            wrong = differences(case, join, project, case.entities["eid"], case.entity_form)
            if wrong:
                rows, least = shrink(case, join, project, wrong)
                text = f"{len(wrong)} values differ; with the entity rows {rows[:20]} alone: {least[0][1]}"
                raise Failure(text)
            check_clash(case, join, project)
            COVERED["joins"] += 1
            COVERED["joins as known at"] += join.as_known_at
            COVERED["aliases"] += sum(p.alias is not None for p in join.projections)
            COVERED["join key maps"] += sum(bool(p.keys) for p in join.projections)
        if case.feast:
            check_feast(case, case.joins[0], project)
        elif case.number % 8 == 0:
            join = case.joins[-1]
            check_entity_clash(case, project)
    except Failure as error:
        raise Failure(f"{error}\n{describe(case, join)}") from None
    for view in case.views:
        COVERED["views"] += 1
        COVERED["views with composite keys"] += len(view.keys) > 1
        COVERED["views without keys"] += not view.keys
        COVERED["views without rows"] += not view.rows["seq"]
        COVERED["views of several files"] += sum(len(c.files) for c in view.commits) > 1
        COVERED["views with another writer's files"] += any(c.foreign for c in view.commits)
        COVERED["views by SQL"] += view.source == "sql"
        COVERED["views that grew"] += view.grown
        COVERED["views with files that lack a column"] += view.lacking
    COVERED["cases without entity rows"] += not case.entities["eid"]


def work(hanok: Path, base: Path, seed: int, number: int | None, feast: bool) -> tuple[str, str | None, Counter]:
    """One case, or the large join (no number): its name, what is wrong, what it covered."""
    COVERED.clear()
    name = "large" if number is None else f"{'f' if feast else ''}{number}"
    project = Project(hanok, base / name)
    try:
        if number is None:
            check_large(seed, project)
        else:
            check_case(generate(seed, number, feast), project)
    except Failure as error:
        return name, f"FAILED: --seed {seed} --case {name}, project kept in {project.path}\n{error}\n", Counter(COVERED)
    shutil.rmtree(project.path)
    return name, None, Counter(COVERED)
