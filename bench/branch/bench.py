"""Branches: making, reading and merging them, beside a full copy of the lake and a map of its objects."""

import argparse
import pathlib
import shutil
import statistics
import subprocess
import sys
from itertools import count

from harness import Bench, Sample, cache, cargo_build, measure, venv_python, versions
from lakes import copy, hanok, lake, scratch, table_folder, tool

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = venv_python("branch")
SCAN = "select kind, count(*), sum(amount), max(id) from raw.t0 group by kind"
NUMBERS = count()


def peer(name: str, *arguments: object) -> list[str]:
    return [PYTHON, str(HERE / f"peer_{name}.py"), *map(str, arguments)]


def inside(project, repeats: int = 20) -> dict:
    """Milliseconds of a fork and of an opened table without the process around them."""
    forks = tool("fork", project, f"inside{next(NUMBERS)}-", repeats)["seconds"]
    on_main = tool("open", project, "main", "t0", repeats)["seconds"]
    name = f"inside{next(NUMBERS)}-"
    tool("fork", project, name, 1)
    on_branch = tool("open", project, f"{name}0", "t0", repeats)["seconds"]
    figures = {"fork_ms": forks, "open_on_main_ms": on_main, "open_on_branch_ms": on_branch}
    return {"inside": {what: round(1000 * statistics.median(seconds), 2) for what, seconds in figures.items()}}


def create(bench: Bench, case: str, size: tuple[int, int, int], live: int = 0) -> None:
    """`hanok branch create`, `cp -r`, and a map's rows."""
    if not bench.wanted(case):
        return
    project = copy(lake(*size), "create")
    if live:
        tool("fork", project, "live", live)
    objects = scratch("objects.sqlite")
    objects.unlink(missing_ok=True)
    subprocess.run(peer("map", "make", project / ".hanok" / "lake", objects), check=True)

    def ours() -> Sample:
        return measure(hanok(project, "branch", "create", f"b{next(NUMBERS)}"))

    def full_copy() -> Sample:
        target = scratch("full-copy")
        sample = measure(["cp", "-r", str(project / ".hanok"), str(target)])
        shutil.rmtree(target)
        return sample

    def object_map() -> Sample:
        return measure(peer("map", "branch", objects, f"b{next(NUMBERS)}"))

    peers = {"full_copy": full_copy, "object_map": object_map}
    bench.case(case, ours, peers, units=1, extra=inside(project))
    shutil.rmtree(project)
    objects.unlink()


def read(bench: Bench, case: str) -> None:
    """The same query on a branch, on main and on a full copy."""
    if not bench.wanted(case):
        return
    project = copy(lake(1, 10, 1_000_000), "read")
    duplicate = copy(project, "read-copy")
    subprocess.run(hanok(project, "branch", "create", "dev"), check=True)
    commands = {
        "ours": hanok(project, "sql", "--branch", "dev", SCAN, "--format", "csv"),
        "main": hanok(project, "sql", SCAN, "--format", "csv"),
        "full_copy": hanok(duplicate, "sql", SCAN, "--format", "csv"),
    }
    answers = {
        who: sorted(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
        for who, command in commands.items()
    }
    if len(set(map(tuple, answers.values()))) != 1:
        sys.exit(f"the answers differ: {answers}")
    bench.case(case, commands.pop("ours"), commands, units=10_000_000)
    shutil.rmtree(project)
    shutil.rmtree(duplicate)


def merge(bench: Bench, case: str, files: int) -> None:
    """A branch that appended many files, into its parent; the peer reads a copied table's new rows and appends them."""
    if not bench.wanted(case):
        return
    source = copy(lake(1, 10, 100), "merge-source")
    subprocess.run(hanok(source, "branch", "create", "dev"), check=True)
    tool("append", source, "dev", "t0", files)
    plain, changed = copy(lake(1, 10, 100), "merge-plain"), copy(lake(1, 10, 100), "merge-changed")
    tool("append", changed, "main", "t0", files)

    def rows(project) -> str:
        command = hanok(project, "sql", "select count(*), sum(id) from raw.t0", "--format", "csv")
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    answers = set()

    def ours() -> Sample:
        project = copy(source, "merge")
        sample = measure(hanok(project, "branch", "merge", "dev"))
        answers.add(rows(project))
        return sample

    def copy_rows() -> Sample:
        project = copy(plain, "merge-peer")
        sample = measure(peer("append", table_folder(changed), table_folder(project), 9))
        answers.add(rows(project))
        return sample

    bench.case(case, ours, {"copy_rows": copy_rows}, units=files)
    if len(answers) != 1:
        sys.exit(f"the tables differ after the merge: {answers}")
    for folder in (source, plain, changed):
        shutil.rmtree(folder)


def staging(bench: Bench, case: str) -> None:
    """A masked sample of 10M sales with three dimensions; the peer hashes by hand-written SQL."""
    if not bench.wanted(case):
        return
    data = cache("bench-data/branch/shop")
    subprocess.run([PYTHON, HERE / "data_staging.py", data], check=True)
    project = data / "project"
    if not (project / "hanok.yaml").exists():
        (project / "sources").mkdir(parents=True, exist_ok=True)
        names = ("customers", "products", "stores", "sales")
        lines = [f"  - {{ name: {name}, files: ['{data}/{name}.parquet'] }}" for name in names]
        (project / "sources" / "shop.yaml").write_text("\n".join(["sources:", *lines, ""]))
        (project / "hanok.yaml").write_text("name: bench\nversion: 1\n")
        subprocess.run(hanok(project, "load"), check=True)
    branch = (f"staging{at}" for at in NUMBERS)
    kept = set()

    def ours() -> Sample:
        name = next(branch)
        sample = measure(hanok(project, "staging", "create", name, "--plan", HERE / "staging.yaml"))
        count = hanok(project, "sql", "--branch", name, "select count(*) from raw.sales", "--format", "csv")
        kept.add(subprocess.run(count, capture_output=True, text=True, check=True).stdout.split()[-1])
        subprocess.run(hanok(project, "branch", "drop", name), check=True)
        return sample

    def duckdb() -> Sample:
        out = scratch("staging-duckdb")
        sample = measure(peer("staging", data, out))
        shutil.rmtree(out)
        return sample

    bench.case(case, ours, {"duckdb": duckdb}, units=10_000_000)
    print(f"  rows of the fact that were kept: {', '.join(sorted(kept))}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run branch")
    parser.add_argument("--no-build", action="store_true", help="take the binaries that are there")
    bench = Bench("branch", parser)
    bench.versions = versions("branch")
    if not bench.options.no_build:
        cargo_build("-p", "hanok")
        cargo_build("-p", "hanok-lake", "--example", "branch_bench")
    for tables in (1, 100, 1000):
        create(bench, f"create: {tables} tables", (tables, 2, 100))
    for commits in (10, 1000, 10_000):
        create(bench, f"create: 1 table of {commits} commits", (1, commits, 10))
    for live in (1, 100, 1000):
        create(bench, f"create: 100 tables, {live} live branches", (100, 2, 100), live)
    read(bench, "read: 10M rows")
    merge(bench, "merge: 1000 files", 1000)
    staging(bench, "staging: 10M rows, 5 %")
    bench.finish()


main()
