"""Read-only disks."""

import json
import subprocess

from .cases import case
from .command import HANOK, count, fails, good
from .disks import disk, remount
from .project import copied, expect_clean, expect_whole, merged_catalog, new_project


def disk_read_only(temp):
    base = new_project(temp / "base", whole=True)
    outside = temp / "outside"
    outside.mkdir()
    for title, closed in (("as a command left it", False), ("with nothing but the catalog's own file", True)):
        with disk(temp / f"disk{closed:d}", 64) as folder:
            project = copied(base, folder / "project")
            if closed:
                merged_catalog(project)
            (project / "data/more.csv").write_text("day,place,visits,minutes\n2026-11-05,library,1,2\n")
            remount(folder, "ro")
            with case(f"a read-only project, {title}: reading works"):
                expect_whole(project)
                good(project, "runs")
                good(project, "sql", "select * from hanok.history")
                good(project, "sql", "select * from raw.visits", "-o", outside / "rows.parquet")
            read_only = "HK0005 HK0101 HK0201 HK0709"
            query = "select place, event_timestamp from mart.visits_by_day"
            entities = ("--entities-sql", query, "--service", "how_busy")
            for args in (
                ("load",),
                ("build",),
                ("apply",),
                ("materialize",),
                ("sql", "select 1", "-o", project / "x.csv"),
                ("features", "join", *entities, "-o", outside / "training.parquet"),
            ):
                with case(f"a read-only project, {title}: {' '.join(args[:2])[:14]} says so"):
                    error = fails(project, read_only, args=args)
                    text = f"{error['message']} {error['hint']}".lower()
                    assert "read-only" in text or "readonly" in text, error
            remount(folder, "rw")
            with case(f"a read-only project, {title}: writable again"):
                expect_whole(project)
                assert good(project, "load")["rows_loaded"] == 1
                good(project, "build")
                good(project, "materialize")
                assert count(project, "mart.visits_by_day") == 7
                expect_clean(project)
    with case("a read-only folder for a new project"):
        with disk(temp / "disk2", 4) as folder:
            fresh = new_project(folder / "fresh")
            remount(folder, "ro")
            for args in (("load",), ("sql", "select 1")):
                error = fails(fresh, read_only, fresh, args=args)
            init = subprocess.run([HANOK, "init", str(folder / "other"), "--json"], capture_output=True, text=True)
            assert init.returncode == 1 and json.loads(init.stdout)["error"]["code"] == "HK0005", init
