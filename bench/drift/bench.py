"""`hanok drift` and `hanok profile` beside Evidently, NannyML, scipy and alibi-detect: Parquet in, a report out.

All are measured as whole processes: start, reading, computing, writing. `ratio` compares CPU seconds; where a peer is given fewer columns than
ours, a column. Before timing, the statistics that a peer has in common with ours are compared with ours.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

from harness import Bench, Command, Sample, cache, cargo_build, measure, target_dir, venv_python, versions

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = cache("bench-data/drift")
# What a run of a peer may take.
TIMEOUT_S = 900
# Environments of their own.
APART = {"alibi": "drift-alibi"}
# The largest relative difference: sums in another order.
DIFFERENCE = 1e-6


def binary():
    return str(target_dir() / "release" / "hanok")


def data(rows, columns):
    """The two files, made once."""
    subprocess.run([venv_python("drift"), HERE / "data.py", FOLDER, str(rows), str(columns)], check=True)
    return [str(FOLDER / f"{rows}x{columns}.{side}.parquet") for side in ("reference", "current")]


def drift(sides, *more):
    """The command, without a project around it."""
    return [binary(), "drift", "--reference", sides[0], "--current", sides[1], *more]


def peer(name, sides, rows, columns=None, of=None):
    """A peer as a contestant: all columns, or the first `columns` of `of`."""
    out = str(FOLDER / f"out-{name}.json")
    python = venv_python(APART.get(name, "drift"))
    command = [python, str(HERE / "peer.py"), name, *sides, out, *([str(columns)] if columns else [])]

    def run():
        sample = measure(Command(command, timeout_s=TIMEOUT_S))
        part = columns / of if columns else 1
        return Sample(sample.cpu_s, sample.wall_s, sample.rss_mb, units=rows * part)

    run.out = out
    return run


def ours_json(sides, *more):
    done = subprocess.run(drift(sides, *more, "--json"), capture_output=True, check=True)
    return json.loads(done.stdout)


def near(mine, theirs, place, tolerance=DIFFERENCE):
    if not math.isclose(mine, theirs, rel_tol=tolerance, abs_tol=1e-9):
        sys.exit(f"{place}: {mine} is not {theirs}")


def check(sides):
    """Ours against the peers' own results, on these files."""
    scipy, evidently, nannyml = (peer(name, sides, 1) for name in ("scipy", "evidently_same", "nannyml"))
    for contestant in (scipy, evidently, nannyml):
        contestant()
    report = ours_json(sides)["report"]
    statistics = {}
    for column in report["columns"]:
        aspect = next(aspect for aspect in column["aspects"] if aspect["what"] == "values")
        statistics[column["name"]] = {found["measure"]: found["value"] for found in aspect["statistics"]}
    for name, values in json.loads(pathlib.Path(scipy.out).read_text()).items():
        for measured, value in values.items():
            # Ours pools categories that are too rare for χ².
            if measured != "chi_squared" or len(values) > 1:
                near(statistics[name][measured], value, f"scipy {name} {measured}")
    chosen = {column["name"]: column for column in ours_json(sides, "--method", "evidently")["columns"]}
    for name, values in json.loads(pathlib.Path(evidently.out).read_text()).items():
        mine = chosen[name]
        if mine["test"] in values:
            near(mine["value"], values[mine["test"]], f"evidently {name}")
    chunks = {column["name"]: column for column in ours_json(sides, "--method", "nannyml")["columns"]}
    for name, values in json.loads(pathlib.Path(nannyml.out).read_text()).items():
        near(chunks[name]["threshold"], values["threshold"], f"nannyml {name}")
        for mine, theirs in zip(chunks[name]["chunks"], values["chunks"], strict=True):
            near(mine, theirs, f"nannyml {name}")
    print(f"{len(statistics)} columns agree with scipy, evidently and nannyml", file=sys.stderr)


def exact(bench, rows, peers, slow):
    name = f"{size(rows)} x 30"
    if not bench.wanted(name):
        return
    sides = data(rows, 30)
    page = str(FOLDER / "ours.html")
    contestants = {who: peer(who, sides, rows) for who in peers}
    bench.case(name, drift(sides, "-o", page, "--quiet"), contestants, units=rows, slow=slow)
    bench.case(
        f"{name}, one thread", drift(sides, "-o", page, "--quiet", "--threads", "1"), {}, units=rows
    )


def sketched(bench, rows, left_out):
    """Both sides into profiles, and these compared; also by partitions that are added up."""
    name = f"{size(rows)} x 30 by profiles"
    if not bench.wanted(name):
        return
    sides = data(rows, 30)
    profiles = [str(FOLDER / f"{side}.profile.json") for side in ("reference", "current")]
    steps = [f"'{binary()}' profile '{side}' -o '{profile}' --quiet" for side, profile in zip(sides, profiles)]
    steps.append(f"'{binary()}' drift --reference '{profiles[0]}' --current '{profiles[1]}' -o '{FOLDER}/ours.html' --quiet")
    contestants = {who: peer(who, sides, rows, 6, 30) for who in ("scipy", "nannyml")}
    bench.case(name, ["sh", "-ec", " && ".join(steps)], contestants, units=rows, slow=1, extra={"left_out": left_out})


def wide(bench, rows, columns):
    name = f"{size(rows)} x {columns:,}"
    if not bench.wanted(name):
        return
    sides = data(rows, columns)
    given = {"scipy": 15, "nannyml": 15, "evidently": 3}
    contestants = {who: peer(who, sides, rows, count, columns) for who, count in given.items()}
    bench.case(name, drift(sides, "--quiet"), contestants, units=rows, slow=1)


def joint(bench, rows):
    name = f"{size(rows)} x 30 together"
    if not bench.wanted(name):
        return
    sides = data(rows, 30)
    bench.case(name, drift(sides, "--together", "--quiet"), {"alibi": peer("alibi", sides, rows)}, units=rows, slow=3)


def size(rows):
    return f"{rows // 1_000_000}M" if rows >= 1_000_000 else f"{rows // 1000}k"


def main():
    parser = argparse.ArgumentParser(prog="bench/run drift")
    parser.add_argument("--no-build", action="store_true", help="take the binary that is there")
    parser.add_argument("--small", action="store_true", help="a hundredth of the rows: to see that all runs; writes no results")
    bench = Bench("drift", parser)
    bench.versions = versions("drift") | {
        key: value for key, value in versions("drift-alibi").items() if key in ("alibi-detect", "tensorflow-cpu")
    }
    if not bench.options.no_build:
        cargo_build("-p", "hanok")
    part = 100 if bench.options.small else 1
    check(data(20_000, 30))
    exact(bench, 100_000 // part, ["evidently", "evidently_same", "nannyml", "scipy"], slow=5)
    exact(bench, 1_000_000 // part, ["evidently", "evidently_same", "nannyml", "scipy"], slow=1)
    sketched(bench, 10_000_000 // part, {"evidently": "it did not finish a tenth of the rows in 99 CPU seconds"})
    wide(bench, 1_000_000 // part, 1000)
    joint(bench, 2_000)
    if not bench.options.small:
        bench.finish()


main()
