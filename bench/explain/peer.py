"""One run of a peer: peer.py PEER MODEL ROWS COUNT METHOD THREADS OURS [BACKGROUND COUNT]. Prints the CPU and wall seconds of the work alone (the
model is read, the rows are in memory), the peak of memory in MB, and the largest difference from OURS, by the largest value.

METHOD is raw, path, interactions, interventional, or one-row: path for the first row, again and again, of which the median counts.
"""

import json
import os
import pathlib
import resource
import statistics
import sys
import time

PEER, MODEL, ROWS, COUNT, METHOD, THREADS, OURS = sys.argv[1:8]
COUNT, THREADS = int(COUNT), int(THREADS)
RUNS = 15
FEATURES = int(pathlib.Path(ROWS).name.split(".")[0])
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402


def rows(path, count):
    return np.fromfile(path, dtype="<f8", count=count * FEATURES).reshape(-1, FEATURES).astype(np.float32)


X = rows(ROWS, COUNT)
BACKGROUND = rows(ROWS, int(sys.argv[8])) if METHOD == "interventional" else None


def booster():
    import xgboost

    model = xgboost.Booster(params={"nthread": THREADS})
    model.load_model(MODEL)
    model.set_param({"nthread": THREADS})
    return model


def xgboost():
    import xgboost as library

    model = booster()
    options = {
        "raw": {"output_margin": True},
        "path": {"pred_contribs": True},
        "one-row": {"pred_contribs": True},
        "interactions": {"pred_interactions": True},
    }[METHOD]
    if METHOD == "one-row":
        return lambda: model.predict(library.DMatrix(X, nthread=THREADS), **options)[..., :-1]
    matrix = library.DMatrix(X, nthread=THREADS)
    if METHOD == "raw":
        # What it has predicted for a matrix it keeps: each time one of its own.
        matrices = iter([library.DMatrix(X, nthread=THREADS) for _ in range(RUNS + 1)])
        return lambda: model.predict(next(matrices), **options)
    cut = (..., slice(-1), slice(-1)) if METHOD == "interactions" else (..., slice(-1))
    return lambda: model.predict(matrix, **options)[cut]


def lightgbm():
    import lightgbm as library

    model = library.Booster(model_file=MODEL)
    if METHOD == "raw":
        return lambda: model.predict(X, num_threads=THREADS, raw_score=True)
    return lambda: model.predict(X, num_threads=THREADS, pred_contrib=True)[..., :-1]


def catboost():
    import catboost as library

    model = library.CatBoost().load_model(MODEL.replace(".json", ".cbm"))
    if METHOD == "raw":
        return lambda: model.predict(X, prediction_type="RawFormulaVal", thread_count=THREADS)
    explain = lambda pool: model.get_feature_importance(pool, type="ShapValues", thread_count=THREADS)[..., :-1]
    if METHOD == "one-row":
        return lambda: explain(library.Pool(X))
    pool = library.Pool(X)
    return lambda: explain(pool)


def classes_last(values):
    """shap's (rows, features, outputs) as (rows, outputs, features)."""
    values = np.asarray(values)
    return values.transpose(0, 2, 1) if values.ndim == 3 else values


def shap_c():
    import shap

    # Left to itself it samples a hundred rows.
    whole = None if BACKGROUND is None else shap.maskers.Independent(BACKGROUND, max_samples=len(BACKGROUND))
    explainer = shap.TreeExplainer(booster(), whole)
    if BACKGROUND is None:
        explainer.model.original_model = None  # else shap asks XGBoost for the values
        explainer.model.model_type = "other"
    if METHOD == "interactions":
        return lambda: explainer.shap_interaction_values(X)
    return lambda: classes_last(explainer.shap_values(X, check_additivity=False))


def woodelf():
    import pandas
    from woodelf.explainer import WoodelfExplainer

    names = [f"f{at}" for at in range(FEATURES)]
    frame = pandas.DataFrame(X, columns=names)
    background = None if BACKGROUND is None else pandas.DataFrame(BACKGROUND, columns=names)
    explainer = WoodelfExplainer(booster(), background)
    if METHOD == "interactions":
        return lambda: explainer.shap_interaction_values(frame, verbose=False)
    return lambda: explainer.shap_values(frame, verbose=False)


def fasttreeshap():
    import fasttreeshap as library

    # The arrays of `trees.py`: it reads no model of these versions itself.
    arrays = np.load(MODEL + ".npz")
    trees = [
        {key: arrays[f"{key}{at}"] for key in ("children_left", "children_right", "children_default", "features", "thresholds", "values", "node_sample_weight")}
        for at in range(int(arrays["count"]))
    ]
    for tree in trees:
        tree["values"] = tree["values"].reshape(-1, 1)
    explainer = library.TreeExplainer({"trees": trees}, algorithm="auto", n_jobs=THREADS)
    return lambda: explainer.shap_values(X, check_additivity=False)


def once(work):
    cpu, wall = time.process_time(), time.perf_counter()
    values = work()
    return time.process_time() - cpu, time.perf_counter() - wall, values


def difference(values):
    """From what ours wrote, which has the base at the end of each row and output."""
    values = np.asarray(values, dtype="<f8").reshape(COUNT, -1)
    if METHOD in ("raw", "interactions"):
        ours = np.fromfile(OURS, dtype="<f8", count=values.size).reshape(COUNT, -1)
    else:
        cells = values.size // FEATURES
        ours = np.fromfile(OURS, dtype="<f8", count=cells * (FEATURES + 1)).reshape(-1, FEATURES + 1)[:, :-1].reshape(COUNT, -1)
    return float(np.abs(values - ours).max() / np.abs(ours).max())


work = globals()[PEER]()
cpu, wall, values = once(work)
if METHOD in ("one-row", "raw"):
    # Warm, as ours is measured.
    runs = [once(work) for _ in range(RUNS if METHOD == "raw" or wall > 0.05 else 300)]
    cpu, wall = (statistics.median(run[at] for run in runs) for at in (0, 1))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"cpu_s": cpu, "wall_s": wall, "rss_mb": peak, "difference": difference(values)}))
