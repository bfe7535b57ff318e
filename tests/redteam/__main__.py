"""Makes the branch and searches it."""

import csv
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from ..hanok import Failure, Project
from .hunt import Hunt

SCHOOL = Path(__file__).parents[2] / "examples/school"
BRANCH = "dev"
KEY = "5eed" * 16
"""Fixed, so that no encrypted number is another student's by chance."""

PERSONAL = {
    "students": ["student_id", "name", "phone", "email", "address"],
    "guardians": ["name", "phone", "email", "address"],
}


def originals() -> dict[str, set[str]]:
    """Every personal text of the school, by table."""
    values = {}
    for table, columns in PERSONAL.items():
        with open(SCHOOL / f"data/{table}.csv", encoding="utf-8", newline="") as file:
            values[table] = {row[column] for row in csv.DictReader(file) for column in columns}
    return values


def branch_id(project: Project, name: str) -> str:
    with closing(sqlite3.connect(project.path / ".hanok/catalog.sqlite")) as connection:
        return connection.execute("select id from branches where name = ?", [name]).fetchone()[0]


def can_find(project: Project, values: dict[str, set[str]]) -> None:
    """The parent's files hold every value, and the search finds each of them in each way that it looks."""
    everything = set().union(*values.values())
    hunt = Hunt(everything)
    hunt.folder(project.path / ".hanok/lake/main")
    found = set().union(*hunt.found.values())
    if found != everything:
        raise Failure(f"the search misses {len(everything - found)} of {len(everything)} values on the parent")
    for way in ("(page)", "(values)", "(statistics)", "(log)"):
        if not any(where.endswith(way) for where in hunt.found):
            raise Failure(f"the search of {way} finds nothing on the parent")
    print(f"the search works: all {len(everything):,} values found on the parent, in {len(hunt.found)} places")


def make(project: Project, hunt: Hunt) -> None:
    """Makes the branch as talkatively as can be, uses it, and fails on purpose; nothing said may be personal."""
    plan = ["--plan", project.path / "staging.yaml"]
    keyed = [*plan, "--key-file", project.path / "key"]
    wrong = project.path / "wrong.yaml"
    wrong.write_text("tables: {raw.students: {key: student_id, columns: {name: fpe(alphabet=digits)}}}\n")
    unfit = project.path / "unfit.yaml"
    text = (SCHOOL / "staging.yaml").read_text().replace("name: fake(kind=name)", "name: fpe(alphabet=digits)", 1)
    unfit.write_text(text)
    for command in [
        ["staging", "create", BRANCH, *keyed, "--preview", "-vv"],
        ["staging", "create", BRANCH, *keyed, "-vv"],
        ["build", "--branch", BRANCH, "-vv"],
        ["optimize", "--branch", BRANCH, "-vv"],
        ["staging", "show", BRANCH, "--json"],
        ["branch", "show", BRANCH, "--json"],
        ["runs"],
    ]:
        code, out, err = project.run(*command)
        if code != 0:
            raise Failure(f"{command} ended with {code}:\n{out}\n{err}")
        hunt.text(f"output of {' '.join(map(str, command[:2]))}", out + err)
    for plan in (wrong, unfit):
        code, out, err = project.run("staging", "create", "refused", "--plan", plan, "-vv")
        if code != 1 or "HK12" not in err + out and "HK13" not in err + out:
            raise Failure(f"{plan.name} was to be refused with a code, and ended with {code}:\n{out}\n{err}")
        hunt.text(f"refusal of {plan.name}", out + err)


def queries(project: Project, hunt: Hunt) -> None:
    """All that SQL on the branch shows, its past too."""

    def show(query: str, must_work: bool = True) -> None:
        code, out, err = project.run("sql", query, "--branch", BRANCH, "--format", "csv")
        if must_work and code != 0:
            raise Failure(f"{query} on the branch: {err}")
        hunt.text(f"answer of {query}", out + err)

    tables = ["raw.students", "raw.guardians", "raw.meals", "raw.loans", "raw.classes", "mart.meals_by_class", "mart.overdue"]
    for table in tables:
        show(f"select * from {table}")
    for table in ("raw.students", "raw.guardians"):
        show(f"select * from {table} for version as of 0")
        show(f"select * from {table} for timestamp as of '2000-01-01T00:00:00Z'", must_work=False)
    for table in ("raw.students__rejects", "raw.loans__rejects"):
        show(f"select * from {table}", must_work=False)
    for table in ("branches", "history", "loads", "runs"):
        show(f"select * from hanok.{table}")


