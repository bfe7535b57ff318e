"""Hanok from outside: its command line on a project, and where the project keeps its tables. For all tests here."""

import json
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

TIMEOUT_S = 120
"""No command of these tests may take longer; most take some 50 ms."""


class Failure(Exception):
    """Hanok broke a promise."""


class Project:
    """A project's folder, and the binary on it."""

    def __init__(self, hanok: Path, path: Path) -> None:
        self.hanok, self.path = hanok.resolve(), path

    def command(self, *args: object) -> list[str]:
        return [str(self.hanok), "--project", str(self.path), *map(str, args)]

    def run(self, *args: object) -> tuple[int, str, str]:
        """The exit code, standard output and standard error."""
        done = subprocess.run(self.command(*args), capture_output=True, text=True, timeout=TIMEOUT_S)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *args: object) -> str:
        """The standard output of a command that must work."""
        code, out, err = self.run(*args)
        if code != 0:
            command = " ".join(map(str, args))
            raise Failure(f"`hanok {command}` in {self.path.name} ended with {code}:\n{out}\n{err}")
        return out

    def answer(self, *args: object) -> dict:
        return json.loads(self.ok(*args, "--json"))

    def rows(self, query: str) -> list[dict]:
        return [json.loads(line) for line in self.ok("sql", query, "--format", "json").splitlines()]


def table_folders(project: Path) -> dict[str, tuple[str, Path]]:
    """Every table and view of `main`: its kind and its folder."""
    catalog = project / ".hanok/catalog.sqlite"
    if not catalog.exists():
        return {}
    with closing(sqlite3.connect(catalog)) as connection:
        try:
            query = "select schema_name, table_name, kind, directory from tables where branch = 'main'"
            rows = connection.execute(query).fetchall()
        except sqlite3.OperationalError:  # Killed before the catalog had its tables.
            rows = []
    lake = lake_folder(project)
    return {f"{schema}.{table}": (kind, lake / (folder or "")) for schema, table, kind, folder in sorted(rows)}


def lake_folder(project: Path) -> Path:
    return project / ".hanok/lake/main"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
