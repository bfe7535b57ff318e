"""Explaining and predicting tree ensembles, on the libraries' own models; 10,000 rows of 50 features unless a case says otherwise.

Ours is measured as a whole process: reading the model, preparing it, computing, writing. Of the peers only the computing counts, and the
slow ones compute fewer rows: `ratio` compares CPU seconds a row.
"""

import argparse
import json
import pathlib
import resource
import struct
import subprocess
import sys

from harness import Bench, Failed, Sample, cache, cargo_build, measure, target_dir, venv_python, versions

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = cache("bench-data/explain")
ROWS = 10_000

# case: (model, method, rows of ours, {peer: rows of the peer}, background rows)
CASES = {
    "depth8": ("depth8.ubj", "path", ROWS, {"xgboost": 1000, "shap_c": 100}, 0),
    "depth12": ("depth12.ubj", "path", ROWS, {"xgboost": 1000, "shap_c": 100}, 0),
    "classes10": ("classes10.ubj", "path", ROWS, {"xgboost": 1000}, 0),
    "features500": ("features500.ubj", "path", ROWS, {"xgboost": 1000}, 0),
    "lightgbm": ("lightgbm.txt", "path", ROWS, {"lightgbm": 100}, 0),
    "catboost": ("catboost.json", "path", ROWS, {"catboost": ROWS}, 0),
    "interactions": ("depth8.ubj", "interactions", 2000, {"xgboost": 20}, 0),
    "interventional-100": ("depth8.ubj", "interventional", ROWS, {"shap_c": 20}, 100),
    "interventional-1000": ("depth8.ubj", "interventional", ROWS, {}, 1000),
    "predict-xgboost": ("depth8.ubj", "raw", ROWS, {"xgboost": ROWS}, 0),
    "predict-lightgbm": ("lightgbm.txt", "raw", ROWS, {"lightgbm": ROWS}, 0),
}


def cut(rows, count):
    """The first rows, in a file of their own."""
    features = int(rows.stem)
    path = rows.with_suffix(f".{count}")
    path.write_bytes(rows.read_bytes()[: 8 * features * count])
    return path


def agree(ours, theirs, count, case):
    """The values of the rows that both computed; a few rows are enough."""
    read = lambda path: struct.iter_unpack("<d", path.read_bytes())
    width = ours.stat().st_size / ours_rows(case)
    if theirs.stat().st_size != round(width * count):
        return  # a layout of its own (base values apart)
    pairs = list(zip(read(ours), read(theirs)))[: 20_000]
    scale = max(abs(b) for _, (b,) in pairs)
    worst = max(abs(a - b) for (a,), (b,) in pairs)
    if worst > 2e-5 * scale:
        sys.exit(f"{case}: ours and the peer's values differ by {worst}, of {scale}")


def ours_rows(case):
    return CASES[case][2]


def peer(name, model, rows, count, method, threads, background, case):
    """Runs a peer and takes the time of its computing."""
    out = FOLDER / f"out-{name}"

    def run():
        command = [venv_python("explain"), HERE / "peer.py", name, model, rows, count, method, threads, out, *background]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(done.stderr[-2000:])
        taken = json.loads(done.stdout.splitlines()[-1])
        agree(FOLDER / "out-ours", out, count, case)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return Sample(taken["cpu_s"], taken["wall_s"], peak, units=count)

    return run


def main():
    parser = argparse.ArgumentParser(prog="bench/run explain")
    parser.add_argument("--no-build", action="store_true", help="take the binary that is there")
    parser.add_argument("--threads", type=int, default=1)
    bench = Bench("explain", parser)
    bench.versions = versions("explain")
    if not bench.options.no_build:
        cargo_build("-p", "hanok-models", "--example", "values")
    binary = target_dir() / "release" / "examples" / "values"
    threads = bench.options.threads
    for case, (name, method, count, peers, background) in CASES.items():
        if not bench.wanted(case):
            continue
        subprocess.run([venv_python("explain"), HERE / "data.py", FOLDER, name], check=True)
        model = FOLDER / name
        rows = FOLDER / f"{500 if case == 'features500' else 50}.rows"
        extra = [str(cut(rows, background))] if background else []
        ours = [str(part) for part in (binary, model, cut(rows, count), FOLDER / "out-ours", method, threads, *extra)]
        measure(ours)  # the values that the peers' are compared with
        contestants = {
            who: peer(who, model, rows, n, method, threads, extra, case) for who, n in peers.items()
        }
        bench.case(case, ours, contestants, units=count, extra={"threads": threads})
        if case == "depth8":
            command = [str(binary), str(model), str(rows), "-", "one-row"]
            print("one row:", subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    bench.finish()


main()
