"""Point-in-time joins against two oracles: `join_oracle.py PATH_TO_HANOK [--cases N] [--feast M] [--seed S] [--case K]`.

Each case is a small project of generated data: Parquet files that `hanok load` takes into the lake (in some cases with
further commits by another writer: small row groups and pages, other encodings), one to three feature views over them, and
entity rows. Every `hanok features join` must equal, value by value, type by type and row by row,
* what DuckDB finds by the definition, written as a plain join and a ranking (not ASOF), in all cases;
* what Feast's duckdb offline store returns, in M further cases, except where Feast is known to be wrong (`feast_answer`).

A failure prints the seed, the case's settings and the smallest entity rows that still show it, and keeps the project.
`--case K` repeats one case of a seed.
"""

import argparse
import concurrent.futures
import datetime
import json
import math
import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

os.environ.setdefault("FEAST_USAGE", "False")
os.environ["TZ"] = "UTC"
time.tzset()

import duckdb  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

CASES, FEAST_CASES = 120, 15
SEED = 20_261_122
# Columns of a feature file beside keys and features.
EVENT, CREATED = "event_timestamp", "created"
UTC_US = pa.timestamp("us", "UTC")
DAY_US = 86_400_000_000
# Runs of `hanok features join` that a shrink may take.
SHRINK_RUNS_MAX = 24


class Mismatch(Exception):
    """Hanok's answer is not the oracle's."""


# ---------------------------------------------------------------- what is generated

# Values of features: how a file has them, how the lake has them, how a training set has them.
INTS = [0, 1, -1, 2**31 - 1, -(2**31)]
TEXTS = ["", "a", "A", "값", "é", "e\u0301", "😀", "x" * 40, "line\nbreak", "a\0b", "null"]
FLOATS = [0.0, -0.0, 1.5, -2.25, 1e300, math.inf, -math.inf, math.nan, 0.1]


@dataclass(frozen=True)
class Kind:
    """A feature's type, and how to make values of it."""

    file: pa.DataType
    lake: pa.DataType
    out: pa.DataType
    make: object
    # A type to declare in YAML with the Arrow type that comes of it.
    declare: tuple = ()


KINDS = {
    "int8": Kind(pa.int8(), pa.int8(), pa.int32(), lambda r: r.choice([0, 1, -128, 127])),
    "int32": Kind(pa.int32(), pa.int32(), pa.int32(), lambda r: r.choice(INTS), ("int64", pa.int64())),
    "uint32": Kind(pa.uint32(), pa.int64(), pa.int64(), lambda r: r.choice([0, 7, 2**32 - 1])),
    "int64": Kind(pa.int64(), pa.int64(), pa.int64(), lambda r: r.choice([*INTS, 2**63 - 1, -(2**63), 2**53 + 1])),
    "small": Kind(pa.int64(), pa.int64(), pa.int64(), lambda r: r.randint(-9, 9), ("int32", pa.int32())),
    "float32": Kind(pa.float32(), pa.float32(), pa.float32(), lambda r: r.choice([0.0, 1.5, -2.25, math.inf, math.nan])),
    "float64": Kind(pa.float64(), pa.float64(), pa.float64(), lambda r: r.choice(FLOATS)),
    "halves": Kind(pa.float64(), pa.float64(), pa.float64(), lambda r: r.randint(-99, 99) / 2, ("float32", pa.float32())),
    "string": Kind(pa.string(), pa.string(), pa.string(), lambda r: r.choice(TEXTS)),
    "large_string": Kind(pa.large_string(), pa.string(), pa.string(), lambda r: r.choice(TEXTS)),
    "dictionary": Kind(
        pa.dictionary(pa.int32(), pa.string()), pa.string(), pa.string(), lambda r: r.choice(["red", "green", ""])
    ),
    "bool": Kind(pa.bool_(), pa.bool_(), pa.bool_(), lambda r: r.random() < 0.5),
    "bytes": Kind(pa.binary(), pa.binary(), pa.binary(), lambda r: r.choice([b"", b"\0", b"\xff\xfe", b"abc" * 9])),
    "timestamp": Kind(UTC_US, UTC_US, UTC_US, lambda r: r.choice([0, -1, 1, 1_700_000_000_123_456, -(10**15)])),
    "naive_ms": Kind(pa.timestamp("ms"), UTC_US, UTC_US, lambda r: r.choice([0, -1_000, 1_700_000_000_123_000])),
    "date": Kind(pa.date32(), pa.date32(), UTC_US, lambda r: r.randint(-40_000, 40_000) * DAY_US),
    "decimal": Kind(
        pa.decimal128(12, 2), pa.decimal128(12, 2), pa.float64(), lambda r: Decimal(r.randint(-99_999, 99_999)) / 100
    ),
}
# Kinds that Feast passes through as they are.
FEAST_KINDS = ["int32", "int64", "float32", "float64", "string", "bool", "bytes", "timestamp"]


def text_pool(rng: random.Random) -> list:
    pool = ["", " ", "a", "A", "a ", "é", "e\u0301", "한국", "대한", "😀", "x" * 12, "x" * 13, "x" * 100 + "a", "x" * 100 + "b"]
    return pool + [f"key {n}" for n in range(rng.choice([0, 5, 60]))]


