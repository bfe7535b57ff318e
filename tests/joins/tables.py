"""A case's rows as Arrow tables and files."""

import datetime
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .case import CREATED, EVENT, Case, View
from .kinds import DAY_US, KEYS, KINDS


def time_array(values: list, unit: str, zone: str | None, residues: list | int = 0) -> pa.Array:
    """Microseconds as a timestamp column; nanoseconds get a rest below the microsecond."""
    if unit == "day":
        return pa.array([None if v is None else v // DAY_US for v in values], pa.int32()).cast(pa.date32())
    if isinstance(residues, int):
        residues = [residues] * len(values)
    scale = {"ms": lambda v, r: v // 1_000, "us": lambda v, r: v, "ns": lambda v, r: v * 1_000 + r}[unit]
    numbers = [None if v is None else scale(v, r) for v, r in zip(values, residues)]
    return pa.array(numbers, pa.int64()).cast(pa.timestamp(unit, zone))


def plain_array(values: list, data_type: pa.DataType) -> pa.Array:
    """An array of values in which instants are microseconds."""
    if pa.types.is_timestamp(data_type):
        return time_array(values, data_type.unit, data_type.tz)
    if pa.types.is_date32(data_type):
        return time_array(values, "day", None)
    if pa.types.is_dictionary(data_type):
        return pa.array(values, data_type.value_type).dictionary_encode().cast(data_type)
    if pa.types.is_floating(data_type) or pa.types.is_decimal(data_type):
        if pa.types.is_floating(data_type):
            values = [None if v is None else float(v) for v in values]
        return pa.array(values, data_type, from_pandas=False)
    return pa.array(values, data_type)


def feature_table(view: View, start: int, end: int, how: dict, lake: bool, late: bool) -> pa.Table:
    part = {name: values[start:end] for name, values in view.rows.items()}
    columns = {}
    for key, kind in view.keys.items():
        columns[key] = plain_array(part[key], KEYS[kind][1][0])
    columns[EVENT] = time_array(part["event"], how["unit"], how["zone"], how["residue"])
    columns[CREATED] = time_array(part["created"], how["unit"], how["zone"], how["residue"])
    for f in view.features:
        if f.name.endswith("_late") and not late:
            continue
        kind = KINDS[f.kind]
        columns[f.name] = plain_array(part[f.name], kind.lake if lake else kind.file)
    return pa.table(columns)


def write_parquet(table: pa.Table, path: Path, how: dict) -> None:
    settings = {name: value for name, value in how.items() if name not in ("unit", "zone", "residue", "freely")}
    if not settings.get("use_deprecated_int96_timestamps"):
        settings["version"] = "2.6"
    if freely := how.get("freely"):
        names = [name for name in table.column_names if name != freely["without"]]
        if freely["shuffled"]:
            random.Random(table.num_rows).shuffle(names)
        table = table.select(names)
        if freely["required"]:
            fields = [f.with_nullable(table[f.name].null_count > 0) for f in table.schema]
            table = table.cast(pa.schema(fields))
        if freely["delta"]:
            settings["column_encoding"] = {f.name: encoding(f.type, settings) for f in table.schema}
    pq.write_table(table, path, **settings)


def encoding(data_type: pa.DataType, settings: dict) -> str:
    """An encoding that few writers choose."""
    int96 = settings.get("use_deprecated_int96_timestamps")
    if pa.types.is_timestamp(data_type):
        return "PLAIN" if int96 else "DELTA_BINARY_PACKED"
    if pa.types.is_int32(data_type) or pa.types.is_int64(data_type):
        return "DELTA_BINARY_PACKED"
    if pa.types.is_floating(data_type):
        return "BYTE_STREAM_SPLIT"
    if pa.types.is_string(data_type) or pa.types.is_binary(data_type):
        return "DELTA_BYTE_ARRAY"
    return "PLAIN"


def entity_table(case: Case, rows: list) -> pa.Table:
    pick = lambda name: [case.entities[name][row] for row in rows]  # noqa: E731
    columns = {"eid": pa.array(pick("eid"), pa.int64())}
    columns[case.time_column] = time_array(
        pick("time"), case.entity_unit, case.entity_zone, [case.residues[row] for row in rows]
    )
    for column in case.entity_keys:
        columns[column] = plain_array(pick(column), case.entity_types[column])
    if "label" in case.extra:
        columns["label"] = pa.array([row % 2 == 0 for row in rows], pa.bool_())
    if "list" in case.extra:
        columns["list"] = pa.array([[row, None] if row % 3 else None for row in rows], pa.list_(pa.int64()))
    if "other_time" in case.extra:
        columns["other_time"] = pa.array([row for row in rows], pa.int64()).cast(pa.timestamp("ns"))
    if "nothing" in case.extra:
        columns["nothing"] = pa.array([None] * len(rows), pa.string())
    names = list(columns)
    random.Random(case.number).shuffle(names)  # Keys and time need not come first.
    return pa.table({name: columns[name] for name in names})


def iso(us: int | None, zone: str | None) -> str | None:
    if us is None:
        return None
    offset = {"Asia/Seoul": 9, "-03:00": -3}.get(zone, 0)
    days, rest = divmod(us + offset * 3_600_000_000, DAY_US)
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    seconds, fraction = divmod(rest, 1_000_000)
    text = f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"
    return text + {None: "", "UTC": "Z", "Asia/Seoul": "+09:00", "-03:00": "-03:00"}[zone]


def write_entities(case: Case, rows: list, path: Path) -> None:
    table = entity_table(case, rows)
    if path.suffix == ".parquet":
        size = max(1, len(rows) // 3)
        pq.write_table(table, path, row_group_size=size, version="2.6")
        return
    data = {name: table[name].to_pylist() for name in table.column_names}
    data[case.time_column] = [iso(case.entities["time"][row], case.entity_zone) for row in rows]
    with path.open("w", encoding="utf-8", newline="") as out:
        if path.suffix == ".jsonl":
            for at in range(len(rows)):
                out.write(json.dumps({name: values[at] for name, values in data.items()}) + "\n")
            return
        out.write(",".join(data) + "\n")
        for at in range(len(rows)):
            out.write(",".join(str(values[at]) for values in data.values()) + "\n")
