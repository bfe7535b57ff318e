"""Explaining and predicting tree ensembles beside the libraries, on their own models; one thread unless a case says otherwise.

Ours is measured as a whole process: reading the model, preparing it, reading rows, computing, writing values. Of the peers only the computing
counts, with the model and the rows in memory, and slow ones compute fewer rows: `ratio` compares CPU seconds a row. In `one-row` and
`predict` ours is measured like the peers: warm, the computing only, the median of many times.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

from harness import Bench, Failed, Sample, cache, cargo_build, measure, target_dir, venv_python, versions

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = cache("bench-data/explain")
OURS = FOLDER / "out-ours"
ROWS = 10_000
MANY = 1_000_000
# Environments of their own.
APART = {"xgboost", "woodelf", "fasttreeshap"}
# The largest difference from a peer, by the largest value: what sums of f32 in another order give, and a peer's own inexactness.
DIFFERENCE = 1e-4
# Woodelf's single precision loses a digit more; shap's C code, in double precision, agrees with ours where both are measured.
DIFFERENCES = {"woodelf": 1e-3}
# CPU seconds that a run of a peer may take.
CPU_S = 240


@dataclasses.dataclass
class Case:
    """What is computed: on `rows` rows by ours, by the peers on as many as stand beside them."""

    model: str
    method: str
    peers: dict = dataclasses.field(default_factory=dict)
    rows: int = ROWS
    features: int = 50
    background: int = 0
    threads: int = 1
    left_out: dict = dataclasses.field(default_factory=dict)

    def data(self):
        return f"{self.features}.{MANY if max(self.rows, self.background) > ROWS else ROWS}"


CASES = {
    "depth8": Case("depth8.ubj", "path", {"xgboost": 1000, "shap_c": 100, "fasttreeshap": 200, "woodelf": ROWS}),
    "depth8-lightgbm": Case("lightgbm.txt", "path", {"lightgbm": 100}),
    "depth8-catboost": Case("catboost.json", "path", {"catboost": ROWS}),
    "depth12": Case("depth12.ubj", "path", {"xgboost": 500, "shap_c": 50, "fasttreeshap": 50, "woodelf": 1000}),
    "rows1M": Case("trees100.ubj", "path", {"xgboost": 5000, "shap_c": 500, "woodelf": ROWS}, rows=MANY),
    "classes10": Case("classes10.ubj", "path", {"xgboost": 1000, "shap_c": 200, "woodelf": 1000}),
    "features500": Case("features500.ubj", "path", {"xgboost": 1000, "shap_c": 200, "woodelf": ROWS}, features=500),
    "interactions": Case("depth8.ubj", "interactions", {"xgboost": 50, "shap_c": 2, "woodelf": 1000}, rows=1000),
    "interventional-100": Case("depth8.ubj", "interventional", {"shap_c": 20, "woodelf": ROWS}, background=100),
    "interventional-1000": Case("depth8.ubj", "interventional", {"shap_c": 3, "woodelf": ROWS}, background=1000),
    "interventional-100k": Case(
        "depth8.ubj",
        "interventional",
        {"woodelf": ROWS},
        background=100_000,
        left_out={"shap_c": "its time grows with rows times background: about half a minute a row by the other two cases"},
    ),
    "one-row": Case("depth8.ubj", "one-row", {"xgboost": 1, "shap_c": 1, "fasttreeshap": 1}, rows=1),
    "one-row-lightgbm": Case("lightgbm.txt", "one-row", {"lightgbm": 1}, rows=1),
    "one-row-catboost": Case("catboost.json", "one-row", {"catboost": 1}, rows=1),
    "predict": Case("depth8.ubj", "raw", {"xgboost": ROWS}),
    "predict-lightgbm": Case("lightgbm.txt", "raw", {"lightgbm": ROWS}),
    "predict-catboost": Case("catboost.json", "raw", {"catboost": ROWS}),
    # How ours grows, beside `depth8`.
    "threads-2": Case("depth8.ubj", "path", {"xgboost": 1000}, threads=2),
    "rows-1000": Case("depth8.ubj", "path", rows=1000),
    "rows-100k": Case("depth8.ubj", "path", rows=100_000),
    "trees-100": Case("trees100.ubj", "path"),
    "trees-250": Case("trees250.ubj", "path"),
    "depth-4": Case("depth4.ubj", "path", {"xgboost": 1000}),
    "depth-6": Case("depth6.ubj", "path", {"xgboost": 1000}),
}


def limit():
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 10))


def make(*names):
    subprocess.run([venv_python("explain"), HERE / "data.py", FOLDER, *names], check=True)


def cut(case, count):
    """The first rows, in a file of their own. Copied in parts: what this process holds counts as memory of those that it starts."""
    path = FOLDER / f"{case.features}.first-{count}"
    if not path.exists():
        with open(FOLDER / case.data(), "rb") as rows, open(path, "wb") as first:
            for row in range(0, count, ROWS):
                first.write(rows.read(8 * case.features * min(ROWS, count - row)))
    return path


def peer(name, case, count):
    """Runs a peer and takes the time of its computing."""
    environment = f"explain-{name}" if name in APART else "explain"
    command = [venv_python(environment), HERE / "peer.py", name, FOLDER / case.model, FOLDER / case.data(), count]
    command += [case.method, case.threads, OURS, case.background]

    def run():
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, preexec_fn=limit)
        if done.returncode == -signal.SIGXCPU:
            raise Failed(f"{count} rows took more than {CPU_S} seconds")
        if done.returncode:
            raise Failed(done.stderr[-2000:])
        taken = json.loads(done.stdout.splitlines()[-1])
        if taken["difference"] > DIFFERENCES.get(name, DIFFERENCE):
            raise Failed(f"its values differ by {taken['difference']:.1e} of the largest")
        extra = {"rows": count, "difference": taken["difference"]}
        return Sample(taken["cpu_s"], taken["wall_s"], taken["rss_mb"], units=count, extra=extra)

    return run


def warm(command, case):
    """Ours warm: the median that it prints."""

    def run():
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise Failed(f"ours ended with status {status}")
        printed = json.loads(text)
        taken = printed["explain_us" if case.method == "one-row" else "predict_us"] / 1e6
        return Sample(taken, taken, usage.ru_maxrss / 1024, units=case.rows, extra=printed)

    return run


def main():
    parser = argparse.ArgumentParser(prog="bench/run explain")
    parser.add_argument("--no-build", action="store_true", help="take the binary that is there")
    bench = Bench("explain", parser)
    bench.versions = versions("explain") | {
        f"{key} of {name}": value
        for name in sorted(APART)
        for key, value in versions(f"explain-{name}").items()
        if key in ("xgboost", "woodelf_explainer", "fasttreeshap", "numpy")
    }
    if not bench.options.no_build:
        cargo_build("-p", "hanok-models", "--example", "values")
    binary = str(target_dir() / "release" / "examples" / "values")
    for name, case in CASES.items():
        if not bench.wanted(name):
            continue
        make("depth8.ubj", case.model, case.data())
        if "fasttreeshap" in case.peers and not (FOLDER / f"{case.model}.npz").exists():
            subprocess.run([venv_python("explain"), HERE / "trees.py", FOLDER / case.model], check=True)
        rows = cut(case, case.rows)
        extra = [str(cut(case, case.background))] if case.background else []
        method = "path" if case.method == "one-row" else case.method
        ours = [binary, str(FOLDER / case.model), str(rows), str(OURS), method, str(case.threads), *extra]
        measure(ours)  # the values that the peers' are compared with
        if case.method in ("one-row", "raw"):
            again = "one-row" if case.method == "one-row" else "time-raw"
            ours = warm([*ours[:4], again, *ours[5:]], case)
        contestants = {who: peer(who, case, count) for who, count in case.peers.items()}
        started = time.perf_counter()
        about = {"threads": case.threads, **({"left_out": case.left_out} if case.left_out else {})}
        bench.case(name, ours, contestants, units=case.rows, extra=about, slow=3)
        print(f"  took {time.perf_counter() - started:.0f} s", file=sys.stderr)
    bench.finish()


main()
