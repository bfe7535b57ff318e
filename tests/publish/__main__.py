"""Runs all of it."""

import argparse
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

import duckdb
import psycopg

from ..hanok import Failure
from . import keys, kills, kinds, refusals
from .check import CHECKS, equal
from .school import STUDENTS, School
from .server import Server, programs
from .services import two_services


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.publish", description="publishes branches and reads them back")
    parser.add_argument("hanok", type=Path)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000)
    options = parser.parse_args()
    bin = programs()
    if bin is None:
        if os.environ.get("HANOK_TEST_ALLOW_SKIP") != "1":
            sys.exit("PostgreSQL is not installed (apt-get install postgresql); HANOK_TEST_ALLOW_SKIP=1 leaves it out")
        print("left out, because PostgreSQL is not installed: everything about it")
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="hanok-publish-")).resolve()
    try:
        with ExitStack() as stack:
            server = stack.enter_context(Server(bin)) if bin else None
            run(options.hanok, folder, server, random.Random(options.seed))
    except BaseException as error:
        print(f"FAILED with --seed {options.seed}, kept in {folder}", file=sys.stderr)
        if isinstance(error, Failure):
            sys.exit(str(error))
        raise
    shutil.rmtree(folder)
    print(f"{CHECKS[0]} checks passed, {time.monotonic() - started:.0f} s")


def section(name: str) -> None:
    print(f"{name}:", flush=True)


def run(hanok: Path, folder: Path, server: Server | None, rng: random.Random) -> None:
    school = School(hanok, folder / "school")
    school.make()
    school.ok("branch", "create", "dev")
    changed = [*STUDENTS[:1], (12, "이서연", *STUDENTS[1][2:]), STUDENTS[2], (14, "최유진", 2, "2012-01-09", "70.00")]
    school.students(changed)
    school.ok("build", "students", "--branch", "dev")
    school.students(STUDENTS)

    section("keys, references, indexes; again; a service on two branches")
    sqlite = {branch: folder / f"{branch}.db" for branch in ("main", "dev")}
    on_sqlite(school, sqlite)
    if server:
        on_postgres(school, server)
    in_a_folder(school, folder / "parquet")

    section("types")
    school.model("kinds", kinds.TABLE)
    school.model("more_kinds", kinds.VIEW)
    school.ok("build", "kinds", "more_kinds")
    for name in ("kinds", "more_kinds"):
        url = server.database(name) if server else None
        kinds.kinds(school, url, f"sqlite:///{folder / name}.db", name)
        kinds.numbers_that_are_none(school, url)

    section("refusals")
    refusals.models(school)
    with closing(sqlite3.connect(sqlite["main"])) as connection:
        names = lambda: connection.execute("select name from students order by 1").fetchall()
        refusals.everywhere(school, f"sqlite:{sqlite['main']}", False, names)
    refusals.of_sqlite(school, sqlite["main"])
    if server:
        with server.connect("main") as connection:
            names = lambda: connection.execute("select name from students order by 1").fetchall()
            refusals.everywhere(school, server.url("main") + "?schema=public", True, names)
        refusals.of_postgres(school, server, "main")
    refusals.of_a_folder(school, folder / "parquet")

    section("kill -9, and readers meanwhile")
    lake = School(hanok, folder / "lake")
    lake.put("hanok.yaml", (school.path / "hanok.yaml").read_text())
    lake.model("big", kills.model(1))
    lake.ok("build")
    lake.ok("branch", "create", "dev")
    lake.model("big", kills.model(2))
    lake.ok("build", "--branch", "dev")
    readings = [kills.of_sqlite(folder / "big.db"), kills.of_a_folder(folder / "big")]
    if server:
        readings.append(kills.of_postgres(server.database("big")))
    hits = sum(kills.kills(lake, reading, rng) for reading in readings)
    if hits < len(readings):
        raise Failure(f"only {hits} kills hit a running process: give it more to do")
    left = [path.name for path in folder.glob(".big.*")]
    equal("folders that kills left over", left, [])


def on_sqlite(school: School, paths: dict[str, Path]) -> None:
    for branch, path in paths.items():
        school.publish(branch, f"sqlite:{path}", *school.plan)
    url = f"sqlite:///{paths['main']}"
    keys.reflected(url, school)
    keys.again(url, url, school)
    two_services(url, f"sqlite:///{paths['dev']}")
    for branch, path in paths.items():
        school.publish(branch, f"sqlite:{path}", *school.plan)


def on_postgres(school: School, server: Server) -> None:
    urls = {branch: server.database(branch) for branch in ("main", "dev")}
    for branch, url in urls.items():
        school.publish(branch, f"{url}?schema=public", *school.plan)
    url = urls["main"].replace("postgres:", "postgresql+psycopg:")
    keys.reflected(url, school)
    with server.connect("main") as connection:
        connection.execute("create role reader; grant select on students to reader")
        keys.again(url, urls["main"], school, "--schema", "public")
        granted = connection.execute("select has_table_privilege('reader', 'students', 'select')").fetchone()
        equal("rights after publishing again", granted, (True,))
    two_services(url, urls["dev"].replace("postgres:", "postgresql+psycopg:"))
    for branch, url in urls.items():
        school.publish(branch, f"{url}?schema=public", *school.plan)
    # Without a schema, each table has its own.
    school.publish("dev", urls["dev"], "--tables", "mart.students")
    with psycopg.connect(urls["dev"]) as connection:
        equal("mart.students", connection.execute("select count(*) from mart.students").fetchone(), (4,))


def in_a_folder(school: School, path: Path) -> None:
    school.publish("main", path, *school.plan)
    school.publish("dev", path, *school.plan)
    equal("files", sorted(file.name for file in path.iterdir()), [
        "manifest.json", "mart.classes.parquet", "mart.meals.parquet", "mart.students.parquet", "mart.신청.parquet",
        "schema.sql",
    ])
    found = duckdb.sql(f"select name from '{path}/mart.students.parquet' order by student_id").fetchall()
    equal("students in Parquet", [name for (name,) in found], ["김하늘", "이서연", "박지우", "최유진"])


if __name__ == "__main__":
    main()
