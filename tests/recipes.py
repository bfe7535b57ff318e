"""The documentation's recipe, run as it stands: `python -m tests.recipes PATH_TO_HANOK`.

Write, audit, publish on the flights of 2013: December arrives with a carrier that nobody knows, then as it should be.
"""

import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from .hanok import TIMEOUT_S, Failure, Project

DOCUMENT = Path(__file__).parents[1] / "docs/branches.md"
COUNTS = "select (select count(*) from raw.flights) as raw, (select max(event_timestamp) from mart.carrier_delay) as mart"


def recipe() -> str:
    """The shell lines below the heading."""
    section = DOCUMENT.read_text().split("\n## Write, audit, publish\n")[1].split("\n## ")[0]
    return re.search(r"```sh\n(.*?)```", section, re.DOTALL).group(1)


def split(project: Project) -> tuple[str, str]:
    """Leaves the flights up to November in the project. Returns those of December, and the same with a few bad rows."""
    archive = project.path / "data/flights.csv.zip"
    with zipfile.ZipFile(archive) as files:
        lines = files.read(files.namelist()[0]).decode().splitlines(keepends=True)
    archive.unlink()
    header, rows = lines[0], lines[1:]
    month = header.split(",").index("month")
    december = [line for line in rows if line.split(",")[month] == "12"]
    early = [line for line in rows if line.split(",")[month] != "12"]
    (project.path / "data/flights-1.csv").write_text(header + "".join(early))
    sources = project.path / "sources/nycflights13.yaml"
    sources.write_text(sources.read_text().replace("data/flights.csv.zip", "data/flights-*.csv"))
    carrier = next(csv.reader(io.StringIO(header))).index("carrier")
    bad = []
    for line in december[:5]:
        fields = line.split(",")
        fields[carrier] = "XX"
        bad.append(",".join(fields))
    return header + "".join(december), header + "".join(bad + december[5:])


def run(project: Project, number: int) -> subprocess.CompletedProcess:
    path = f"{project.hanok.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", recipe()],
        cwd=project.path,
        env={**os.environ, "PATH": path, "RUN": str(number)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )


def expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise Failure(f"{what}: {found}, expected {expected}")


def main(hanok: Path) -> None:
    if hanok.name != "hanok":
        raise Failure(f"{hanok} must be called hanok: the recipe calls it by that name")
    with tempfile.TemporaryDirectory() as folder:
        project = Project(hanok, Path(folder) / "flights")
        subprocess.run([hanok.resolve(), "init", project.path, "--template", "flights", "--quiet"], check=True)
        december, bad = split(project)
        project.ok("load")
        project.ok("build")
        before = project.rows(COUNTS)[0]
        late = project.path / "data/flights-12.csv"

        late.write_text(bad)
        failed = run(project, 1)
        expect("exit code of the run with bad rows", failed.returncode, 3)
        if "relationships" not in failed.stdout + failed.stderr:
            raise Failure(f"the failed test is not told:\n{failed.stdout}\n{failed.stderr}")
        expect("main after a run that failed", project.rows(COUNTS)[0], before)
        kept = project.rows("select count(*) as n from raw.flights where carrier = 'XX'")[0]
        expect("bad rows on main", kept, {"n": 0})
        bad_rows = project.ok("sql", "--branch", "ci-1", "select count(*) as n from raw.flights where carrier = 'XX'")
        if "5" not in bad_rows:
            raise Failure(f"the branch keeps what failed, for whoever looks into it:\n{bad_rows}")

        late.write_text(december)
        passed = run(project, 2)
        if passed.returncode != 0:
            raise Failure(f"the run with good rows ended with {passed.returncode}:\n{passed.stdout}\n{passed.stderr}")
        after = project.rows(COUNTS)[0]
        expect("rows on main", after["raw"], before["raw"] + december.count("\n") - 1)
        if not after["mart"] > before["mart"]:
            raise Failure(f"the marts are as old as before: {after}")
        # What was built on the branch is what main would have built.
        marts = "select count(*), sum(flights_7d), round(sum(mean_dep_delay_7d), 4) from mart.carrier_delay"
        merged = project.rows(marts)
        project.ok("build")
        expect("marts built anew on main", project.rows(marts), merged)
        expect("files to load on main", project.answer("load")["rows_loaded"], 0)
        print(f"  write, audit, publish: {before['raw']} rows before, bad rows kept out, {after['raw']} rows after")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