# Join keys: the type in definitions, types that a feature's file and the entity rows may have, values.
KEYS = {
    "int64": ("int64", [pa.int64(), pa.int64()], lambda r: list(range(r.choice([1, 3, 40])))),
    "large": (
        "int64",
        [pa.int64()],
        lambda r: [0, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63 - 2, -(2**63), -(2**63) + 1, 2**32, 2**32 + 1],
    ),
    "int32": ("int32", [pa.int32()], lambda r: [0, 1, -1, 5, 2**31 - 1, -(2**31)]),
    "string": ("string", [pa.string()], text_pool),
    "bool": ("bool", [pa.bool_()], lambda r: [True, False]),
    "bytes": ("bytes", [pa.binary()], lambda r: [b"", b"\0", b"\0\0", b"a", b"\xff"]),
    "timestamp": ("timestamp", [UTC_US], lambda r: [0, -1_000, 1_000_000, 1_700_000_000_000_000]),
}
# Types that the entity rows may have for a key, beside the feature's own.
ENTITY_KEY_TYPES = {
    "int64": [pa.int64(), pa.int32(), pa.int8(), pa.uint16(), pa.uint64()],
    "large": [pa.int64()],
    "int32": [pa.int32(), pa.int64()],
    "string": [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.string_view()],
    "bool": [pa.bool_()],
    "bytes": [pa.binary(), pa.large_binary()],
    "timestamp": [UTC_US, pa.timestamp("us"), pa.timestamp("ns", "Asia/Seoul"), pa.timestamp("ms")],
}


@dataclass
class Feature:
    name: str
    kind: str
    declared: bool = False

    @property
    def out(self) -> pa.DataType:
        kind = KINDS[self.kind]
        return kind.declare[1] if self.declared else kind.out


@dataclass
class Commit:
    """Rows that reach a feature table together: source files of one load, or data files of another writer's commit."""

    foreign: bool
    # Row ranges of the files and how each is written.
    files: list = field(default_factory=list)


@dataclass
class View:
    name: str
    keys: list  # names of key columns, in the case's order
    ttl_s: int
    created: bool
    features: list
    source: str  # table | sql
    composite: bool  # one entity with all keys, or one each
    # Rows, as columns; a row is what a file has, its number decides between full ties.
    rows: dict = field(default_factory=dict)
    commits: list = field(default_factory=list)
    grown: bool = False
    # Another writer left a column out of a file; the join then reads by queries.
    lacking: bool = False
    by_queries: bool = False

    @property
    def any_tie(self) -> bool:
        """Whether full ties may go to any of the rows: Hanok promises an order for plain tables only, and Delta none
        among the files of one commit."""
        several = any(c.foreign and len(c.files) > 1 for c in self.commits)
        return self.source == "sql" or self.grown or self.by_queries or several


@dataclass
class Projection:
    view: View
    alias: str | None
    keys: dict  # key column of the view → entity column, where they differ
    features: list

    @property
    def name(self) -> str:
        return self.alias or self.view.name


@dataclass
class Join:
    projections: list
    service: str | None
    full_names: bool
    as_known_at: bool
    threads: int


@dataclass
class Case:
    number: int
    feast: bool
    settings: dict
    keys: dict  # key column → kind
    entity_keys: dict  # entity column → key column whose values it has
    views: list
    joins: list
    # Entity rows as columns: eid, time (microseconds), key columns.
    entities: dict
    entity_types: dict
    entity_unit: str
    entity_zone: str | None
    entity_form: str  # parquet | csv | jsonl | table | sql
    time_column: str
    extra: list
    residues: list  # nanoseconds below the microsecond, when the unit is ns


def floor_to(us: int | None, unit: str) -> int | None:
    step = {"ms": 1_000, "day": DAY_US}.get(unit, 1)
    return None if us is None else us // step * step


