"""A catalog, a lake and an online store that something else damaged."""

import os
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from .cases import case
from .command import check_error, count, fails, good, known_codes, run
from .damage import cut, garbage
from .project import copied, expect_none, expect_whole, folder_of, merged_catalog, new_project, served

READING = ("sql", "select count(*) from raw.visits")
LOG = "_delta_log/{:020}.json"
half = partial(cut, keep=0.5)


def broken_state(temp):
    base = new_project(temp / "base", whole=True)
    merged_catalog(base)
    project = temp / "project"
    broken_catalog(base, project)
    # A second load, so that there are two versions and two files.
    (base / "data/more.csv").write_text("day,place,visits,minutes\n2026-11-05,library,52,1404\n")
    good(base, "load")
    merged_catalog(base)
    table = folder_of(base, "raw.visits").relative_to(base)
    read_table(base, project, table)
    written_table(base, project, table)
    feature_source(base, project)
    online_store(base, project)
    with case("a hanok.yaml that is no YAML"):
        copied(base, project)
        (project / "hanok.yaml").write_text("name: [\nversion: 1\n")
        fails(project, "HK0002", "hanok.yaml:", args=("load",))
    with case("the lake's folder is a file"):
        copied(base, project)
        shutil.rmtree(project / ".hanok/lake")
        (project / ".hanok/lake").write_text("x")
        fails(project, "HK0201", "lake", args=("load",))


def broken_catalog(base, project):
    every = (("load",), ("build",), ("apply",), ("materialize",), READING, ("runs",))
    for title, damage in (
        ("cut to a half", half),
        ("cut to 100 bytes", lambda path: os.truncate(path, 100)),
        ("all garbage", garbage),
        ("garbage after its first page", lambda path: garbage(path, 4096)),
        ("garbage in its schema", lambda path: garbage(path, 100, 3000)),
    ):
        with case(f"the catalog is {title}") as notes:
            copied(base, project)
            catalog = project / ".hanok/catalog.sqlite"
            damage(catalog)
            for args in every:
                done = run(project, *args)
                if done.status != 0:
                    error = check_error(done, "HK0101 HK0104", "catalog")
                    notes.append(f"{args[0]} {error['code']}")
                else:
                    notes.append(f"{args[0]} ok")
            assert sum(" HK" in note for note in notes) >= 3, notes
            fails(project, "HK0101 HK0104", "catalog.sqlite", args=("load",))
            shutil.copy(base / ".hanok/catalog.sqlite", catalog)
            for end in ("-wal", "-shm"):
                Path(f"{catalog}{end}").unlink(missing_ok=True)
            expect_whole(project)
    with case("the catalog is of a newer Hanok"):
        copied(base, project)
        with closing(sqlite3.connect(project / ".hanok/catalog.sqlite")) as connection:
            known = connection.execute("pragma user_version").fetchone()[0]
            connection.execute(f"pragma user_version = {known + 1}")
        for args in every:
            fails(project, "HK0102", "catalog.sqlite", str(known + 1), args=args, people=args == READING)
        with closing(sqlite3.connect(project / ".hanok/catalog.sqlite")) as connection:
            assert connection.execute("pragma user_version").fetchone()[0] == known + 1, "it was changed"
            connection.execute(f"pragma user_version = {known}")
        expect_whole(project)
    with case("the catalog is a folder"):
        copied(base, project)
        catalog = project / ".hanok/catalog.sqlite"
        catalog.unlink()
        catalog.mkdir()
        fails(project, "HK0101", "catalog.sqlite", args=("load",))


def read_table(base, project, table):
    """A table that a query and a model read."""
    newest_part = max((base / table).glob("*.parquet"), key=lambda path: path.stat().st_mtime_ns).name
    for title, name, damage, codes, names in (
        ("the log's first entry is gone", LOG.format(0), Path.unlink, "HK0204", ("raw.visits", table.name)),
        ("the log's last entry is cut", LOG.format(1), half, "HK0204", ("raw.visits", table.name)),
        ("the log's last entry is garbage", LOG.format(1), garbage, "HK0204", ("raw.visits", table.name)),
        ("a data file is gone", newest_part, Path.unlink, "HK0204", (newest_part,)),
        ("a data file is cut", newest_part, half, "HK0204", (newest_part,)),
        ("a data file is garbage", newest_part, garbage, "HK0204", (newest_part,)),
        ("a data file is empty", newest_part, lambda path: cut(path, 0), "HK0204", (newest_part,)),
        # Which file, the engine does not say here.
        ("a data file has garbage pages", newest_part, lambda path: garbage(path, 4, 400), "HK0204", ("raw.visits",)),
    ):
        with case(title) as notes:
            copied(base, project)
            path = project / table / name
            whole = path.read_bytes()
            damage(path)
            every = "select sum(visits), max(place), max(minutes) from raw.visits"
            error = fails(project, codes, *names, args=("sql", every))
            notes.append(f"sql {error['code']}")
            built = run(project, "build", "visits_by_day")
            assert built.status == 3, built
            text = built.json["models"][0]["message"]
            assert any(f"[{code}]" in text for code in known_codes()) and names[0] in text, text
            notes.append(f"build {text[-7:-1]}")
            # The mart stays as it was, and features come out of it.
            assert count(project, "mart.visits_by_day") == 6
            path.write_bytes(whole)
            good(project, "build", "visits_by_day")
            assert count(project, "mart.visits_by_day") == 7


