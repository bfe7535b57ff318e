"""Lakes to branch: made once by `branch_bench`, kept in the cache, copied for what changes them."""

import json
import pathlib
import shutil
import sqlite3
import subprocess
from contextlib import closing

from harness import cache, target_dir

TOOL = target_dir() / "release" / "examples" / "branch_bench"
HANOK = target_dir() / "release" / "hanok"


def tool(*arguments: object) -> dict:
    done = subprocess.run([TOOL, *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def hanok(project: pathlib.Path, *arguments: object) -> list[str]:
    return [str(HANOK), "--quiet", "--project", str(project), *map(str, arguments)]


def lake(tables: int, commits: int, rows: int) -> pathlib.Path:
    """A project with so many tables of so many commits of so many rows each."""
    folder = cache("bench-data/branch") / f"{tables}-{commits}-{rows}"
    if not (folder / "hanok.yaml").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"making {tables} tables of {commits} commits of {rows} rows …", flush=True)
        tool("make", folder, tables, commits, rows)
        (folder / "hanok.yaml").write_text("name: bench\nversion: 1\n")
    return folder


def scratch(name: str) -> pathlib.Path:
    folder = cache("bench-data/branch-scratch") / name
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def copy(project: pathlib.Path, name: str) -> pathlib.Path:
    folder = scratch(name)
    shutil.copytree(project, folder)
    return folder


def table_folder(project: pathlib.Path, table: str = "t0") -> pathlib.Path:
    """The folder of a table of `main`."""
    with closing(sqlite3.connect(project / ".hanok" / "catalog.sqlite")) as catalog:
        query = "select directory from tables where branch = 'main' and table_name = ?"
        (directory,) = catalog.execute(query, (table,)).fetchone()
    return project / ".hanok" / "lake" / "main" / directory
