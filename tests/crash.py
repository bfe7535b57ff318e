"""Killed at any moment, and several at once: `crash.py PATH_TO_HANOK [--rounds N] [--seed S]`.

A. A reference project runs undisturbed. In a second one the same commands are killed with SIGKILL at random moments,
   run again until they succeed, and the two projects must then be equal: every table's columns and rows (rejects and
   the ledger too; load ids aside), and the online values of a sample of keys. Between the kill and the next run the
   lake must be readable, and each table and each feature view must be as before the command or as after it, never in
   between. Killed are loads, builds, applies, materialisations (some of them while `hanok serve` answers, and some of
   those servers) and optimisations: in fresh projects, in grown ones, and at the commit that writes a Delta checkpoint.
B. Two processes load into one table while a third optimises it and a fourth reads it: no row lost, none doubled.

What a kill may leave, and what takes it away:
* data files that no commit names, and object_store's staged files `<name>#<n>`: `hanok optimize --vacuum-days N`;
* `.hanok/spill/<id>`: the next command that opens the project;
* a killed server's slot among LMDB's readers: the next reader or writer that needs one;
* the folder of a table that was about to take the name of a view, and of one whose name a view took: nothing yet.

`--rounds` is the number of kills; the default takes 2 to 3 minutes. A failure prints the seed and keeps the folder. The
moments of the kills depend on the machine, so a seed repeats the data and the order of things, not the very instant.
"""

import argparse
import ctypes
import http.client
import io
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HANOK = ""

CUSTOMERS = 150
PRODUCTS = 60
START = 1767225600
"""2026-01-01T00:00:00Z."""
SAMPLE = 50
"""Keys whose online values are compared."""

# A conflict, a table under maintenance, a table that another process loads: documented, and worth another try.
RETRIED = {"HK0202", "HK0207", "HK0312"}
TRIES_MAX = 10
FOLLOW_SECONDS_MAX = 5.0
"""How long a server may take to show what was committed."""

PROJECT = {
    "hanok.yaml": """
name: crash
version: 1
models:
  +schema: mart
  +materialized: table
""",
    "sources/shop.yaml": """
sources:
  - name: orders
    files: [data/orders/*.csv]
    columns: { order_id: int64, cents: int64, ordered_at: timestamp }
    contract: evolve
  - name: clicks
    files: [data/clicks/*.jsonl]
    columns: { clicked_at: timestamp, seen_at: timestamp, clicks: int64 }
    contract: evolve
  - name: stock
    files: [data/stock/*.parquet]
  - name: prices
    files: [data/prices.csv]
    disposition: replace
    columns: { cents: int64 }
""",
    "models/order_lines.sql": """
select o.order_id, o.customer, o.product, o.ordered_at, o.cents, p.cents as list_cents
from {{ source('raw', 'orders') }} as o
left join {{ source('raw', 'prices') }} as p on p.product = o.product
""",
    "models/customer_spend.sql": """
select
    customer,
    date_trunc('hour', ordered_at) + interval '1 hour' as event_timestamp,
    count(*) as orders,
    sum(cents) as cents,
    max(list_cents) as dearest_cents
from {{ ref('order_lines') }}
group by customer, date_trunc('hour', ordered_at)
""",
    "models/daily_sales.sql": """
select date_trunc('day', ordered_at) as day, product, count(*) as orders, sum(cents) as cents
from {{ ref('order_lines') }}
group by date_trunc('day', ordered_at), product
""",
    "models/stock_levels.sql": """
{{ config(materialized='view') }}
select product, counted_at as event_timestamp, level from {{ source('raw', 'stock') }}
""",
    "models/models.yml": """
version: 2
models:
  - name: order_lines
    columns:
      - { name: order_id, tests: [unique, not_null] }
      - { name: customer, tests: [not_null] }
  - name: customer_spend
    columns:
      - { name: event_timestamp, tests: [not_null] }
""",
    "features/features.yaml": """
entities:
  - { name: customer, type: string }
  - { name: product, type: string }
feature_views:
  - name: customer_spend
    entities: [customer]
    source: { table: mart.customer_spend }
    timestamp: event_timestamp
    features:
      - { name: orders, type: int64 }
      - { name: cents, type: int64 }
      - { name: dearest_cents, type: int64 }
  - name: last_click
    entities: [customer]
    source: { table: raw.clicks }
    timestamp: clicked_at
    created: seen_at
    features:
      - { name: page, type: string }
      - { name: clicks, type: int64 }
  - name: product_stock
    entities: [product]
    source: { table: mart.stock_levels }
    timestamp: event_timestamp
    features:
      - { name: level, type: int64 }
feature_services:
  - name: shop
    features: [{ view: customer_spend }, { view: last_click }, { view: product_stock }]
""",
}
STOCK_LEVELS = "models/stock_levels.sql"
VIEWS = {"mart.stock_levels": [("product", "view"), ("event_timestamp", "view"), ("level", "view")]}
FEATURES = {
    "customer_spend": ["orders", "cents", "dearest_cents"],
    "last_click": ["page", "clicks"],
    "product_stock": ["level"],
}


class Failure(Exception):
    """Hanok broke a promise."""


# ---------------------------------------------------------------------------------------------------------------------
# Data


