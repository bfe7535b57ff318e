"""Full disks: every command at several sizes of free room, and then with enough of it."""

import shutil
import sqlite3
from contextlib import closing
from functools import partial

from .cases import case
from .command import check_error, count, good, run
from .disks import disk, filled, free_bytes, remount
from .project import check_count, define, expect_clean, expect_none, new_project

KIB = 1 << 10
MIB = 1 << 20


BIG_ROWS = 60_000
BIG_VIEW = """entities:
  - { name: key, type: int64 }
feature_views:
  - name: big
    entities: [key]
    source: { table: mart.big_copy }
    timestamp: seen
    features: [ { name: text, type: string } ]
"""
FULL_CODES = "HK0005 HK0101 HK0201 HK0405 HK0402 HK0607 HK0708"
FULL_WORDS = ("No space left", "no room", "disk is full")


def big_project(folder, data):
    project = new_project(folder)
    define(project, "big", f'["{data}"]', "    columns: { seen: timestamp }\n")
    (project / "models/big_copy.sql").write_text("select key, text, seen from {{ source('raw', 'big') }}\n")
    (project / "features/big.yaml").write_text(BIG_VIEW)
    for step in (("load", "visits"), ("build", "visits_by_day")):
        good(project, *step)
    return project


def catalog_is_sound(project):
    path = project / ".hanok/catalog.sqlite"
    if path.exists() and path.stat().st_size:
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"


def full_disk_step(folder, project, args, sizes, check_before, check_after, notes):
    """The command at several sizes of free room; then with enough of it."""
    failed = 0
    free_before = free_bytes(folder)
    for free in sizes:
        with filled(folder, free):
            done = run(project, *args)
        if done.status == 0:
            break
        failed += 1
        if done.status == 3:
            text = " ".join(model["message"] or "" for model in done.json["models"])
            assert any(code in text for code in FULL_CODES.split()), done
            code = text[-7:-1]
        else:
            error = check_error(done, FULL_CODES)
            text, code = error["message"], error["code"]
        assert any(word in text for word in FULL_WORDS), f"the message does not say why: {text}"
        notes.append(f"{free // KIB} KiB {code}")
        check_before()
        catalog_is_sound(project)
        expect_clean(project)
    left = free_before - free_bytes(folder)
    notes.append(f"{left // KIB} KiB left behind")
    assert failed >= 2, "the disk was never full"
    good(project, *args)
    check_after()


def write_rows(path):
    with path.open("w") as file:
        file.write("key,text,seen\n")
        state = 1
        for key in range(BIG_ROWS):
            state = state * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
            file.write(f"{key},{state:016x}{state * 31 & (1 << 64) - 1:016x},2026-01-01T00:00:{key % 60:02}\n")


def disk_full(temp):
    data = temp / "big.csv"
    write_rows(data)
    with disk(temp / "disk", 128) as folder:
        project = big_project(folder / "project", data)
        first_command(folder)
        tables(folder, project)
        online_store(folder, project)
        results(folder, project)
        spilled_sort(folder, project, temp / "sorted.csv")
        with case("a larger disk in place of a full one"):
            with filled(folder, 0):
                check_error(run(project, "load"), FULL_CODES)
                remount(folder, "size=160m")
                good(project, "load")
                good(project, "build")
            catalog_is_sound(project)
            for table, rows in (("raw.visits", 6), ("raw.big", BIG_ROWS), ("mart.big_copy", BIG_ROWS)):
                check_count(project, table, rows)
        with case("standard output that takes nothing"):
            with open("/dev/full", "wb") as nowhere:
                for args in (("sql", "select * from raw.big", "--format", "csv"), ("runs",)):
                    done = run(project, *args, as_json=False, stdout=nowhere)
                    assert done.status == 1 and "error[HK0005]" in done.err and "No space left" in done.err, done
                done = run(project, "sql", "select * from raw.big", stdout=nowhere)
                assert done.status == 1, done


