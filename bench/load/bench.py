"""Loading a CSV file into a Delta table, types inferred over the whole file."""

import argparse
import pathlib
import shutil
import subprocess
import sys

from harness import Bench, Command, cache, cargo_build, target_dir, venv_python, versions

HERE = pathlib.Path(__file__).resolve().parent
ROWS = 2_000_000
CASE = "csv 2M x 8"


def ours(csv: pathlib.Path, out: pathlib.Path) -> list[str]:
    """The command of ours; the only place that knows how it is called."""
    project = out.parent / "project"
    (project / "sources").mkdir(parents=True, exist_ok=True)
    (project / "hanok.yaml").write_text(f"name: bench\nversion: 1\nlake: {out}\n")
    (project / "sources" / "events.yaml").write_text(
        f"sources:\n  - {{ name: events, files: ['{csv}'], format: csv }}\n"
    )
    return [str(target_dir() / "release" / "hanok"), "--quiet", "--project", str(project), "load"]


def fresh(out: pathlib.Path, command: list[str]) -> Command:
    """The command in a shell that first removes what an earlier run left; the shell's own time is noise."""
    script = 'rm -rf "$0" "$(dirname "$0")/project/.hanok"; exec "$@"'
    return Command(["sh", "-c", script, str(out), *(str(part) for part in command)])


def answer(kind: str, out: pathlib.Path) -> str:
    done = subprocess.run([venv_python("load"), HERE / "same.py", kind, out], capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run load")
    parser.add_argument("--no-build", action="store_true", help="take the binary that is there")
    bench = Bench("load", parser)
    bench.versions = versions("load", "load-dlt")
    if not bench.options.no_build:
        cargo_build("-p", "hanok")
    python = venv_python("load")
    folder = cache("bench-data/load")
    csv = folder / f"{ROWS}.csv"
    if subprocess.run([python, HERE / "data.py", csv, str(ROWS)], check=False).returncode:
        sys.exit("the data could not be generated")
    outs = {
        "ours": ("delta", folder / "out-ours"),
        "duckdb_copy": ("parquet", folder / "out-duckdb.parquet"),
        "polars": ("delta", folder / "out-polars"),
        "dlt": ("delta", folder / "out-dlt"),
    }
    commands = {
        "ours": fresh(outs["ours"][1], ours(csv, outs["ours"][1])),
        "duckdb_copy": fresh(outs["duckdb_copy"][1], [python, HERE / "peer_duckdb.py", csv, outs["duckdb_copy"][1]]),
        "polars": fresh(outs["polars"][1], [python, HERE / "peer_polars.py", csv, outs["polars"][1]]),
        "dlt": fresh(outs["dlt"][1], [venv_python("load-dlt"), HERE / "peer_dlt.py", csv, outs["dlt"][1]]),
    }
    # The answers must agree before anything is timed.
    answers = {}
    for who, command in commands.items():
        if who != "ours" and bench.options.peer and who not in bench.options.peer:
            continue
        done = subprocess.run(command.arguments, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{who} failed: {done.stderr[-2000:]}", file=sys.stderr)
            if who == "ours":
                sys.exit(1)
            continue
        answers[who] = answer(*outs[who])
        if answers[who] != answers.get("ours"):
            print(f"{who} answers differently:\n  ours: {answers.get('ours')}\n  {who}: {answers[who]}")
            if who == "duckdb_copy":
                sys.exit("ours and duckdb_copy do not agree")
    bench.case(CASE, commands.pop("ours"), commands, units=ROWS)
    for _, out in outs.values():
        shutil.rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)
    bench.finish()


main()