@dataclass
class File:
    """A new or changed file of a project."""

    path: str
    content: bytes


class Maker:
    """Makes the files of a project. All rows of all files have ids of their own."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.number = 0
        self.stock_levels_is_table = False

    def base(self) -> list[File]:
        large = [self.orders(1200), self.orders(900), self.clicks(1200), self.clicks(900)]
        return [*large, self.stock(500), self.prices()]

    def some(self) -> list[File]:
        """The new files of a round: of one source, of some, or of all."""
        makers = [self.orders, self.clicks, self.stock]
        files = [make(self.rng.randint(150, 450)) for make in self.rng.sample(makers, self.rng.randint(1, 3))]
        if self.rng.random() < 0.5:
            files.append(self.prices())
        return files

    def other_kind(self) -> list[File]:
        """Sometimes: the model that was a view becomes a table, or the other way round."""
        if self.rng.random() < 0.7:
            return []
        self.stock_levels_is_table = not self.stock_levels_is_table
        kind = "table" if self.stock_levels_is_table else "view"
        return [File(STOCK_LEVELS, PROJECT[STOCK_LEVELS].replace("'view'", f"'{kind}'").encode())]

    def hour(self) -> int:
        self.number += 1
        return self.number

    def time(self, row: int) -> str:
        # Each file is about the next hour, so that most values are newer than those before; some come late.
        hours = self.number - (self.rng.randint(1, 30) if self.rng.random() < 0.05 else 0)
        micros = row * 1009 + self.number
        second = time.gmtime(START + hours * 3600 + micros // 10**6)
        return time.strftime("%Y-%m-%dT%H:%M:%S", second) + f".{micros % 10**6:06}Z"

    def orders(self, rows: int) -> File:
        number, lines = self.hour(), ["order_id,customer,product,cents,ordered_at,note"]
        for row in range(rows):
            cents: object = self.rng.randint(1, 99_999)
            kind = self.rng.random()
            if kind < 0.01:
                cents = "oops"
            note = '"a, b"' if kind > 0.9 else ("" if kind > 0.5 else "ä 서울")
            line = f"{number * 10_000 + row},{self.customer()},{self.product()},{cents},{self.time(row)},{note}"
            lines.append(line + ",one,too,many" if 0.01 <= kind < 0.015 else line)
        return File(f"data/orders/{number:05}.csv", ("\n".join(lines) + "\n").encode())

    def clicks(self, rows: int) -> File:
        number, lines = self.hour(), []
        for row in range(rows):
            click = {
                "click_id": number * 10_000 + row,
                "customer": self.customer(),
                "page": f"/p/{self.rng.randint(0, 999)}",
                "clicks": row,
                "clicked_at": self.time(row),
                "seen_at": self.time(rows + row),
            }
            # A column more from time to time, and one whose type turns out wider at the end of its file.
            if number % 8 == 7:
                click[f"extra_{number % 3}"] = row if row < rows - 5 else row + 0.5
            line = json.dumps(click)
            lines.append(line[:-9] if self.rng.random() < 0.01 else line)
        return File(f"data/clicks/{number:05}.jsonl", ("\n".join(lines) + "\n").encode())

    def stock(self, rows: int) -> File:
        import polars

        number = self.hour()
        start = START * 10**6 + number * 3600 * 10**6
        frame = polars.DataFrame(
            {
                "count_id": [number * 10_000 + row for row in range(rows)],
                "product": [self.product() for _ in range(rows)],
                "level": [self.rng.choice([None, *range(50)]) for _ in range(rows)],
                "weight": [self.rng.random() for _ in range(rows)],
                "counted_at": polars.Series([start + row for row in range(rows)]).cast(polars.Datetime("us", "UTC")),
            }
        )
        sink = io.BytesIO()
        frame.write_parquet(sink)
        return File(f"data/stock/{number:05}.parquet", sink.getvalue())

    def prices(self) -> File:
        lines = ["product,cents,label"]
        lines += [f"p{product:02},{self.rng.randint(1, 99_999)},label {product}" for product in range(PRODUCTS)]
        # Sometimes none: then a replace has to empty the rejects.
        lines += [f"q{row},dear,broken" for row in range(self.rng.choice([0, 0, 2, 5]))]
        return File("data/prices.csv", ("\n".join(lines) + "\n").encode())

    def customer(self) -> str:
        return f"c{self.rng.randrange(CUSTOMERS):03}"

    def product(self) -> str:
        return f"p{self.rng.randrange(PRODUCTS):02}"


# ---------------------------------------------------------------------------------------------------------------------
# Measuring


class Watch:
    """Counts what happens to the files below a folder (Linux's inotify)."""

    MASK = 0x2 | 0x80 | 0x100 | 0x200 | 0x1000000  # modified, moved here, created, deleted; folders only

    def __init__(self, folder: Path) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.handle = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.folders: dict[int, Path] = {}
        self.count = 0
        self.add(folder)

    def add(self, folder: Path) -> None:
        number = self.libc.inotify_add_watch(self.handle, os.fsencode(folder), self.MASK)
        if number < 0:
            return
        self.folders[number] = folder
        for below in folder.iterdir() if folder.is_dir() else ():
            if below.is_dir():
                self.add(below)

    def wait(self, seconds: float) -> None:
        """Waits for events, that long at most, and counts them."""
        if not select.select([self.handle], [], [], seconds)[0]:
            return
        events, at = os.read(self.handle, 1 << 16), 0
        while at < len(events):
            number, mask, _, length = struct.unpack_from("iIII", events, at)
            name = events[at + 16 : at + 16 + length].rstrip(b"\0")
            at += 16 + length
            self.count += 1
            if mask & 0x40000000 and mask & 0x100 and number in self.folders:
                self.add(self.folders[number] / os.fsdecode(name))

    def close(self) -> None:
        os.close(self.handle)


@dataclass
class Usual:
    """What a command usually takes."""

    seconds: float
    events: int
    """Changes of files below the project's folder."""


def usual(runs: list[Usual]) -> Usual:
    return Usual(statistics.median(run.seconds for run in runs), int(statistics.median(run.events for run in runs)))


# ---------------------------------------------------------------------------------------------------------------------
# Projects


Online = dict[str, list]
"""By feature view: for each sampled key its values, statuses and event timestamps."""


@dataclass
class State:
    """What a project shows to its readers."""

    tables: dict[str, list[str]] = field(default_factory=dict)
    ledger: list[str] = field(default_factory=list)
    online: Online = field(default_factory=dict)


class Project:
    def __init__(self, path: Path) -> None:
        self.path = path

    def make(self) -> None:
        for name, text in PROJECT.items():
            self.put(File(name, text.lstrip().encode()))

    def put(self, file: File) -> None:
        """Writes a file so that it appears whole, as whoever delivers data should."""
        target = self.path / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.draft")
        draft.write_bytes(file.content)
        draft.replace(target)

    def command(self, *args: str) -> list[str]:
        return [HANOK, "--project", str(self.path), *args]

    def try_run(self, *args: str) -> tuple[int, str, str]:
        done = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout, done.stderr

    def run(self, *args: str) -> str:
        code, out, err = self.try_run(*args)
        if code != 0:
            raise Failure(f"`hanok {' '.join(args)}` in {self.path.name} ended with {code}:\n{out}\n{err}")
        return out

    def measured(self, *args: str) -> Usual:
        watch = Watch(self.path)
        started = time.perf_counter()
        self.run(*args)
        seconds = time.perf_counter() - started
        before = -1
        while watch.count != before:
            before = watch.count
            watch.wait(0)
        watch.close()
        return Usual(seconds, watch.count)

    def rows(self, query: str) -> list[dict]:
        return [json.loads(line) for line in self.run("sql", query, "--format", "json").splitlines()]

    def folders(self) -> dict[str, tuple[str, str]]:
        """Every table and view of the catalog: its kind and its folder's name."""
        if not (self.path / ".hanok/catalog.sqlite").exists():
            return {}
        connection = sqlite3.connect(self.path / ".hanok/catalog.sqlite")
        try:
            rows = connection.execute("select schema_name, table_name, kind, directory from tables").fetchall()
        except sqlite3.OperationalError:  # killed before the catalog had its tables
            rows = []
        connection.close()
        return {f"{schema}.{table}": (kind, folder) for schema, table, kind, folder in sorted(rows)}

    def columns(self, folder: str) -> list[tuple[str, str]] | None:
        """A table's columns and types, from its Delta log: one command less than from `information_schema`."""
        for commit in sorted((self.path / ".hanok/lake/main" / folder / "_delta_log").glob("*.json"), reverse=True):
            for line in commit.read_text().splitlines():
                if line.startswith('{"metaData"'):
                    fields = json.loads(json.loads(line)["metaData"]["schemaString"])["fields"]
                    return [(field["name"], json.dumps(field["type"])) for field in fields]
        return None

    def tables(self) -> dict[str, list[str]]:
        """Every table: its columns in the first line, then its rows, sorted. Load ids and the project's path aside."""
        columns = {}
        for name, (kind, folder) in self.folders().items():
            fields = VIEWS[name] if kind == "view" else self.columns(folder)
            # A table without a commit does not exist yet.
            if fields:
                columns[name] = fields
        if not columns:
            return {}
        width = max(map(len, columns.values()))
        selects = []
        for name, fields in columns.items():
            texts = [f"cast(\"{column}\" as varchar)" for column, _ in fields if column != "_hanok_load_id"]
            texts += ["cast(null as varchar)"] * (width - len(texts))
            texts = [f"{text} as c{at}" for at, text in enumerate(texts)]
            selects.append(f"select '{name}' as t, {', '.join(texts)} from {name}")
        tables = {name: [json.dumps(fields)] for name, fields in columns.items()}
        out = self.run("sql", " union all ".join(selects), "--format", "json")
        # Both projects': states are copied from one to the other.
        out = re.sub(re.escape(str(self.path.parent)) + "/(reference|crash)/", "", out)
        for line in sorted(out.splitlines()):
            tables[line[6 : line.index('"', 6)]].append(line)
        return tables

    def ledger(self) -> list[str]:
        query = "select table_name, content_hash, rows_loaded, rows_rejected from hanok.loads"
        return sorted(self.run("sql", query, "--format", "json").splitlines())

    def online(self) -> Online:
        entities = [f"--entity=customer={row['customer']},product={row['product']}" for row in sample()]
        answer = self.run("features", "get", "--service", "shop", "--full-feature-names", *entities, "--json")
        return by_view(json.loads(answer))

    def state(self, online: bool) -> State:
        return State(self.tables(), self.ledger(), self.online() if online else {})

    def save(self, where: Path) -> None:
        shutil.rmtree(where, ignore_errors=True)
        where.mkdir(parents=True)
        for part in (".hanok", "data"):
            if (self.path / part).exists():
                shutil.copytree(self.path / part, where / part)

    def restore(self, where: Path) -> None:
        for part in (".hanok", "data"):
            shutil.rmtree(self.path / part, ignore_errors=True)
            if (where / part).exists():
                shutil.copytree(where / part, self.path / part)


def sample() -> list[dict[str, str]]:
    step = CUSTOMERS // SAMPLE
    known = [{"customer": f"c{at * step:03}", "product": f"p{at % PRODUCTS:02}"} for at in range(SAMPLE)]
    return [*known, {"customer": "nobody", "product": "nothing"}]


def by_view(answer: dict) -> Online:
    names = answer["metadata"]["feature_names"]
    found: Online = {}
    for view, features in FEATURES.items():
        results = [answer["results"][names.index(f"{view}__{feature}")] for feature in features]
        parts = [result[part] for result in results for part in ("values", "statuses", "event_timestamps")]
        found[view] = [list(key) for key in zip(*parts)]
    return found


def difference(expected: list[str], found: list[str]) -> str:
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    lines = [f"{len(expected) - 1} rows expected, {len(found) - 1} found"]
    lines += [f"    missing {count} x {line}" for line, count in list(missing.items())[:4]]
    lines += [f"    extra   {count} x {line}" for line, count in list(extra.items())[:4]]
    return "\n".join(lines)


def check_equal(expected: State, found: State) -> None:
    if sorted(expected.tables) != sorted(found.tables):
        raise Failure(f"tables {sorted(found.tables)}, expected {sorted(expected.tables)}")
    for name, rows in expected.tables.items():
        if rows != found.tables[name]:
            raise Failure(f"{name} is not as in the undisturbed project: {difference(rows, found.tables[name])}")
    if expected.ledger != found.ledger:
        raise Failure(f"hanok.loads is not as in the undisturbed project: {difference(expected.ledger, found.ledger)}")
    for view, keys in expected.online.items():
        if keys != found.online[view]:
            raise Failure(f"{view} is not as in the undisturbed project:\n{keys}\n{found.online[view]}")


def check_whole(before: State, after: State, found: State) -> str:
    """After a kill everything is as before or as after the command. Returns which: `before`, `after` or `between`."""
    moved = Counter()
    for name in sorted(before.tables | after.tables | found.tables):
        was, becomes, now = (state.tables.get(name) for state in (before, after, found))
        if now not in (was, becomes):
            raise Failure(
                f"{name} is half-written after a kill: {difference(becomes or [], now or [])}\n  and before: "
                f"{difference(was or [], now or [])}"
            )
        if was != becomes:
            moved[now == becomes] += 1
    for view, now in found.online.items():
        was, becomes = before.online.get(view), after.online[view]
        if now not in (was, becomes):
            raise Failure(f"{view} is half-written after a kill:\nbefore {was}\nnow    {now}\nafter  {becomes}")
        if was != becomes:
            moved[now == becomes] += 1
    return "between" if len(moved) > 1 else ("after" if moved[True] else "before")


# ---------------------------------------------------------------------------------------------------------------------
# Kills


@dataclass
class Tally:
    """What happened in a phase."""

    kills: int = 0
    hits: int = 0
    seen: Counter = field(default_factory=Counter)

    def text(self) -> str:
        seen = ", ".join(f"{self.seen[what]} {what}" for what in ("before", "between", "after") if self.seen[what])
        return f"{self.kills} kills, {self.hits} hit a running process; then seen: {seen or 'not looked'}"


class Killer:
    def __init__(self, project: Project, rng: random.Random) -> None:
        self.project = project
        self.rng = rng
        self.tally = Tally()

    def kill(self, args: tuple[str, ...], usual: Usual, from_share: float = 0.0) -> None:
        """Starts the command and kills it after a random part of its usual time, or of its usual changes to files.

        Time hits every part of the work; changes hit the moments that leave different things behind.
        """
        share = self.rng.uniform(from_share, 1.0)
        watch = Watch(self.project.path) if self.rng.random() < 0.5 else None
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self.project.command(*args), stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
            if watch:
                while watch.count < share * usual.events and process.poll() is None:
                    watch.wait(0.005)
                watch.close()
            else:
                time.sleep(share * usual.seconds)
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            code = process.wait()
            self.tally.kills += 1
            if code == -signal.SIGKILL:
                self.tally.hits += 1
            elif code != 0:
                errors.seek(0)
                raise Failure(f"`hanok {' '.join(args)}` ended with {code} by itself:\n{errors.read().decode()}")

    def look(self, before: State, after: State) -> None:
        found = State(self.project.tables(), online=self.project.online() if before.online else {})
        self.tally.seen[check_whole(before, after, found)] += 1


@dataclass
class Round:
    """One round as the undisturbed project went through it."""

    files: list[File]
    before: State
    after: State
    usual: Usual


class Suite:
    def __init__(self, folder: Path, seed: int, rounds: int) -> None:
        self.folder = folder
        self.seed = seed
        self.scale = rounds / sum(ROUNDS.values())
        self.reference = Project(folder / "reference")
        self.crash = Project(folder / "crash")
        self.kills = 0
        self.hits = 0
        self.has_optimize = subprocess.run([HANOK, "optimize", "--help"], capture_output=True).returncode == 0
        self.executor = ThreadPoolExecutor(1)

    def rounds(self, phase: str) -> int:
        return max(1, round(ROUNDS[phase] * self.scale))

    def rng(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")

    def stage(self, name: str) -> Path:
        return self.folder / "stages" / name

    def lake(self, project: Project) -> Path:
        return project.path / ".hanok/lake/main"

    def prepare(self) -> None:
        """Runs everything once, keeps the state after each step, and the time that each step took."""
        self.maker = Maker(self.rng("data"))
        for project in (self.reference, self.crash):
            project.make()
        for file in self.maker.base():
            self.reference.put(file)
        self.stages: dict[str, State] = {"new": State()}
        self.usual: dict[str, Usual] = {}
        self.reference.save(self.stage("new"))
        for before, command in zip(("new", *STEPS), STEPS):
            runs = []
            for _ in range(3):
                self.reference.restore(self.stage(before))
                runs.append(self.reference.measured(command))
            self.usual[command] = usual(runs)
            self.stages[command] = self.reference.state(online=command == "materialize")
            self.reference.save(self.stage(command))
        rows = {name: len(lines) - 1 for name, lines in self.stages["materialize"].tables.items()}
        for name in ("orders", "clicks", "prices"):
            if rows.get(f"raw.{name}", 0) == 0 or (name != "prices" and rows.get(f"raw.{name}__rejects", 0) == 0):
                raise Failure(f"the test's own data is not as meant: {rows}")
        times = ", ".join(f"{step} {1000 * took.seconds:.0f} ms" for step, took in self.usual.items())
        say("reference", f"{sum(rows.values())} rows in {len(rows)} tables; {times}")

    def end(self, phase: str, killer: Killer, started: float, more: str = "") -> None:
        tally = killer.tally
        self.kills += tally.kills
        self.hits += tally.hits
        self.check_load_ids()
        self.check_garbage()
        nameless = len(self.nameless())
        more += f"; {nameless} folders that no name refers to" if nameless else ""
        say(phase, f"{tally.text()}{more} ({time.perf_counter() - started:.1f} s)")

    def fresh(self) -> None:
        """Kills the first run of each command: the one that makes the catalog, the tables, the store."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("fresh"))
        for number in range(self.rounds("fresh")):
            at = FRESH[number % len(FRESH)]
            before, command = ("new", *STEPS)[at], STEPS[at]
            self.crash.restore(self.stage(before))
            for _ in range(2 if killer.rng.random() < 0.3 else 1):
                killer.kill((command,), self.usual[command])
            was, becomes = self.stages[before], self.stages[command]
            killer.look(State(was.tables), State(becomes.tables))
            self.crash.run(command)
            check_equal(becomes, self.crash.state(online=command == "materialize"))
        self.end("fresh", killer, started)

    def checkpoint(self) -> None:
        """Kills the load whose commit is the hundredth, after which a Delta checkpoint is written."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("checkpoint"))
        self.reference.restore(self.stage("load"))
        folders = self.reference.folders()
        for log in [self.lake(self.reference) / folders[name][1] / "_delta_log" for name in CHECKPOINTED]:
            # Ninety-odd commits that say nothing take the place of ninety-odd loads.
            first = len(list(log.glob("*.json")))
            for version in range(first, 99):
                info = {"timestamp": START * 1000 + version, "operation": "WRITE", "operationParameters": {}}
                (log / f"{version:020}.json").write_text(json.dumps({"commitInfo": info}) + "\n")
        self.reference.save(self.stage("checkpoint"))
        before = State(self.reference.tables())
        files = [self.maker.orders(400), self.maker.clicks(400), self.maker.stock(200), self.maker.prices()]
        runs = []
        for _ in range(3):
            self.reference.restore(self.stage("checkpoint"))
            for file in files:
                self.reference.put(file)
            runs.append(self.reference.measured("load"))
        after = self.reference.state(online=False)
        made = len(list(self.lake(self.reference).glob("*/_delta_log/*.checkpoint.parquet")))
        if made != len(CHECKPOINTED):
            raise Failure(f"the test's own data is not as meant: {made} checkpoints")
        for _ in range(self.rounds("checkpoint")):
            self.crash.restore(self.stage("checkpoint"))
            for file in files:
                self.crash.put(file)
            killer.kill(("load",), usual(runs), from_share=0.3)
            killer.look(before, after)
            self.crash.run("load")
            check_equal(after, self.crash.state(online=False))
        self.end("checkpoint", killer, started, f"; {made} checkpoints a load")

    def ahead(self, count: int, setup: tuple[str, ...], command: str, online: bool) -> Iterator[Round]:
        """The rounds of the undisturbed project, which goes one round ahead in the background."""
        start = self.stages["materialize"]
        last = start if online else State(start.tables, start.ledger)
        runs: list[Usual] = []

        def step() -> Round:
            nonlocal last
            files = [] if self.maker.rng.random() < 0.15 else self.maker.some()
            if command == "build":
                files += self.maker.other_kind()
            for file in files:
                self.reference.put(file)
            for earlier in setup:
                self.reference.run(earlier)
            # A build or a materialisation starts from tables that the commands before it changed.
            before = State(self.reference.tables(), online=last.online) if setup else last
            runs.append(self.reference.measured(command))
            last = self.reference.state(online)
            return Round(files, before, last, usual(runs[-7:]))

        waiting = self.executor.submit(step)
        for number in range(count):
            ready = waiting.result()
            if number + 1 < count:
                waiting = self.executor.submit(step)
            yield ready

    def grown(
        self, phase: str, setup: tuple[str, ...], command: str, online: bool = False, serve: bool = False
    ) -> None:
        """Kills a command over and over in one project that gets new files all the time."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng(phase))
        for project in (self.reference, self.crash):
            project.restore(self.stage("materialize"))
            project.make()
        self.maker.stock_levels_is_table = False
        server = Server(self.crash) if serve else None
        answers = servers_killed = 0
        try:
            for number, round_ in enumerate(self.ahead(self.rounds(phase), setup, command, online)):
                for file in round_.files:
                    self.crash.put(file)
                for earlier in setup:
                    self.crash.run(earlier)
                asking = Asking(server) if server else None
                for _ in range(2 if killer.rng.random() < 0.2 else 1):
                    killer.kill((command,), round_.usual)
                if server and number % 2:
                    answers += asking.check(round_.before, round_.after)
                    server.kill()
                    servers_killed += 1
                if online or killer.rng.random() < 0.7:
                    killer.look(round_.before, round_.after)
                self.crash.run(command)
                if server:
                    if number % 2:
                        server = Server(self.crash)
                        asking = Asking(server)
                    server.wait_for(round_.after.online)
                    answers += asking.check(round_.before, round_.after)
                check_equal(round_.after, self.crash.state(online))
        finally:
            if server:
                server.stop()
        more = f"; {answers} answers of servers, {servers_killed} servers killed" if serve else ""
        self.end(phase, killer, started, more)

    def optimize(self) -> None:
        """Kills optimisations: rows stay what they are."""
        if not self.has_optimize:
            say("optimize", "left out: this binary has no `hanok optimize`")
            return
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("optimize"))
        # What the loads of the grown project left: many small files.
        self.crash.save(self.stage("many files"))
        state = self.crash.state(online=True)
        took = self.crash.measured("optimize")
        check_equal(state, self.crash.state(online=True))
        for _ in range(self.rounds("optimize")):
            self.crash.restore(self.stage("many files"))
            killer.kill(("optimize",), took)
            killer.look(state, state)
            self.crash.run("optimize")
            check_equal(state, self.crash.state(online=True))
        self.end("optimize", killer, started)

    def vacuum(self) -> None:
        """What the kills left goes, and nothing else does."""
        if not self.has_optimize:
            return
        state, left = self.crash.state(online=True), self.garbage()
        self.crash.run("optimize", "--vacuum-days", "0")
        check_equal(state, self.crash.state(online=True))
        now = self.garbage()
        if now:
            raise Failure(f"a vacuum leaves {len(now)} of {len(left)} left-over files: {now[:6]}")
        say("vacuum", f"{len(left)} left-over files deleted, every row still there")

    def check_load_ids(self) -> None:
        """Every row's load is in the ledger, also when two runs share the load."""
        for name in ("orders", "clicks", "stock"):
            if f"raw.{name}" not in self.crash.folders():
                continue
            unknown = self.crash.rows(
                f"select distinct _hanok_load_id as id from raw.{name} where _hanok_load_id not in "
                f"(select load_id from hanok.loads where table_name = 'raw.{name}')"
            )
            if unknown:
                raise Failure(f"raw.{name} has rows of loads that are not in hanok.loads: {unknown}")

    def garbage(self) -> list[str]:
        """Files of the lake that no commit names."""
        found = []
        for table in self.lake(self.crash).iterdir():
            if not table.is_dir() or table.name in self.nameless():
                continue
            named = set()
            for commit in table.glob("_delta_log/*.json"):
                named |= set(re.findall(r'"path":"([^"]+)"', commit.read_text()))
            for file in table.rglob("*"):
                inside = str(file.relative_to(table))
                log = re.fullmatch(r"_delta_log/(\d{20}\.(json|checkpoint\.parquet)|_last_checkpoint)", inside)
                if file.is_file() and inside not in named and not log:
                    found.append(f"{table.name}/{inside}")
        return found

    def nameless(self) -> set[str]:
        """Folders of tables that the catalog does not know."""
        known = {folder for _, folder in self.crash.folders().values()}
        return {path.name for path in self.lake(self.crash).iterdir() if path.is_dir()} - known

    def check_garbage(self) -> None:
        """What no command takes away must not exist at all; what a vacuum takes away is bounded by the kills."""
        left = self.garbage()
        # A killed command can have written one file of rows and one of rejects for each source, or one for each model.
        if len(left) > 8 * max(1, self.kills):
            raise Failure(f"{len(left)} left-over files after {self.kills} kills: {left[:6]}")
        self.crash.run("runs")
        spill = sorted(path.name for path in (self.crash.path / ".hanok/spill").iterdir())
        if len(spill) > 2:
            raise Failure(f".hanok/spill keeps what killed processes left: {spill}")
        sizes = [(project.path / ".hanok/online/data.mdb") for project in (self.reference, self.crash)]
        if all(size.exists() for size in sizes):
            undisturbed, found = (size.stat().st_size for size in sizes)
            if found > 3 * undisturbed + (1 << 20):
                raise Failure(f"the online store has {found} bytes, undisturbed {undisturbed}")


# ---------------------------------------------------------------------------------------------------------------------
# Servers


class Server:
    """`hanok serve` over a project."""

    def __init__(self, project: Project) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            project.command("serve", "--http", f"127.0.0.1:{self.port}"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        rows = sample()
        self.body = json.dumps(
            {
                "feature_service": "shop",
                "full_feature_names": True,
                "entities": {key: [row[key] for row in rows] for key in ("customer", "product")},
            }
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                self.connection.connect()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"hanok serve does not answer; it ended with {self.process.poll()}") from None
                time.sleep(0.01)

    def ask(self) -> Online:
        self.connection.request("POST", "/get-online-features", self.body, {"content-type": "application/json"})
        response = self.connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise Failure(f"hanok serve answered {response.status}: {text.decode()}")
        return by_view(json.loads(text))

    def wait_for(self, online: Online) -> None:
        """Asks until the answer is the committed state."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        deadline = time.monotonic() + FOLLOW_SECONDS_MAX
        while True:
            connection.request("POST", "/get-online-features", self.body, {"content-type": "application/json"})
            found = by_view(json.loads(connection.getresponse().read()))
            if found == online:
                connection.close()
                return
            if time.monotonic() > deadline:
                raise Failure(f"hanok serve does not show what was committed:\n{found}\nexpected:\n{online}")
            time.sleep(0.01)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()


class Asking:
    """Asks a server all the time, on a thread of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.answers: list[Online] = []
        self.error: Exception | None = None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        try:
            while not self.stopping.is_set():
                self.answers.append(self.server.ask())
                time.sleep(0.004)
        except Exception as error:  # reported by the thread that checks
            self.error = error

    def check(self, before: State, after: State) -> int:
        """Stops. Each key of each view was as before or as after, and never went back."""
        self.stopping.set()
        self.thread.join()
        if self.error:
            raise Failure(f"hanok serve stopped answering while a materialisation was killed: {self.error!r}")
        for view in FEATURES:
            keys = list(zip(before.online[view], after.online[view]))
            newer = [False] * len(keys)
            for answer in self.answers:
                for at, ((was, becomes), now) in enumerate(zip(keys, answer[view])):
                    if now not in (was, becomes) or (newer[at] and now != becomes):
                        raise Failure(f"hanok serve answered {view} {now}; before it was {was}, then {becomes}")
                    newer[at] = now == becomes
        return len(self.answers)


# ---------------------------------------------------------------------------------------------------------------------
# Several processes at once


class Together:
    """Two loaders, an optimiser and a reader on one table."""

    def __init__(self, folder: Path, rng: random.Random, files: int, has_optimize: bool) -> None:
        self.project = Project(folder / "together")
        self.files = files
        self.has_optimize = has_optimize
        self.rows = [[rng.randint(20, 400) for _ in range(files)] for _ in range(2)]
        self.retried: Counter = Counter()
        self.counts: Counter = Counter()
        self.errors: list[Exception] = []
        self.loading = threading.Event()
        self.lock = threading.Lock()

    def run(self) -> None:
        started = time.perf_counter()
        self.project.put(File("hanok.yaml", b"name: together\nversion: 1\n"))
        source = "sources:\n  - name: events\n    files: [data/*.csv]\n    columns: { id: int64, loader: int64 }\n"
        self.project.put(File("sources/events.yaml", source.encode()))
        self.project.put(File("data/first.csv", b"id,loader,note\n0,9,first\n"))
        self.project.run("load")
        loaders = [threading.Thread(target=self.guarded, args=(self.load, number)) for number in range(2)]
        others = [threading.Thread(target=self.guarded, args=(work, 0)) for work in (self.optimize, self.read)]
        for thread in (*loaders, *others):
            thread.start()
        for thread in loaders:
            thread.join()
        self.loading.set()
        for thread in others:
            thread.join()
        if self.errors:
            raise self.errors[0]
        expected = 1 + sum(map(sum, self.rows))
        self.check(expected, "after all loads")
        ledger = self.project.rows("select count(*) as files, sum(rows_loaded) as rows from hanok.loads")[0]
        if (ledger["files"], ledger["rows"]) != (2 * self.files + 1, expected):
            raise Failure(f"hanok.loads has {ledger}, expected {2 * self.files + 1} files and {expected} rows")
        if self.has_optimize:
            self.retry("optimize", "raw.events")
            self.check(expected, "after the last optimisation")
            self.project.run("optimize", "raw.events", "--vacuum-days", "0")
            self.check(expected, "after a vacuum")
            if not self.counts["optimisations that joined files"]:
                raise Failure("no optimisation joined files while loads ran")
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        retried = ", ".join(f"{count} x {what}" for what, count in sorted(self.retried.items()))
        optimizer = "" if self.has_optimize else "; no `hanok optimize` in this binary"
        say(
            "together",
            f"{expected} rows of {2 * self.files} files, none lost or doubled; {counts}; "
            f"tried again: {retried or 'nothing'}{optimizer} ({time.perf_counter() - started:.1f} s)",
        )

    def guarded(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except Exception as error:  # raised again by the main thread
            self.errors.append(error)
            self.loading.set()

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by

    def retry(self, *args: str) -> str:
        """Runs a command; documented conflicts are tried again, a bounded number of times."""
        for _ in range(TRIES_MAX):
            code, out, err = self.project.try_run(*args, "--json")
            if code == 0:
                return out
            found = re.search(r"HK\d{4}", out + err)
            if not found or found.group() not in RETRIED:
                raise Failure(f"`hanok {' '.join(args)}` ended with {code}:\n{out}\n{err}")
            with self.lock:
                self.retried[f"{args[0]} {found.group()}"] += 1
        raise Failure(f"`hanok {' '.join(args)}` met a conflict {TRIES_MAX} times:\n{out}\n{err}")

    def load(self, loader: int) -> None:
        for at, rows in enumerate(self.rows[loader]):
            if self.loading.is_set():
                return
            first = 1 + (loader * self.files + at) * 1000
            lines = ["id,loader,note", *(f"{first + row},{loader},of {at}" for row in range(rows))]
            self.project.put(File(f"data/{loader}-{at:03}.csv", ("\n".join(lines) + "\n").encode()))
            self.retry("load", "events")
            self.count("loads")

    def optimize(self, _: int) -> None:
        while self.has_optimize and not self.loading.is_set():
            done = json.loads(self.retry("optimize", "raw.events"))
            self.count("optimisations")
            if any(table["files_removed"] for table in done["tables"]):
                self.count("optimisations that joined files")
            time.sleep(0.02)

    def read(self, _: int) -> None:
        least = 0
        while not self.loading.is_set():
            found = self.numbers()
            if found["n"] != found["ids"] or found["n"] < least:
                raise Failure(f"a reader saw {found} after it had seen {least} rows")
            least = found["n"]
            self.count("reads")
            time.sleep(0.05)

    def numbers(self) -> dict:
        return self.project.rows("select count(*) as n, count(distinct id) as ids from raw.events")[0]

    def check(self, expected: int, when: str) -> None:
        found = self.numbers()
        if found != {"n": expected, "ids": expected}:
            raise Failure(f"{when} raw.events has {found['n']} rows with {found['ids']} ids; expected {expected}")


# ---------------------------------------------------------------------------------------------------------------------

STEPS = ("load", "build", "apply", "materialize")
CHECKPOINTED = ("raw.orders", "raw.orders__rejects")
FRESH = (0, 1, 3, 0, 1, 3, 0, 2)
ROUNDS = {"fresh": 24, "checkpoint": 6, "load": 32, "build": 24, "materialize": 20, "serve": 12, "optimize": 6}


def say(phase: str, text: str) -> None:
    print(f"  {phase}: {text}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="kills Hanok at any moment and compares with an undisturbed project")
    parser.add_argument("hanok", type=Path)
    parser.add_argument("--rounds", type=int, default=sum(ROUNDS.values()), help="kills in all, about")
    parser.add_argument("--seed", type=int, default=None, help="default: by the clock")
    options = parser.parse_args()
    global HANOK
    HANOK = str(options.hanok.resolve())
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000
    folder = Path(tempfile.mkdtemp(prefix="hanok-crash-")).resolve()
    started = time.perf_counter()
    suite = Suite(folder, seed, options.rounds)
    try:
        suite.prepare()
        suite.fresh()
        suite.checkpoint()
        suite.grown("build", ("load",), "build")
        suite.grown("materialize", ("load", "build"), "materialize", online=True)
        suite.grown("serve", ("load", "build"), "materialize", online=True, serve=True)
        suite.grown("load", (), "load")
        suite.optimize()
        suite.vacuum()
        Together(folder, suite.rng("together"), max(3, round(30 * min(1.0, suite.scale))), suite.has_optimize).run()
        if suite.hits * 2 < suite.kills:
            raise Failure(f"only {suite.hits} of {suite.kills} kills hit a running process: give it more to do")
    except (Failure, subprocess.TimeoutExpired) as failure:
        suite.executor.shutdown(wait=True, cancel_futures=True)
        print(f"FAILED with --seed {seed}, projects kept in {folder}\n{failure}", file=sys.stderr)
        sys.exit(1)
    except BaseException:
        print(f"FAILED with --seed {seed}, projects kept in {folder}", file=sys.stderr)
        raise
    suite.executor.shutdown(wait=True)
    shutil.rmtree(folder)
    print(f"{suite.kills} kills, {suite.hits} hit, 0 differences, seed {seed}, {time.perf_counter() - started:.0f} s")


main()