def written_table(base, project, table):
    """A table that a load writes to, and one that is not there."""
    for title, name, damage in (
        ("the log's first entry is gone", LOG.format(0), Path.unlink),
        ("the log's last entry is garbage", LOG.format(1), garbage),
    ):
        with case(f"load: {title}"):
            copied(base, project)
            (project / "data/third.csv").write_text("day,place,visits,minutes\n2026-11-06,library,52,1404\n")
            path = project / table / name
            whole = path.read_bytes()
            damage(path)
            before = sorted(path.name for path in (project / table / "_delta_log").iterdir())
            fails(project, "HK0204", "raw.visits", table.name, args=("load",))
            assert sorted(path.name for path in (project / table / "_delta_log").iterdir()) == before
            path.write_bytes(whole)
            assert good(project, "load")["rows_loaded"] == 1
            assert count(project, "raw.visits") == 8
    with case("the log's last entry is empty, as a power cut leaves it: that load has not happened"):
        copied(base, project)
        cut(project / table / LOG.format(1), 0)
        assert count(project, "raw.visits") == 6
        assert good(project, "load")["rows_loaded"] == 1
        assert count(project, "raw.visits") == 7
    with case("a whole table's folder is gone"):
        copied(base, project)
        shutil.rmtree(project / table)
        fails(project, "HK0103 HK0204 HK0401", "visits", args=READING)


def feature_source(base, project):
    with case("a feature source's data file is gone: join and materialize") as notes:
        copied(base, project)
        mart = folder_of(project, "mart.visits_by_day")
        part = next(mart.glob("*.parquet"))
        whole = part.read_bytes()
        part.unlink()
        shutil.rmtree(project / ".hanok/online")
        query = "select 'library' as place, timestamp '2026-11-04' as event_timestamp"
        joining = ("features", "join", "--entities-sql", query, "--service", "how_busy", "-o", project / "t.csv")
        for args in (joining, ("materialize",)):
            error = fails(project, "HK0204 HK0402 HK0201 HK1004 HK0606 HK0607", part.name, args=args)
            notes.append(f"{args[0]} {error['code']}")
        expect_none(project / "t.csv")
        part.write_bytes(whole)
        good(project, *joining)
        good(project, "materialize")
        served(project)


def online_store(base, project):
    for title, damage in (
        ("cut to a half", half),
        ("cut to one page", lambda path: os.truncate(path, 4096)),
        ("empty", lambda path: cut(path, 0)),
        ("all garbage", garbage),
        ("garbage after its first pages", lambda path: garbage(path, 2 * 4096)),
        ("a few bytes", lambda path: path.write_bytes(b"not LMDB")),
    ):
        with case(f"the online store is {title}") as notes:
            copied(base, project)
            store = project / ".hanok/online/data.mdb"
            damage(store)
            reads = ("features", "get", "--service", "how_busy", "--entity", "place=library")
            for args in (reads, ("materialize",)):
                done = run(project, *args)
                if done.status != 0:
                    notes.append(f"{args[0]} {check_error(done, 'HK0701 HK0703 HK0704 HK0705', 'online')['code']}")
                else:
                    notes.append(f"{args[0]} ok")
            if not any(" HK" in note for note in notes):
                served(project)
            # What the page of HK0704 says.
            shutil.rmtree(project / ".hanok/online")
            good(project, "apply")
            good(project, "materialize")
            served(project)
    with case("a server on a damaged online store does not start"):
        copied(base, project)
        garbage(project / ".hanok/online/data.mdb")
        fails(project, "HK0704 HK0703", "online", args=("serve", "--http", "127.0.0.1:0"))
