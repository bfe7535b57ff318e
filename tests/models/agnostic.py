"""Model-agnostic values against shap's, on the same models and backgrounds.

    cargo build --release -p hanok-models --example agnostic
    python -m tests.models.agnostic target/release/examples/agnostic [COUNT] [FIRST SEED]

Needs the packages of tests/models/requirements.txt. Every seed trains a scikit-learn model whose raw values Hanok repeats to the last
bit. Exact, kernel (all coalitions) and partition (complete, over the same tree of groups) must be shap's values; permutation, sampling and
a kernel that draws must be within six standard errors of the exact ones; the error of shap's own permutation values is shown beside.
"""

import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
import scipy.cluster.hierarchy
import scipy.spatial.distance
import shap
import sklearn.ensemble

from tests.models.cases import export

ROWS, BACKGROUND = 3, 12


def make(seed, folder):
    """A model, its raw values as a function, rows and a background."""
    random = np.random.default_rng(seed)
    features = int(random.integers(5, 9))
    rows = random.normal(size=(300, features))
    rows[:, 1] = -rows[:, 0] + random.normal(size=300) / 3
    rows[:, 2] = np.round(rows[:, 2])
    target = rows[:, 0] * rows[:, 2] * rows[:, 3] + np.sin(2 * rows[:, 1]) + rows[:, 4] + random.normal(size=300) / 10
    if seed % 3 == 0:
        model = sklearn.ensemble.HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=12)
        model.fit(rows, target)
        function = lambda rows: model.predict(rows)[:, None]
    elif seed % 3 == 1:
        model = sklearn.ensemble.RandomForestClassifier(6, max_depth=5, random_state=seed, n_jobs=1)
        model.fit(rows, np.digitize(target, [-1, 1]))
        function = model.predict_proba
    else:
        model = sklearn.ensemble.GradientBoostingClassifier(n_estimators=10, max_depth=4, random_state=seed)
        model.fit(rows, target > 0)
        function = lambda rows: model.decision_function(rows)[:, None]
    export(model, folder / "model.json")
    return function, rows[:ROWS], rows[100:100 + BACKGROUND]


def ours(binary, folder, rows, background, method, *more):
    """Values with the base at the end, and standard errors: rows × outputs × features (+ 1)."""
    for name, numbers in (("rows", rows), ("background", background)):
        np.ascontiguousarray(numbers, dtype="<f8").tofile(folder / name)
    paths = [folder / name for name in ("model.json", "rows", "background", "out")]
    subprocess.run([binary, *map(str, paths), method, *map(str, more)], check=True, capture_output=True)
    found, features = np.fromfile(folder / "out"), rows.shape[1]
    if method == "exact":
        return found.reshape(len(rows), -1, features + 1), None
    cells = len(found) // (2 * features + 1)
    values = found[: cells * (features + 1)].reshape(len(rows), -1, features + 1)
    return values, found[cells * (features + 1) :].reshape(len(rows), -1, features)


def theirs(values, rows, features):
    """shap leaves out the axis of the outputs when there is one."""
    return np.moveaxis(np.asarray(values).reshape(rows, features, -1), 2, 1)


def off(found, expected):
    return np.abs(found[:, :, : expected.shape[2]] - expected).max() / max(1.0, np.abs(expected).max())


def check(binary, folder, seed):
    """The largest error of what must be exact, and of estimates in standard errors; shap's permutation error beside."""
    function, rows, background = make(seed, folder)
    shape = rows.shape
    independent = shap.maskers.Independent(background, max_samples=len(background))
    exact = theirs(shap.explainers.Exact(function, independent)(rows, silent=True).values, *shape)
    found = {method: ours(binary, folder, rows, background, method) for method in ("exact", "kernel")}
    errors = [off(found["exact"][0], exact), off(found["kernel"][0], exact)]
    kernel = shap.KernelExplainer(function, background)
    kernel_values = theirs(kernel.shap_values(rows, nsamples=10_000, l1_reg=False, silent=True), *shape)
    errors.append(off(found["kernel"][0], kernel_values))
    bases = np.broadcast_to(kernel.expected_value, exact.shape[:2])
    errors.append(np.abs(found["exact"][0][:, :, -1] - bases).max())

    distances = scipy.spatial.distance.squareform(1 - np.abs(np.corrcoef(background.T)), checks=False)
    tree = scipy.cluster.hierarchy.complete(distances)
    masker = shap.maskers.Partition(background, max_samples=len(background), clustering=tree)
    partition = theirs(shap.explainers.Partition(function, masker)(rows, max_evals=100_000, silent=True).values, *shape)
    errors.append(off(ours(binary, folder, rows, background, "partition")[0], partition))
    assert max(errors) < 1e-9, f"seed {seed}: errors {errors}"

    worst = 0.0
    for method, evals in (("permutation", 60 * shape[1]), ("sampling", 20_000), ("kernel", 4 * shape[1])):
        values, standard = ours(binary, folder, rows, background, method, evals)
        sums = values.sum(axis=2) - np.asarray(function(rows))
        assert np.abs(sums).max() < 1e-9, f"seed {seed}: {method} does not add up, by {np.abs(sums).max()}"
        distance = np.abs(values[:, :, :-1] - exact)
        known = standard > 1e-9
        # A few samples may have no scatter at all; what they are off by then stays small.
        assert method == "kernel" or distance[~known].max(initial=0) < 1e-2, f"seed {seed}: {method}"
        if known.any() and method != "kernel":
            worst = max(worst, (distance[known] / standard[known]).max())
    assert worst < 6, f"seed {seed}: off by {worst} standard errors"
    permutation = shap.explainers.Permutation(function, independent, seed=seed)
    permutation = theirs(permutation(rows, max_evals=60 * shape[1] + 30, silent=True).values, *shape)
    mine = ours(binary, folder, rows, background, "permutation", 60 * shape[1])[0]
    scatter = [np.mean((values[:, :, : shape[1]] - exact) ** 2) / np.mean(exact**2) for values in (mine, permutation)]
    return max(errors), worst, *scatter


def main():
    warnings.simplefilter("ignore")
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    failed, results = 0, []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + count):
            try:
                results.append(check(binary, pathlib.Path(folder), seed))
            except AssertionError as error:
                failed += 1
                print(error, flush=True)
    if results:
        exact, standard = np.max(results, axis=0)[:2]
        mine, peers = np.sqrt(np.mean(results, axis=0)[2:])
        print(f"exact methods: largest error {exact:.1e}; estimates: at most {standard:.1f} standard errors off")
        print(f"permutation, 30 pairs of orders: relative error {mine:.4f} (root of mean square), shap's {peers:.4f}")
    print(f"{len(results)} passed, {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
