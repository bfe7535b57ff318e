"""Projects with little in them, and what must be true of them."""

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from ..hanok import table_folders
from .command import HANOK, count, good


def new_project(folder, whole=False):
    """The blank project with its six rows; `whole` has everything done to it once."""
    done = subprocess.run([HANOK, "init", str(folder), "--quiet"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if whole:
        for step in ("load", "build", "apply", "materialize"):
            good(folder, step)
    return folder


def copied(base, folder):
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    return folder


def expect_whole(project, rows=6):
    """The blank project's tables, and what it serves."""
    check_count(project, "raw.visits", rows)
    check_count(project, "mart.visits_by_day", rows)
    served(project)


def check_count(project, table, rows):
    found = count(project, table)
    assert found == rows, f"{table} has {found} rows, not {rows}"


def served(project):
    got = good(project, "features", "get", "--service", "how_busy", "--entity", "place=library")
    assert [result["values"] for result in got["results"]] == [["library"], [52], [1404]], got


def define(project, name, files, options=""):
    (project / "sources" / f"{name}.yaml").write_text(f"sources:\n  - name: {name}\n    files: {files}\n{options}")


def folder_of(project, table):
    return table_folders(project)[table][1]


def expect_clean(project):
    """No file of a command that is over is left half-written."""
    left = [path for path in project.rglob("*") if path.name.endswith(".partial") or "#" in path.name]
    spilled = [path for path in (project / ".hanok/spill").rglob("*") if path.is_file()]
    assert not left and not spilled, f"left over: {left + spilled}"


def expect_none(path):
    assert not path.exists(), f"{path.name} is there"


def merged_catalog(project):
    """The catalog in one file, as after a copy."""
    path = project / ".hanok/catalog.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    for end in ("-wal", "-shm"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    return path
