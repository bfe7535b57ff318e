"""Models of many shapes, trained by seed, against the libraries' own predictions and values.

    cargo build --release -p hanok-models --example values
    python -m tests.models target/release/examples/values [COUNT] [FIRST SEED]

Needs the packages of tests/models/requirements.txt. Every seed chooses a library, an objective, depths from 1 to 30, how many features
there are, missing and infinite values, categories of up to 10,000 codes, constant features and extreme weights; the same for linear
models, categories of CatBoost, ONNX and Treelite. Raw values must agree to the last bit where the library adds up in a known order, and
values to a few millionths of the largest; the largest error is printed.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np

from tests.models import cases


def run(binary, folder, model, rows, method, *more):
    """What Hanok computes."""
    source, target = folder / "rows", folder / "out"
    np.ascontiguousarray(rows, dtype="<f8").tofile(source)
    command = [binary, str(model), str(source), str(target), method, *more]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{method}: {done.stderr.strip()}")
    return np.fromfile(target, dtype="<f8")


def check(binary, folder, seed):
    """Compares one model; returns its name and the relative error of its values."""
    case = cases.make(seed, folder)
    raw = run(binary, folder, case.model, case.rows, "raw")
    expected = np.asarray(case.raw, dtype=np.float64).ravel()
    assert raw.shape == expected.shape, f"{case.name}: {raw.shape} raw values, not {expected.shape}"
    different = int((raw != expected).sum()) if case.exact else int((np.abs(raw - expected) > 2e-7 * np.maximum(1, np.abs(raw))).sum())
    assert different == 0, f"{case.name}: {different} of {raw.size} raw values differ, by {np.abs(raw - expected).max()}"
    width = case.rows.shape[1] + 1
    methods = []
    if case.path:
        methods.append(["path", "2"])
    if case.depth <= 12:
        background = folder / "background"
        np.ascontiguousarray(case.rows[:20], dtype="<f8").tofile(background)
        methods.append(["interventional", "2", str(background)])
    errors = [0.0]
    for method, *more in methods:
        values = run(binary, folder, case.model, case.rows, method, *more).reshape(-1, width)
        scale = max(1.0, np.abs(values).max())
        errors.append(np.abs(values.sum(axis=1) - raw).max() / scale)
        if method == "path" and case.values is not None:
            theirs = np.asarray(case.values).reshape(-1, width)
            errors.append(np.abs(values - theirs).max() / scale)
    assert max(errors) < 1e-5, f"{case.name}: errors {errors}"
    return case.name, max(errors)


def main():
    warnings.simplefilter("ignore")
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    failed, worst = [], ("", 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            try:
                worst = max(worst, check(binary, pathlib.Path(folder), seed), key=lambda found: found[1])
            except AssertionError as error:
                failed.append(f"seed {seed}: {error}")
                print(failed[-1], flush=True)
    print(f"largest error {worst[1]:.1e} of the largest value, {worst[0]}")
    print(f"{count - len(failed)} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