def numbers(project: Project, identity: str) -> None:
    """Numbers and dates, which are no distinctive texts: no guardian's number, no day of birth."""
    with open(SCHOOL / "data/guardians.csv", encoding="utf-8") as file:
        guardians = {int(row["guardian_id"]) for row in csv.DictReader(file)}
    checked = 0
    for path in (project.path / ".hanok/lake" / identity).rglob("part-*.parquet"):
        table = pq.read_table(path)
        for column in set(table.column_names) & {"guardian_id", "born"}:
            for value in filter(None, table[column].to_pylist()):
                checked += 1
                if value in guardians or getattr(value, "month", 1) != 1 or getattr(value, "day", 1) != 1:
                    raise Failure(f"{path} has an original {column}")
    if checked == 0:
        raise Failure("no numbers were checked")


def killed(project: Project, hunt: Hunt) -> int:
    """What creations leave that are killed: folders of no branch. Their files, too."""
    plan = project.path / "staging.yaml"
    for delay_s in (0.03, 0.06, 0.09, 0.12, 0.16, 0.2):
        process = subprocess.Popen(
            project.command("staging", "create", "killed", "--plan", plan),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(delay_s)
        process.kill()
        process.wait()
        project.run("branch", "drop", "killed")
    folders = [path for path in (project.path / ".hanok/lake").iterdir() if path.name != "main" and path.is_dir()]
    return sum(hunt.folder(folder) for folder in folders)


def rest(project: Project, hunt: Hunt) -> None:
    """What belongs to the project and not to the parent's tables: catalog, spilled rows, online stores, locks, keys."""
    for path in sorted((project.path / ".hanok").rglob("*")):
        is_table = path.is_relative_to(project.path / ".hanok/lake")
        if path.is_file() and not is_table:
            hunt.file(path)


def main() -> None:
    hanok = Path(sys.argv[1])
    values = originals()
    with tempfile.TemporaryDirectory(prefix="hanok-redteam-") as temp:
        project = Project(hanok, Path(temp) / "school")
        shutil.copytree(SCHOOL, project.path)
        (project.path / "key").write_text(KEY)
        project.ok("load")
        project.ok("build")
        can_find(project, values)
        hunt = Hunt(set().union(*values.values()))
        make(project, hunt)
        queries(project, hunt)
        identity = branch_id(project, BRANCH)
        files = hunt.folder(project.path / ".hanok/lake" / identity)
        files += hunt.folder(project.path / ".hanok/online-branches" / identity)
        numbers(project, identity)
        files += killed(project, hunt)
        rest(project, hunt)
        if files < 10:
            raise Failure(f"only {files} files were searched")
        if hunt.found:
            places = "\n".join(f"  {where}: {len(hits)} values" for where, hits in sorted(hunt.found.items()))
            raise Failure(f"original personal values are on the staging branch:\n{places}")
        print(f"no original personal value in {files} files of the branch and of killed ones, in the catalog, in answers or in logs")
        print(f"({hunt.searched_bytes:,} bytes searched)")
        planted(project, identity, values)


def planted(project: Project, identity: str, values: dict[str, set[str]]) -> None:
    """A file of the parent's on the branch is found."""
    source = max((project.path / ".hanok/lake/main").rglob("part-*.parquet"), key=lambda path: b"010-0000" in path.read_bytes())
    target = project.path / ".hanok/lake" / identity / source.name
    shutil.copy(source, target)
    hunt = Hunt(set().union(*values.values()))
    hunt.folder(target.parent)
    if not hunt.found:
        raise Failure("a planted file is not found")
    print("a planted file of the parent is found")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(str(failure))