def generate(seed: int, number: int, feast: bool) -> Case:
    rng = random.Random(f"{seed}/{number}/{feast}")
    epoch = rng.choice([0, 0, 1_700_000_000_000_000, 1_700_000_000_000_000, -2_208_988_800_000_000, 4_102_444_800_000_000])
    step = rng.choice([1, 1_000, 1_000_000, 3_600_000_000, DAY_US])
    times = rng.choice([2, 10, 100, 2_000])
    kinds = ["int64", "int64", "string", "string", "large", "int32"] + ([] if feast else ["bool", "bytes", "timestamp"])
    names = rng.sample(["k0", "장소", "Place_id", "k3"], rng.choice([1, 1, 2, 2, 3]))
    keys = {name: rng.choice(kinds) for name in names}
    pools = {name: KEYS[kind][2](rng) for name, kind in keys.items()}
    if rng.random() < 0.12:
        pools = {name: pool[:1] for name, pool in pools.items()}  # One key has everything.
    null_share = rng.choice([0, 0.05, 0.2])

    entity_keys = {name: name for name in keys}
    if rng.random() < 0.5:
        entity_keys |= {f"{name}_2": name for name in keys}
    entity_form = rng.choice(["parquet"] * 6 + ["csv", "jsonl", "table", "sql"]) if not feast else "parquet"
    count = rng.choice([0, 1, 7, 40, 40, 150, 150, 600])
    if feast or entity_form in ("csv", "jsonl"):
        count = max(count, 40)  # Types of text files come from values; Feast refuses no rows.
    entity_unit = rng.choice(["us", "us", "ms", "ns", "day"]) if entity_form == "parquet" and not feast else "us"
    zone = rng.choice([None, "UTC", "Asia/Seoul", "-03:00"]) if entity_unit != "day" else None
    spread = rng.choice([times, times, max(1, times // 20)])  # A narrow window makes pruning matter.

    def entity_time() -> int | None:
        if not feast and entity_form != "csv" and rng.random() < null_share / 2:
            return None
        at = epoch + rng.randint(-spread, spread) * step + rng.choice([0, 0, 0, 1, -1])
        return floor_to(at, entity_unit)

    narrow = {name: rng.sample(pool, min(len(pool), rng.choice([1, 2, 1_000]))) for name, pool in pools.items()}
    plain_text = entity_form in ("csv", "jsonl")

    def entity_key(name: str) -> object:
        # Feast gets its entity rows from pandas, which makes floats of whole numbers with nulls among them.
        nullable = not (feast and keys[name] != "string") and entity_form != "csv"
        if nullable and rng.random() < null_share:
            return None
        value = rng.choice(narrow[name])
        if plain_text and isinstance(value, str):
            return value.strip() or "a"
        return value

    rows = []
    for _ in range(count):
        if rows and rng.random() < 0.1:
            rows.append(rng.choice(rows))
            continue
        rows.append((entity_time(), [entity_key(key) for key in entity_keys.values()]))
    if plain_text and any(keys[name] not in ("int64", "string") for name in keys):
        entity_form, plain_text = "parquet", False
    entities = {"eid": list(range(count)), "time": [row[0] for row in rows]}
    for at, column in enumerate(entity_keys):
        entities[column] = [row[1][at] for row in rows]
    entity_types = {}
    for column, name in entity_keys.items():
        # Types of another lake table are the lake's.
        wide = entity_form == "parquet" and not feast
        entity_types[column] = rng.choice(ENTITY_KEY_TYPES[keys[name]]) if wide else KEYS[keys[name]][1][0]
    extra = [] if feast or plain_text else rng.sample(["label", "list", "other_time", "nothing"], rng.randint(0, 3))

    views = []
    for at in range(rng.choice([1, 2, 2, 3])):
        views.append(generate_view(rng, at, keys, pools, entity_keys, entities, entity_unit, (epoch, step, times), null_share, feast))
    for view in views:
        view.by_queries = any(other.lacking for other in views)
    time_column = rng.choice([EVENT, EVENT, "seen_at"]) if not feast else EVENT
    case = Case(
        number, feast,
        {"epoch": epoch, "step": step, "times": times, "null_share": null_share},
        keys, entity_keys, views, [], entities, entity_types, entity_unit, zone, entity_form, time_column, extra,
        [rng.randint(0, 999) if entity_unit == "ns" else 0 for _ in range(count)],
    )
    case.joins = [generate_join(rng, case, service) for service in (["s0"] if feast else ["s0", None])]
    if feast and case.joins[0].as_known_at:
        for view in case.views:  # See feast_answer.
            view.rows["created"] = [epoch if at is None else at for at in view.rows["created"]]
    return case


def generate_view(rng, at, keys, pools, entity_keys, entities, entity_unit, scale, null_share, feast) -> View:
    epoch, step, times = scale
    few = [] if rng.random() < 0.06 and not feast else rng.sample(list(keys), rng.randint(1, len(keys)))
    own_keys = [name for name in keys if name in few]
    kinds = FEAST_KINDS if feast else list(KINDS)
    features = [Feature(f"v{at}_rid", "int64")]
    for n in range(rng.randint(1, 5)):
        kind = rng.choice(kinds)
        declared = not feast and bool(KINDS[kind].declare) and rng.random() < 0.5
        features.append(Feature(rng.choice([f"v{at}_f{n}", f"v{at}_값{n}"]), kind, declared))
    if not feast and rng.random() < 0.3:
        features.append(Feature("same", "int32"))  # A name that other views and the entity rows may have too.
    ttl_s = rng.choice([0, 0, max(1, step * rng.randint(1, times) // 1_000_000), max(1, 3 * step // 1_000_000), 1])
    if feast and ttl_s > 86_400:
        ttl_s = ttl_s // 86_400 * 86_400  # See feast_answer.
    view = View(
        f"v{at}", own_keys, ttl_s, rng.random() < 0.7, features,
        "sql" if rng.random() < 0.15 and not feast else "table", rng.random() < 0.5,
    )
    columns = {"event": [], "created": [], "seq": [], **{key: [] for key in own_keys}, **{f.name: [] for f in features}}
    made = []
    count = rng.choice([0, 1, 12, 120, 120, 500, 500, 1_500])
    related = list(range(len(entities["eid"])))
    sources = {key: [column for column, name in entity_keys.items() if name == key] for key in own_keys}
    ttl_us = ttl_s * 1_000_000
    offsets = [0, 0, 0, 1, -1, -ttl_us, -ttl_us - 1, -ttl_us + 1, -step, step]
    for rid in range(count):
        values = {f.name: (None if rng.random() < 0.15 else KINDS[f.kind].make(rng)) for f in features}
        values[features[0].name] = rid
        if made and rng.random() < 0.06:
            made.append(dict(rng.choice(made)))  # An exact duplicate.
            continue
        if made and rng.random() < 0.15:
            row = {**rng.choice(made), **values}  # A tie on the event timestamp, perhaps on both.
            if rng.random() < 0.7:
                row["created"] = None if rng.random() < 0.2 else epoch + rng.randint(-times, times) * step
            made.append(row)
            continue
        row = dict(values)
        for key in own_keys:
            row[key] = None if rng.random() < null_share / 2 else rng.choice(pools[key])
        row["event"] = epoch + rng.randint(-times, times) * step + rng.choice([0, 0, 0, 1, -1])
        if related and rng.random() < 0.45:
            entity = rng.choice(related)
            if entities["time"][entity] is not None:
                row["event"] = entities["time"][entity] + rng.choice(offsets)
            for key in own_keys:
                row[key] = entities[rng.choice(sources[key])][entity]
            if rng.random() < 0.3 and entities["time"][entity] is not None:
                row["created"] = entities["time"][entity] + rng.choice([-1, 0, 1])
        if rng.random() < null_share / 2:
            row["event"] = None
        if "created" not in row:
            near = (row["event"] or epoch) + rng.choice([0, 1, step, -step, rng.randint(-times, times) * step])
            row["created"] = None if rng.random() < null_share else near
        made.append(row)
    order = rng.choice(["none", "none", "time", "key"])
    if order == "time":
        made.sort(key=lambda row: row["event"] if row["event"] is not None else -(2**62))
    elif order == "key" and own_keys:
        made.sort(key=lambda row: repr(row[own_keys[0]]))
    view.commits = generate_commits(rng, len(made), feast)
    if not feast and len(view.commits) > 1 and not view.commits[1].foreign and rng.random() < 0.4:
        # The second load brings a column.
        view.grown = True
        first = sum(rows for rows, _ in view.commits[0].files)
        view.features.append(Feature(f"v{at}_late", "int32"))
        by_rid = {}
        for n, row in enumerate(made):
            row[f"v{at}_late"] = None if n < first else by_rid.setdefault(row[features[0].name], rng.randint(0, 9))
            if n >= first and row[features[0].name] in {r[features[0].name] for r in made[:first]}:
                row[features[0].name] = 1_000_000 + n  # A duplicate across loads is no duplicate any more.
                row[f"v{at}_late"] = rng.randint(0, 9)
    days = not feast and rng.random() < 0.08 and all(not commit.foreign for commit in view.commits)
    at_row = 0
    for commit in view.commits:
        for rows, how in commit.files:
            how["unit"] = "day" if days else how["unit"]
            if commit.foreign and rng.random() < 0.1:
                # Delta takes a column that a file lacks as null.
                view.lacking = True
                how["freely"]["without"] = rng.choice([view.features[-1].name, CREATED])
                for n, row in enumerate(made[at_row : at_row + rows]):
                    row["created" if how["freely"]["without"] == CREATED else view.features[-1].name] = None
                    row[features[0].name] = 2_000_000 + at_row + n  # No duplicate of other files' rows.
            for row in made[at_row : at_row + rows]:
                row["event"], row["created"] = floor_to(row["event"], how["unit"]), floor_to(row["created"], how["unit"])
            at_row += rows
    columns |= {f.name: [] for f in view.features}
    for n, row in enumerate(made):
        row["seq"] = n
        for name, values in columns.items():
            values.append(row[name])
    view.rows = columns
    return view


def generate_commits(rng, rows: int, feast: bool) -> list:
    """Cuts rows into commits and files: one or two loads, then perhaps commits by another writer."""
    loads, foreign = (1, 0) if feast else (rng.choice([1, 1, 1, 2]), rng.choice([0, 0, 0, 1, 2]))
    parts = loads + foreign
    shares = [rng.random() for _ in range(parts)]
    if foreign:
        shares[:loads] = [share / 10 for share in shares[:loads]]
    sizes = [int(rows * share / sum(shares)) for share in shares]
    sizes[-1] += rows - sum(sizes)
    commits = []
    for at, size in enumerate(sizes):
        commit = Commit(at >= loads)
        files = rng.choice([1, 1, 2, 4]) if not feast and size > 4 else 1
        cuts = sorted(rng.randint(0, size) for _ in range(files - 1))
        for start, end in zip([0, *cuts], [*cuts, size]):
            how = {
                "unit": "us" if commit.foreign or feast else rng.choice(["us", "us", "ms", "ns"]),
                "zone": "UTC" if commit.foreign else rng.choice([None, "UTC", "Asia/Seoul"]),
                "row_group_size": rng.choice([1, 7, 30, 200, 10_000]),
                "data_page_size": rng.choice([1, 64, 1 << 20]),
                "write_batch_size": rng.choice([1, 5, 1024]),
                "use_dictionary": rng.random() < 0.6,
                "write_statistics": rng.random() < 0.8,
                # A small dictionary is given up in the middle of a column chunk.
                "dictionary_pagesize_limit": rng.choice([1 << 20, 16]),
                "compression": rng.choice(["none", "snappy", "zstd", "gzip"]),
                "data_page_version": rng.choice(["1.0", "2.0"]),
                "write_page_index": rng.random() < 0.5,
            }
            # As Spark wrote timestamps for years.
            if commit.foreign and rng.random() < 0.15:
                how["use_deprecated_int96_timestamps"] = True
            if commit.foreign:
                how["freely"] = {"shuffled": rng.random() < 0.3, "required": rng.random() < 0.3}
                how["freely"] |= {"delta": not how["use_dictionary"] and rng.random() < 0.5, "without": None}
            how["residue"] = rng.choice([0, 1, 500, 999]) if how["unit"] == "ns" else 0
            commit.files.append((end - start, how))
        commits.append(commit)
    return commits


def generate_join(rng, case: Case, service: str | None) -> Join:
    projections = []
    views = list(case.views)
    if service and rng.random() < 0.5:
        views.append(rng.choice(views))  # The same view in two roles.
    if not service:
        rng.shuffle(views)
    for view in views:
        taken = any(p.view is view for p in projections)
        # Feast cannot compare two projections of a view if only one of them has an alias.
        named = case.feast and sum(other is view for other in views) > 1
        maps = {}
        for key in view.keys if service else []:
            if f"{key}_2" in case.entity_keys and (taken or rng.random() < 0.3):
                maps[key] = f"{key}_2"
        # Feast joins by the keys of a map only, so a map there has all keys.
        if case.feast and maps:
            maps = {key: maps.get(key, key) for key in view.keys}
        alias = rng.choice([f"{view.name}_again", "별명"]) if taken or named or (service and rng.random() < 0.2) else None
        if alias and alias in [p.name for p in projections]:
            alias = f"{view.name}_{len(projections)}"
        rid, *others = view.features
        few = rng.sample(others, rng.randint(0, len(others))) if rng.random() < 0.5 else others
        features = [rid, *few]
        rng.shuffle(features)
        if service and few == others and not case.feast:
            features = list(view.features)  # As in the view: the service names none.
        projections.append(Projection(view, alias, maps, features))
    names = [f.name for p in projections for f in p.features]
    clash = len(set(names)) < len(names)
    return Join(
        projections, service, clash or rng.random() < 0.3, rng.random() < 0.4, rng.choice([1, 2, 4]),
    )


# ---------------------------------------------------------------- writing a case down


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
    for key in view.keys:
        columns[key] = plain_array(part[key], KEYS[view_key_kinds[view.name, key]][1][0])
    columns[EVENT] = time_array(part["event"], how["unit"], how["zone"], how["residue"])
    columns[CREATED] = time_array(part["created"], how["unit"], how["zone"], how["residue"])
    for f in view.features:
        if f.name.endswith("_late") and not late:
            continue
        kind = KINDS[f.kind]
        columns[f.name] = plain_array(part[f.name], kind.lake if lake else kind.file)
    return pa.table(columns)


# Kinds of the views' keys in the case at hand.
view_key_kinds: dict = {}


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


class Hanok:
    def __init__(self, binary: Path, project: Path):
        self.binary, self.project = binary, project

    def run(self, *args: str) -> tuple[int, str]:
        command = [str(self.binary), "--project", str(self.project), "--json", *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def ok(self, *args: str) -> dict:
        code, text = self.run(*args)
        if code != 0:
            raise Mismatch(f"hanok {' '.join(map(str, args))} ended with {code}:\n{text}")
        return json.loads(text[: text.rindex("}") + 1])


def yaml_list(items: list) -> str:
    return json.dumps(items, ensure_ascii=False)


def make_project(case: Case, hanok: Hanok) -> None:
    folder = hanok.project
    for name in ("sources", "features", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "hanok.yaml").write_text("name: oracle\nversion: 1\n")
    view_key_kinds.clear()
    view_key_kinds.update({(view.name, key): case.keys[key] for view in case.views for key in view.keys})
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
        hanok.ok("load")
    for view in case.views:
        for commit in view.commits:
            if commit.foreign:
                done[view.name] = commit_foreign(hanok.project, view, commit, done[view.name])
    hanok.ok("apply")


def commit_foreign(project: Path, view: View, commit: Commit, start: int) -> int:
    """Appends data files as another writer of Delta tables does, with row groups and pages as that likes them."""
    import deltalake
    from deltalake.transaction import AddAction

    catalog = sqlite3.connect(project / ".hanok" / "catalog.sqlite")
    query = "select directory from tables where schema_name = 'raw' and table_name = ?"
    (directory,) = catalog.execute(query, (f"{view.name}_rows",)).fetchone()
    catalog.close()
    folder = project / ".hanok/lake/main" / directory
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
        views.append({
            "name": view.name,
            "entities": names,
            "source": {"table": table} if view.source == "table" else {"sql": f"select * from {table}"},
            "timestamp": EVENT,
            **({"created": CREATED} if view.created else {}),
            **({"ttl": f"{view.ttl_s}s"} if view.ttl_s else {}),
            "features": features,
        })
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


# ---------------------------------------------------------------- the definition, in DuckDB's SQL

COVERED = Counter()
DUCKDB = duckdb.connect(config={"threads": 2})


def sql_keys(kind: str, values: list) -> pa.Array:
    """Key values in the one form in which the oracle compares them."""
    data_type = {"string": pa.string(), "bytes": pa.binary(), "bool": pa.bool_()}.get(kind, pa.int64())
    return pa.array(values, data_type)


def duckdb_winners(case: Case, join: Join, projection: Projection, rows: list) -> list:
    """For each entity row the feature row that wins, and all that tie with it on both timestamps."""
    view = projection.view
    entity = {"row": list(range(len(rows))), "t": pa.array([case.entities["time"][row] for row in rows], pa.int64())}
    feature = {
        "seq": pa.array(view.rows["seq"], pa.int64()),
        "t": pa.array(view.rows["event"], pa.int64()),
        "c": pa.array(view.rows["created"] if view.created else [None] * len(view.rows["seq"]), pa.int64()),
    }
    conditions = ["f.t <= e.t"]
    for n, key in enumerate(view.keys):
        column = projection.keys.get(key, key)
        entity[f"k{n}"] = sql_keys(case.keys[key], [case.entities[column][row] for row in rows])
        feature[f"k{n}"] = sql_keys(case.keys[key], view.rows[key])
        conditions.append(f"e.k{n} = f.k{n}")
    same_key = " AND ".join(["true", *conditions[1:]])
    if view.ttl_s:
        conditions.append(f"f.t >= e.t - {view.ttl_s * 1_000_000}")
    if join.as_known_at and view.created:
        conditions.append("(f.c IS NULL OR f.c <= e.t)")
    entity["row"] = pa.array(entity["row"], pa.int64())
    DUCKDB.register("e", pa.table(entity))
    DUCKDB.register("f", pa.table(feature))
    found = DUCKDB.execute(
        f"""
        WITH matched AS (SELECT e.row, f.seq, f.t, f.c FROM e JOIN f ON {" AND ".join(conditions)}),
        ranked AS (
            SELECT *,
                row_number() OVER (PARTITION BY row ORDER BY t DESC, c DESC NULLS LAST, seq DESC) AS place,
                rank() OVER (PARTITION BY row ORDER BY t DESC, c DESC NULLS LAST) AS level,
                rank() OVER (PARTITION BY row ORDER BY t DESC) AS event_level
            FROM matched)
        SELECT e.row, max(r.seq) FILTER (place = 1), list(r.seq) FILTER (level = 1),
            count(*) FILTER (event_level = 1), max(r.t) FILTER (place = 1), e.t
        FROM e LEFT JOIN ranked r ON e.row = r.row GROUP BY e.row, e.t ORDER BY e.row
        """
    ).fetchall()
    # What this join has put to the test.
    ttl = view.ttl_s * 1_000_000
    late = f"count(*) FILTER (f.t = e.t - {ttl} - 1), count(*) FILTER (f.t = e.t + 1), count(*) FILTER (f.c = e.t + 1)"
    expired, future, unknown = DUCKDB.execute(f"SELECT {late} FROM e JOIN f ON {same_key}").fetchall()[0]
    COVERED["rows 1 µs over the ttl"] += expired if ttl else 0
    COVERED["rows 1 µs in the future"] += future
    COVERED["rows known 1 µs late"] += unknown if join.as_known_at and view.created else 0
    for _, winner, tied, events, event, at in found:
        COVERED["entity rows"] += 1
        COVERED["without a match"] += winner is None
        COVERED["at equal timestamps"] += winner is not None and event == at
        COVERED["exactly as old as the ttl"] += winner is not None and bool(ttl) and event == at - ttl
        COVERED["decided by created"] += winner is not None and len(tied) < events
        COVERED["decided by row order"] += winner is not None and len(tied) > 1 and not view.any_tie
        COVERED["before 1970"] += at is not None and at < 0
    return [(winner, tied or []) for _, winner, tied, *_ in found]


# ---------------------------------------------------------------- comparing


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


def run_join(case: Case, join: Join, hanok: Hanok, rows: list, form: str) -> pa.Table:
    folder = hanok.project
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
    hanok.ok("features", "join", *entities, *chosen, *options, "-o", out)
    return pq.read_table(out)


def differences(case: Case, join: Join, hanok: Hanok, rows: list, form: str) -> list:
    """What is wrong with the join of these entity rows: (entity row, what)."""
    got = run_join(case, join, hanok, rows, form)
    entity = entity_table(case, rows)
    if form in ("table", "sql"):
        entity_columns = [*entity.column_names, "_hanok_load_id"] if form == "table" else entity.column_names
    else:
        entity_columns = entity.column_names
    expected = [*entity_columns, *(column_name(join, p, f) for p in join.projections for f in p.features)]
    if got.column_names != expected:
        raise Mismatch(f"the columns are {got.column_names}, should be {expected}")
    if form == "table":
        got = got.sort_by("eid")  # Without an order by, none is promised.
    order = list(reversed(rows)) if form == "sql" else rows
    eids = got["eid"].to_pylist()
    if eids != [case.entities["eid"][row] for row in order]:
        raise Mismatch(f"the entity rows come out as {eids[:20]}…, should be {order[:20]}…")
    wrong = []
    if form == "parquet":
        before = pq.read_table(hanok.project / "entities.parquet")
        for name in before.column_names:
            if got[name].type != plain_type(before[name].type):
                raise Mismatch(f"the entity column {name} is {got[name].type}, was {before[name].type}")
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
                raise Mismatch(f"the column {name} is {got[name].type}, should be {f.out}")
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
    lines.append(f"    entity row: time {case.entities['time'][row]}, " + str(
        {key: case.entities[projection.keys.get(key, key)][row] for key in view.keys}))
    if winner is not None:
        lines.append(f"    should be:  {shown(winner)}" + (f", ties with {len(tied) - 1} more" if len(tied) > 1 else ""))
    if own in numbers:
        lines.append(f"    is:         {shown(numbers.index(own))}")
    return "\n".join(lines)


def shrink(case: Case, join: Join, hanok: Hanok, wrong: list) -> tuple[list, list]:
    """Fewer entity rows that still go wrong."""
    rows = case.entities["eid"]
    form = case.entity_form if case.entity_form in ("csv", "jsonl") else "parquet"
    runs = 0

    def fails(some: list) -> list:
        nonlocal runs
        runs += 1
        try:
            return differences(case, join, hanok, some, form)
        except Mismatch as error:
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


def check_clash(case: Case, join: Join, hanok: Hanok) -> None:
    """Two columns of one name are refused, and nothing is written."""
    names = [f.name for p in join.projections for f in p.features]
    twice = join.full_names and len(set(names)) < len(names)
    if not twice:
        return
    COVERED["clashes refused"] += 1
    out = hanok.project / "clash.parquet"
    path = hanok.project / "clash_entities.parquet"
    write_entities(case, case.entities["eid"][:1], path)
    if join.service:
        chosen = ["--service", join.service]
    else:
        chosen = ["--features", ",".join(f"{p.view.name}:{f.name}" for p in join.projections for f in p.features)]
    code, text = hanok.run("features", "join", "--entities", path, *chosen, "--timestamp", case.time_column, "-o", out)
    if code == 0 or '"code":"HK' not in text.replace(" ", "") or out.exists():
        raise Mismatch(f"features of one name were joined without full names ({code}):\n{text}")


def check_entity_clash(case: Case, hanok: Hanok) -> None:
    """A feature with the name of an entity column is refused without full names and joined with them."""
    join = case.joins[-1]
    projection = join.projections[0]
    feature = projection.features[0]
    path, out = hanok.project / "clash_entities.parquet", hanok.project / "clash.parquet"
    table = entity_table(case, case.entities["eid"][:3])
    table = table.append_column(feature.name, pa.array(["own"] * table.num_rows, pa.string()))
    pq.write_table(table, path, version="2.6")
    args = ["features", "join", "--entities", path, "--features", f"{projection.view.name}:{feature.name}"]
    args += ["--timestamp", case.time_column, "-o", out]
    code, text = hanok.run(*args)
    if code == 0 or '"code":"HK' not in text.replace(" ", "") or out.exists():
        raise Mismatch(f"a feature took the name of an entity column ({code}):\n{text}")
    hanok.ok(*args, "--full-feature-names")
    got = pq.read_table(out)
    full = f"{projection.view.name}__{feature.name}"
    if got.column_names != [*table.column_names, full] or set(got[feature.name].to_pylist()) - {"own"}:
        raise Mismatch(f"with full names, the columns are {got.column_names}")
    COVERED["clashes refused"] += 1


LARGE_ENTITIES, LARGE_FEATURES = 250_000, 200_000


def check_large(seed: int, hanok: Hanok) -> None:
    """One larger join within little memory: in parts, over several batches of entity rows and of output."""
    folder = hanok.project
    for name in ("sources", "features", "data"):
        (folder / name).mkdir(parents=True)
    number = lambda salt, n: f"(hash(i, {salt}, {seed}) % {n})::BIGINT"  # noqa: E731
    keys = f"{number(1, 20_000)} - 10 AS k, 'key ' || {number(2, 2)} AS s"
    seconds = lambda salt, n: f"make_timestamp({number(salt, n)} * 1000000)"  # noqa: E731
    DUCKDB.execute(
        f"""
        CREATE OR REPLACE TABLE large_e AS SELECT i AS eid, {keys}, {seconds(3, 1_000)} AS {EVENT}
        FROM range({LARGE_ENTITIES}) t(i);
        CREATE OR REPLACE TABLE large_f AS
        SELECT i AS rid, {keys}, {seconds(4, 1_000)} AS {EVENT}, {seconds(5, 3)} AS {CREATED}, i / 8 AS value
        FROM range({LARGE_FEATURES}) t(i);
        COPY (FROM large_e ORDER BY eid) TO '{folder}/entities.parquet';
        COPY (FROM large_f ORDER BY rid) TO '{folder}/data/rows.parquet';
        """
    )
    (folder / "hanok.yaml").write_text("name: large\nversion: 1\n")
    (folder / "sources/s.yaml").write_text("sources: [{ name: rows, files: [data/rows.parquet] }]\n")
    (folder / "features/f.yaml").write_text(
        "entities: [{ name: e, join_keys: { k: int64, s: string } }]\n"
        "feature_views: [{ name: v, entities: [e], source: { table: raw.rows }, timestamp: event_timestamp,\n"
        "  created: created, ttl: 300s, features: [{ name: rid }, { name: value }] }]\n"
    )
    hanok.ok("load")
    hanok.ok("apply")
    out = folder / "out.parquet"
    args = ["--memory-mb", "64", "--threads", "2", "-o", out]
    hanok.ok("features", "join", "--entities", folder / "entities.parquet", "--features", "v:rid,v:value", *args)
    wrong = DUCKDB.execute(
        f"""
        WITH ranked AS (
            SELECT e.eid, f.rid, f.value, row_number() OVER (
                PARTITION BY e.eid ORDER BY f.{EVENT} DESC, f.{CREATED} DESC NULLS LAST, f.rid DESC) AS place
            FROM large_e e JOIN large_f f ON e.k = f.k AND e.s = f.s AND f.{EVENT} <= e.{EVENT}
                AND f.{EVENT} >= e.{EVENT} - INTERVAL 300 SECONDS),
        expected AS (
            SELECT e.eid, r.rid, r.value FROM large_e e LEFT JOIN ranked r ON e.eid = r.eid AND r.place = 1)
        SELECT x.eid, x.rid, x.value, o.file_row_number, o.rid, o.value
        FROM expected x FULL JOIN read_parquet('{out}', file_row_number = true) o ON x.eid = o.eid
        WHERE x.rid IS DISTINCT FROM o.rid OR x.value IS DISTINCT FROM o.value
            OR x.eid IS DISTINCT FROM o.file_row_number
        ORDER BY x.eid LIMIT 5
        """
    ).fetchall()
    matched = DUCKDB.execute(f"SELECT count(rid) FROM read_parquet('{out}')").fetchall()[0][0]
    COVERED["matched in the large join"] = matched
    if wrong or matched < LARGE_ENTITIES // 10:
        raise Mismatch(f"the large join, eid, rid, value and what they are: {wrong}; {matched} rows have a match")


# ---------------------------------------------------------------- Feast


def feast_answer(case: Case, join: Join, folder: Path) -> pa.Table:
    """What Feast's duckdb offline store says. Known to be wrong or different in Feast 0.67, and left out:

    * The dask store, Feast's default, is not asked at all: it drops entity rows whose only matches are expired, collapses
      duplicate entity rows and breaks ties on created.
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
        "int32": feast_types.Int32, "int64": feast_types.Int64, "float32": feast_types.Float32,
        "float64": feast_types.Float64, "string": feast_types.String, "bool": feast_types.Bool,
        "bytes": feast_types.Bytes, "timestamp": feast_types.UnixTimestamp,
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
        key_fields = [
            Field(name=key, dtype=dtypes[KEYS[case.keys[key]][0]]) for key in view.keys
        ]
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


def check_feast(case: Case, join: Join, hanok: Hanok) -> None:
    theirs = feast_answer(case, join, hanok.project / "feast")
    rows = case.entities["eid"]
    ours = run_join(case, join, hanok, rows, case.entity_form).sort_by("eid")
    if theirs["eid"].to_pylist() != rows:
        raise Mismatch(f"Feast has {theirs.num_rows} rows of {len(rows)}")
    for p in join.projections:
        tied = [len(tied) > 1 for _, tied in duckdb_winners(case, join, p, rows)]
        for f in p.features:
            name = column_name(join, p, f)
            own, other = python_values(ours[name]), python_values(theirs[name].cast(ours[name].type))
            for row in rows:
                if tied[row]:
                    COVERED["Feast: full ties left out"] += f.name.endswith("_rid")
                elif not same(own[row], other[row]):
                    raise Mismatch(f"row {row}: {p.name}:{f.name} is {own[row]!r}, Feast has {other[row]!r}")
                else:
                    COVERED["Feast: values equal"] += 1


# ---------------------------------------------------------------- the run


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
        lines.append(f"  join: {parts}, full names {join.full_names}, as known at {join.as_known_at}, {join.threads} threads")
    return "\n".join(lines)


def check_case(case: Case, hanok: Hanok) -> None:
    join = None
    try:
        make_project(case, hanok)
        for join in case.joins:
            COVERED[f"entity rows as {case.entity_form}"] += 1
            wrong = differences(case, join, hanok, case.entities["eid"], case.entity_form)
            if wrong:
                rows, least = shrink(case, join, hanok, wrong)
                text = f"{len(wrong)} values differ; with the entity rows {rows[:20]} alone: {least[0][1]}"
                raise Mismatch(text)
            check_clash(case, join, hanok)
            COVERED["joins"] += 1
            COVERED["joins as known at"] += join.as_known_at
            COVERED["aliases"] += sum(p.alias is not None for p in join.projections)
            COVERED["join key maps"] += sum(bool(p.keys) for p in join.projections)
        if case.feast:
            check_feast(case, case.joins[0], hanok)
        elif case.number % 8 == 0:
            join = case.joins[-1]
            check_entity_clash(case, hanok)
    except Mismatch as error:
        raise Mismatch(f"{error}\n{describe(case, join)}") from None
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
    project = base / name
    try:
        if number is None:
            check_large(seed, Hanok(hanok, project))
        else:
            check_case(generate(seed, number, feast), Hanok(hanok, project))
    except Mismatch as error:
        return name, f"FAILED: --seed {seed} --case {name}, project kept in {project}\n{error}\n", Counter(COVERED)
    shutil.rmtree(project)
    return name, None, Counter(COVERED)


def main() -> None:
    parser = argparse.ArgumentParser(prog="join_oracle.py")
    parser.add_argument("hanok", type=Path)
    parser.add_argument("--cases", type=int, default=CASES, help="cases against DuckDB")
    parser.add_argument("--feast", type=int, default=FEAST_CASES, help="further cases against DuckDB and Feast")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", help="repeat one: its number, with an f before it for one of Feast's, or `large`")
    parser.add_argument("--keep-going", action="store_true", help="all failures, not only the first")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="cases at a time")
    options = parser.parse_args()
    parts = {
        "DuckDB's cases": [(n, False) for n in range(options.cases)] + [(None, False)],
        "Feast's cases": [(n, True) for n in range(options.feast)],
    }
    if options.case:
        number = None if options.case == "large" else int(options.case.lstrip("f"))
        parts = {"one case": [(number, options.case.startswith("f"))]}
    base = Path(tempfile.mkdtemp(prefix="hanok-join-oracle-"))
    covered, passed, failed = Counter(), 0, 0
    print(f"  seed {options.seed}")
    # Spawned, because DuckDB does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, context) as pool:
        for what, numbers in parts.items():
            started = time.monotonic()
            hanok = options.hanok.resolve()
            tasks = [pool.submit(work, hanok, base, options.seed, number, feast) for number, feast in numbers]
            for task in tasks:
                if task.cancelled():
                    continue
                _, error, counts = task.result()
                covered.update(counts)
                passed, failed = passed + (error is None), failed + (error is not None)
                if error:
                    print(error, flush=True)
                    if not options.keep_going:
                        for other in tasks:
                            other.cancel()
            print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)
            if failed and not options.keep_going:
                break
    for name, count in covered.items():
        print(f"    {name}: {count}")
    print(f"{passed} passed, {failed} failed")
    if failed:
        sys.exit(1)
    shutil.rmtree(base, ignore_errors=True)
    # What was never met was never tested.
    missing = [name for name, count in covered.items() if count == 0]
    if options.cases >= CASES and not options.case and missing:
        sys.exit(f"these never happened: {missing}")


if __name__ == "__main__":
    main()
