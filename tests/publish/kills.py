"""kill -9 at any moment leaves the old rows or the new ones, whole; readers see no other either."""

import json
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg

from ..hanok import TIMEOUT_S, Failure
from .check import equal
from .school import School

ROWS = 200_000
KILLS = 4
QUERY = "select version, count(*), count(distinct id) from {} group by 1"


def model(version: int) -> str:
    return f"select value as id, {version} as version, repeat('글', 20) as text from generate_series(1, {ROWS})"


class Reading:
    """What a reader of one kind of target sees: branch and versions."""

    def __init__(self, to: str, read: Callable[[], tuple[str, list]]) -> None:
        self.to, self.read = to, read

    def state(self) -> str:
        branch, found = self.read()
        equal(f"rows in {self.to.split(':')[0]} while `{branch}` is there", found, [({"main": 1, "dev": 2}[branch], ROWS, ROWS)])
        return branch


def of_postgres(url: str) -> Reading:
    # One statement: PostgreSQL looks names up outside of a transaction's snapshot, so that a second statement of an older
    # transaction would find the new table, and none of its rows.
    query = f"select (select branch from mart.hanok_published where table_name = 'big'), {QUERY.format('mart.big').removeprefix('select ')}"

    def read() -> tuple[str, list]:
        with psycopg.connect(url) as connection:
            rows = connection.execute(query.replace("group by 1", "group by 2")).fetchall()
            return rows[0][0] if rows else "main", [row[1:] for row in rows]

    return Reading(url, read)


def of_sqlite(path: Path) -> Reading:
    def read() -> tuple[str, list]:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("begin")
            branch = connection.execute("select branch from hanok_published where table_name = 'big'").fetchone()[0]
            return branch, connection.execute(QUERY.format("big")).fetchall()

    return Reading(f"sqlite:{path}", read)


def of_a_folder(path: Path) -> Reading:
    def read() -> tuple[str, list]:
        # A folder is opened once and read below, so that an exchange in between is not seen.
        for _ in range(10):
            before = (path / "manifest.json").read_text()
            found = duckdb.connect().execute(QUERY.format(f"'{path}/mart.big.parquet'")).fetchall()
            if (path / "manifest.json").read_text() == before:
                return json.loads(before)["branch"], found
        raise Failure("the folder never rests")

    return Reading(str(path), read)


def kills(school: School, reading: Reading, rng: random.Random) -> int:
    """The number of kills that hit."""
    publish = lambda branch: ("staging", "publish", branch, "--to", reading.to, "--tables", "mart.big")
    school.ok(*publish("main"))
    watched(school, publish("dev"), reading)
    equal("the branch after publishing", reading.state(), "dev")
    started = time.perf_counter()
    school.ok(*publish("main"))
    usual, hits = time.perf_counter() - started, 0
    for _ in range(KILLS):
        process = subprocess.Popen(school.command(*publish("dev")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.1, 1.0) * usual)
        process.send_signal(signal.SIGKILL)
        hits += process.wait(timeout=TIMEOUT_S) == -signal.SIGKILL
        if reading.state() == "dev":
            school.ok(*publish("main"))
    school.ok(*publish("dev"))
    equal("the branch after the kills", reading.state(), "dev")
    return hits


def watched(school: School, publish: tuple, reading: Reading) -> None:
    """Reads all the time while a publication runs."""
    seen, problems, over = [], [], threading.Event()

    def watch() -> None:
        try:
            while not over.is_set():
                seen.append(reading.state())
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader was disturbed
            problems.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    school.ok(*publish)
    over.set()
    thread.join(TIMEOUT_S)
    if problems:
        raise Failure(f"a reader of {reading.to.split(':')[0]} was disturbed: {problems[0]}")
    equal("the old rows were seen first", seen[0], "main")
    equal("and never after the new ones", seen, sorted(seen, key=["main", "dev"].index))
