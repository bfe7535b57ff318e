"""Explanations that are killed: a file or a table is whole, as before or as after."""

import csv
import random
import time
from pathlib import Path

from ..hanok import Failure
from .kills import Killer
from .measure import usual
from .suite import Suite

MODEL = Path(__file__).parents[2] / "crates/hanok-models/tests/fixtures/xgboost-binary.json"
FEATURES = 5
ROWS = (40_000, 30_000)
"""Of two data sets, which are explained in turns."""
TABLE = "explain.killed"


def explain(suite: Suite) -> None:
    """Kills `explain -o` and `explain --table` in place of an earlier explanation of other rows."""
    started, killer, project = time.perf_counter(), Killer(suite.crash, suite.rng("explain")), suite.crash
    project.restore(suite.stage("load"))
    folder = suite.folder / "explain"
    folder.mkdir()
    sets = [folder / f"rows-{rows}.csv" for rows in ROWS]
    for path, rows in zip(sets, ROWS):
        write(path, rows, suite.rng(path.name))
    out = project.path / "explained.parquet"
    to_file = [("explain", MODEL, "--data", path, "-o", out) for path in sets]
    to_table = [("explain", MODEL, "--data", path, "--table", TABLE) for path in sets]
    files, tables, usuals = [], [], {}
    for kind, commands in (("file", to_file), ("table", to_table)):
        runs = [project.measured(*map(str, command)) for command in commands * 2]
        usuals[kind] = usual(runs)
    for to_one, to_other in zip(to_file, to_table):
        project.ok(*to_one)
        project.ok(*to_other)
        files.append(out.read_bytes())
        tables.append(seen(project))
    if files[0] == files[1] or tables[0] == tables[1]:
        raise Failure("the test's own data is not as meant: both explanations are the same")
    before = {"file": 1, "table": 1}
    for number in range(suite.rounds("explain")):
        kind = ("file", "table")[number % 2]
        after = 1 - before[kind]
        command = tuple(map(str, (to_file if kind == "file" else to_table)[after]))
        killer.kill(command, usuals[kind])
        wanted, found = (files, out.read_bytes()) if kind == "file" else (tables, seen(project))
        if found not in wanted:
            raise Failure(f"the {kind} is half-written after a kill")
        killer.tally.seen["after" if found == wanted[after] else "before"] += 1
        project.ok(*command)
        if (out.read_bytes() if kind == "file" else seen(project)) != wanted[after]:
            raise Failure(f"the {kind} is another one when it is written again after a kill")
        before[kind] = after
    for left in project.path.glob("explained.parquet.*.partial"):
        left.unlink()
    project.restore(suite.stage("load"))
    out.unlink()
    suite.end("explain", killer, started)


def write(path: Path, rows: int, rng: random.Random) -> None:
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", *(f"feature_{at}" for at in range(FEATURES))])
        lines.writerows([at, *(round(rng.uniform(-3, 3), 4) for _ in range(FEATURES))] for at in range(rows))


def seen(project) -> tuple[str, str]:
    """The table's rows as sums, and what a chart makes of them, which needs its property to fit its rows."""
    columns = ", ".join(f"sum(feature_{at}), sum(value_feature_{at})" for at in range(FEATURES))
    sums = project.ok("sql", f"select count(*), sum(id), {columns} from {TABLE}", "--format", "csv")
    numbers = project.path / "importance.csv"
    project.ok("plot", "bar", TABLE, "-o", numbers)
    return sums, numbers.read_text()