def first_command(folder):
    with case("a first command on a full disk") as notes:
        fresh = new_project(folder / "fresh")
        for free in (0, 64 * KIB):
            shutil.rmtree(fresh / ".hanok", ignore_errors=True)
            with filled(folder, free):
                error = check_error(run(fresh, "load"), FULL_CODES)
            notes.append(f"{free // KIB} KiB {error['code']}")
            assert good(fresh, "load")["rows_loaded"] + count(fresh, "raw.visits") in (6, 12)
            assert count(fresh, "raw.visits") == 6
        shutil.rmtree(fresh)


def tables(folder, project):
    sizes = (0, 32 * KIB, 128 * KIB, 512 * KIB, 2 * MIB)
    for table, args in (("raw.big", ("load", "big")), ("mart.big_copy", ("build", "big_copy"))):
        with case(f"{args[0]} on a full disk") as notes:
            none = partial(expect_no_table, project, table)
            full_disk_step(folder, project, args, sizes, none, partial(check_count, project, table, BIG_ROWS), notes)
    with case("build of a table that is there, on a full disk") as notes:
        same = partial(check_count, project, "mart.big_copy", BIG_ROWS)
        full_disk_step(folder, project, ("build", "big_copy"), (0, 256 * KIB, MIB), same, same, notes)


def online_store(folder, project):
    with case("apply on a full disk"):
        good(project, "build", "big_copy")
        with filled(folder, 0):
            check_error(run(project, "apply"), FULL_CODES)
        good(project, "apply")
    with case("materialize on a full disk") as notes:

        def all_served():
            got = good(project, "features", "get", "--features", "big:text", "--entity", f"key={BIG_ROWS - 1}")
            assert got["results"][1]["statuses"] == ["PRESENT"], got

        sizes = (0, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
        full_disk_step(folder, project, ("materialize", "big"), sizes, nothing, all_served, notes)
        report = good(project, "materialize", "big")
        assert report["online_keys"] == BIG_ROWS, report


def results(folder, project):
    sizes = (0, 64 * KIB, MIB)
    for kind in ("parquet", "csv", "jsonl"):
        with case(f"sql -o {kind} on a full disk") as notes:
            output = folder / f"out.{kind}"
            output.write_text("the old file")
            args = ("sql", "select * from raw.big", "-o", output)
            full_disk_step(folder, project, args, sizes, partial(expect_text, output, "the old file"), nothing, notes)
            assert output.stat().st_size > MIB
            output.unlink()
    with case("features join -o on a full disk") as notes:
        output = folder / "training.parquet"
        query = "select key, seen as event_timestamp from raw.big"
        args = ("features", "join", "--entities-sql", query, "--features", "big:text", "-o", output)
        full_disk_step(folder, project, args, sizes, partial(expect_none, output), nothing, notes)
        assert good(project, "sql", "select 1", "-o", folder / "x.csv")["rows"] == 1


def spilled_sort(folder, project, output):
    with case("a sort that spills to a full disk") as notes:
        eight = "select text from raw.big limit 8"
        query = f"select a.text, b.text as other, a.key from raw.big a cross join ({eight}) b order by 1, 2"
        args = ("sql", query, "-o", output, "--memory-mb", 64)
        with filled(folder, MIB):
            error = check_error(run(project, *args), FULL_CODES)
            assert any(word in error["message"] for word in FULL_WORDS), error
        notes.append(f"{error['code']}")
        expect_none(output)
        expect_clean(project)
        assert good(project, *args)["rows"] == 8 * BIG_ROWS
        output.unlink()


def nothing():
    """Nothing to check here."""


def expect_no_table(project, table):
    check_error(run(project, "sql", f"select count(*) from {table}"), "HK0401 HK0103", table.split(".")[1])
    assert count(project, "raw.visits") == 6


def expect_text(path, text):
    assert path.read_text() == text, f"{path.name} was overwritten"
