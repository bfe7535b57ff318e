"""A case: feature views with their rows and files, entity rows, and the joins of both."""

from dataclasses import dataclass, field

import pyarrow as pa

from .kinds import KINDS

# Columns of a feature file beside keys and features.
EVENT, CREATED = "event_timestamp", "created"


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
    keys: dict  # key column → kind, in the case's order
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
