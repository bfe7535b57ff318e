"""Hanok's answer beside the definition's."""

import math

import pyarrow as pa
import pyarrow.parquet as pq

from ..hanok import Failure, Project
from .by_definition import duckdb_winners
from .case import EVENT, Case, Feature, Join, Projection, View
from .kinds import KINDS
from .tables import entity_table, plain_array, write_entities

# Runs of `hanok features join` that a shrink may take.
SHRINK_RUNS_MAX = 24


def same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return type(a) is type(b) and a == b


def python_values(column: pa.ChunkedArray) -> list:
    data_type = column.type
    if pa.types.is_timestamp(data_type):
        return column.cast(pa.int64()).to_pylist()
    if pa.types.is_date32(data_type):
        return column.cast(pa.int32()).to_pylist()
    return column.to_pylist()


def plain_type(data_type: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(data_type):
        return data_type.value_type
    return {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}.get(data_type, data_type)


def feature_values(view: View, feature: Feature) -> list:
    """The view's rows as values of a training set."""
    values = plain_array(view.rows[feature.name], KINDS[feature.kind].lake)
    out = feature.out
    if KINDS[feature.kind].lake == pa.date32():
        return view.rows[feature.name]
    if pa.types.is_decimal(KINDS[feature.kind].lake):
        # The nearest number, which pyarrow's own cast does not find.
        return [None if value is None else float(value) for value in view.rows[feature.name]]
    return python_values(pa.chunked_array([values.cast(out)]))


def column_name(join: Join, projection: Projection, feature: Feature) -> str:
    return f"{projection.name}__{feature.name}" if join.full_names else feature.name


def run_join(case: Case, join: Join, project: Project, rows: list, form: str) -> pa.Table:
    folder = project.path
    out = folder / "out.parquet"
    out.unlink(missing_ok=True)
    if form in ("table", "sql"):
        names = ", ".join(f'"{name}"' for name in entity_table(case, []).column_names)
        entities = ["--entities", "raw.entity_rows"]
        if form == "sql":
            entities = ["--entities-sql", f"select {names} from raw.entity_rows order by eid desc"]
    else:
        path = folder / f"entities.{form}"
        write_entities(case, rows, path)
        entities = ["--entities", str(path)]
    references = [f"{p.view.name}:{f.name}" for p in join.projections for f in p.features]
    chosen = ["--service", join.service] if join.service else ["--features", ",".join(references)]
    options = ["--full-feature-names"] if join.full_names else []
    options += ["--as-known-at"] if join.as_known_at else []
    options += ["--threads", str(join.threads)]
    if case.time_column != EVENT:
        options += ["--timestamp", case.time_column]
    project.ok("features", "join", *entities, *chosen, *options, "-o", out)
    return pq.read_table(out)


def differences(case: Case, join: Join, project: Project, rows: list, form: str) -> list:
    """What is wrong with the join of these entity rows: (entity row, what)."""
    got = run_join(case, join, project, rows, form)
    entity = entity_table(case, rows)
    if form in ("table", "sql"):
        entity_columns = [*entity.column_names, "_hanok_load_id"] if form == "table" else entity.column_names
    else:
        entity_columns = entity.column_names
    expected = [*entity_columns, *(column_name(join, p, f) for p in join.projections for f in p.features)]
    if got.column_names != expected:
        raise Failure(f"the columns are {got.column_names}, should be {expected}")
    if form == "table":
        got = got.sort_by("eid")  # Without an order by, none is promised.
    order = list(reversed(rows)) if form == "sql" else rows
    eids = got["eid"].to_pylist()
    if eids != [case.entities["eid"][row] for row in order]:
        raise Failure(f"the entity rows come out as {eids[:20]}…, should be {order[:20]}…")
    wrong = []
    if form == "parquet":
        before = pq.read_table(project.path / "entities.parquet")
        for name in before.column_names:
            if got[name].type != plain_type(before[name].type):
                raise Failure(f"the entity column {name} is {got[name].type}, was {before[name].type}")
            for row, old, new in zip(rows, python_values(before[name]), python_values(got[name])):
                if not same(old, new):
                    wrong.append((row, f"entity column {name}: {new!r}, was {old!r}"))
    if form == "sql":
        got = got.take(pa.array(range(len(rows) - 1, -1, -1), pa.int64()))
    for p in join.projections:
        winners = duckdb_winners(case, join, p, rows)
        rid = p.view.features[0]
        rids = python_values(got[column_name(join, p, rid)])
        numbers = p.view.rows[rid.name]
        chosen = []
        for row, (winner, tied), own in zip(rows, winners, rids):
            allowed = [winner] if winner is not None and not p.view.any_tie else tied
            match = next((seq for seq in allowed if numbers[seq] == own), None)
            if (match is None) != (own is None) or (winner is not None and match is None):
                wrong.append((row, explain(case, p, row, winner, tied, own)))
            chosen.append(match)
        for f in p.features:
            name = column_name(join, p, f)
            if got[name].type != f.out:
                raise Failure(f"the column {name} is {got[name].type}, should be {f.out}")
            values = feature_values(p.view, f)
            for row, match, own in zip(rows, chosen, python_values(got[name])):
                should = None if match is None else values[match]
                if not same(own, should):
                    wrong.append((row, f"{p.name}:{f.name} is {own!r}, should be {should!r}"))
    return wrong


def explain(case: Case, projection: Projection, row: int, winner, tied: list, own) -> str:
    view = projection.view
    columns = [*view.keys, "event", "created", "seq", view.features[0].name]
    shown = lambda seq: {c: view.rows[c][seq] for c in columns}  # noqa: E731
    numbers = view.rows[view.features[0].name]
    lines = [f"{projection.name}: rid {own!r}, should be {None if winner is None else numbers[winner]!r}"]
    lines.append(
        f"    entity row: time {case.entities['time'][row]}, "
        + str({key: case.entities[projection.keys.get(key, key)][row] for key in view.keys})
    )
    if winner is not None:
        ties = f", ties with {len(tied) - 1} more" if len(tied) > 1 else ""
        lines.append(f"    should be:  {shown(winner)}{ties}")
    if own in numbers:
        lines.append(f"    is:         {shown(numbers.index(own))}")
    return "\n".join(lines)


def shrink(case: Case, join: Join, project: Project, wrong: list) -> tuple[list, list]:
    """Fewer entity rows that still go wrong."""
    rows = case.entities["eid"]
    form = case.entity_form if case.entity_form in ("csv", "jsonl") else "parquet"
    runs = 0

    def fails(some: list) -> list:
        nonlocal runs
        runs += 1
        try:
            return differences(case, join, project, some, form)
        except Failure as error:
            return [(some[0] if some else -1, str(error))]

    row = wrong[0][0]
    if alone := fails([row]):
        return [row], alone
    best = fails(rows)
    part = 2
    while best and len(rows) > 1 and runs < SHRINK_RUNS_MAX:
        size = max(1, len(rows) // part)
        for start in range(0, len(rows), size):
            fewer = rows[:start] + rows[start + size :]
            if runs < SHRINK_RUNS_MAX and (still := fails(fewer)):
                rows, best = fewer, still
                break
        else:
            if size == 1:
                break
            part *= 2
    return rows, best or wrong
