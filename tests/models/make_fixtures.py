"""Trains small models of every library and writes them with what the library itself says of some rows.

    python tests/models/make_fixtures.py crates/hanok-models/tests/fixtures

The files are committed: run this again only to add a case. `NAME.values` is little-endian: u32 rows, features, outputs and whether
there are contributions; then f64: the rows, raw values, predictions, and contributions with the base at the end of each.
"""

import os
import pathlib
import struct
import sys
import warnings

import catboost
import lightgbm
import numpy as np
import sklearn.ensemble
import sklearn.linear_model
import xgboost

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "examples" / "models"))
from export_sklearn import export  # noqa: E402

FEATURES = 5
ROWS = 30


def data(seed, categories=False, missing=True):
    random = np.random.default_rng(seed)
    rows = random.normal(size=(300, FEATURES)).astype(np.float32).astype(np.float64)
    if categories:
        rows[:, 0] = random.integers(0, 40, len(rows))
    if missing:
        rows[random.random(rows.shape) < 0.1] = np.nan
        rows[random.random(len(rows)) < 0.2, 2] = 0.0
    target = np.nan_to_num(rows[:, 1]) + np.nan_to_num(rows[:, 0]) % 3 + np.sin(3 * np.nan_to_num(rows[:, 3]))
    return rows, target


def write(folder, name, rows, raw, predicted, contributions=None):
    rows = np.ascontiguousarray(rows[:ROWS], dtype="<f8")
    raw = np.asarray(raw, dtype="<f8").reshape(ROWS, -1)
    parts = [rows, raw, np.asarray(predicted, dtype="<f8").reshape(ROWS, -1)]
    if contributions is not None:
        parts.append(np.asarray(contributions, dtype="<f8").reshape(ROWS, raw.shape[1], FEATURES + 1))
    head = struct.pack("<4I", ROWS, FEATURES, raw.shape[1], contributions is not None)
    (folder / f"{name}.values").write_bytes(head + b"".join(part.tobytes() for part in parts))


def with_xgboost(folder):
    cases = {
        "binary.json": ({"objective": "binary:logistic", "base_score": 0.3}, {}),
        "multi.ubj": ({"objective": "multi:softprob", "num_class": 3}, {}),
        "categories.json": ({"max_cat_to_onehot": 2}, {"categories": True}),
        "dart.ubj": ({"booster": "dart", "rate_drop": 0.4, "objective": "count:poisson"}, {}),
        "targets.json": ({}, {}),
        "vectors.ubj": ({"multi_strategy": "multi_output_tree"}, {}),
        "quantiles.ubj": ({"objective": "reg:quantileerror", "quantile_alpha": np.array([0.45, 0.5, 0.55])}, {}),
    }
    for at, (name, (parameters, kind)) in enumerate(cases.items()):
        rows, target = data(at, **kind)
        if "num_class" in parameters or name.startswith("binary"):
            target = (target * 2).astype(int) % parameters.get("num_class", 2)
        elif name.startswith(("targets", "vectors")):
            target = np.column_stack([target, -target])
        else:
            target = np.abs(target)
        types = ["c" if kind.get("categories") and f == 0 else "q" for f in range(FEATURES)]
        names = [f"feature {f}" for f in range(FEATURES)] if name.startswith("binary") else None
        matrix = lambda rows, label=None: xgboost.DMatrix(
            rows, label, feature_types=types, feature_names=names, enable_categorical=True)
        booster = xgboost.train({"max_depth": 4, "tree_method": "hist", **parameters}, matrix(rows, target), 6)
        booster.save_model(folder / f"xgboost-{name}")
        some = matrix(rows[:ROWS])
        contributions = None
        if not name.startswith("vectors"):
            contributions = booster.predict(some, pred_contribs=True)
        write(folder, f"xgboost-{name}", rows, booster.predict(some, output_margin=True), booster.predict(some), contributions)


def with_lightgbm(folder):
    cases = {
        "binary": ({"objective": "binary", "sigmoid": 0.7}, {}),
        "multi": ({"objective": "multiclass", "num_class": 3}, {}),
        "categories": ({"objective": "regression"}, {"categories": True}),
        "zero": ({"objective": "regression", "zero_as_missing": True}, {}),
        "none": ({"objective": "poisson", "use_missing": False}, {}),
        "linear": ({"objective": "regression", "linear_tree": True, "linear_lambda": 1.0}, {}),
        "forest": ({"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, {}),
    }
    for at, (name, (parameters, kind)) in enumerate(cases.items()):
        rows, target = data(10 + at, **kind)
        if parameters["objective"] in ("binary", "multiclass"):
            target = (target * 2).astype(int) % parameters.get("num_class", 2)
        elif parameters["objective"] == "poisson":
            target = np.abs(target)
        categories = [0] if kind.get("categories") else []
        fixed = {"num_leaves": 12, "min_data_in_leaf": 5, "min_data_per_group": 5, "verbosity": -1}
        dataset = lightgbm.Dataset(rows, target, categorical_feature=categories)
        booster = lightgbm.train({**fixed, **parameters}, dataset, 6)
        booster.save_model(folder / f"lightgbm-{name}.txt")
        some = rows[:ROWS]
        raw, predicted = booster.predict(some, raw_score=True), booster.predict(some)
        contributions = None
        if name == "forest":
            # LightGBM's raw scores and contributions of forests are sums, its predictions averages; ours are all averages.
            raw = predicted
            contributions = booster.predict(some, pred_contrib=True) / booster.num_trees()
        elif name != "linear":
            contributions = booster.predict(some, pred_contrib=True)
        write(folder, f"lightgbm-{name}.txt", rows, raw, predicted, contributions)


def with_catboost(folder):
    cases = {
        "regression": ({"loss_function": "RMSE", "nan_mode": "Max"}, True),
        "multi": ({"loss_function": "MultiClass"}, True),
        # CatBoost's own values of trees that are not symmetric do not add up to its predictions.
        "depthwise": ({"loss_function": "Logloss", "grow_policy": "Depthwise"}, False),
    }
    for at, (name, (parameters, has_values)) in enumerate(cases.items()):
        rows, target = data(20 + at)
        if name == "multi":
            target = (target * 2).astype(int) % 3
        elif name == "depthwise":
            target = (target > 1).astype(int)
        model = catboost.CatBoost({"iterations": 6, "depth": 4, "verbose": 0, "allow_writing_files": False, **parameters})
        model.fit(rows, target)
        model.save_model(str(folder / f"catboost-{name}.json"), format="json")
        some = catboost.Pool(rows[:ROWS])
        raw = model.predict(some, prediction_type="RawFormulaVal")
        predicted = raw if name == "regression" else model.predict(some, prediction_type="Probability")
        if name == "depthwise":
            predicted = predicted[:, 1]
        values = model.get_feature_importance(catboost.Pool(rows[:ROWS]), type="ShapValues") if has_values else None
        write(folder, f"catboost-{name}.json", rows, raw, predicted, values)


def with_sklearn(folder):
    models = {
        "forest": (sklearn.ensemble.RandomForestClassifier(6, max_depth=4, random_state=0), False),
        "boosting": (sklearn.ensemble.GradientBoostingClassifier(n_estimators=6, random_state=0), False),
        "histogram": (sklearn.ensemble.HistGradientBoostingRegressor(max_iter=6, max_leaf_nodes=12), True),
        "isolation": (sklearn.ensemble.IsolationForest(n_estimators=6, max_samples=60, random_state=0), False),
    }
    for at, (name, (model, missing)) in enumerate(models.items()):
        rows, target = data(30 + at, missing=missing)
        if hasattr(model, "predict_proba"):
            target = (target * 2).astype(int) % (3 if name == "forest" else 2)
        model.fit(rows, target)
        export(model, folder / f"sklearn-{name}.json")
        some = rows[:ROWS]
        if name == "isolation":
            predicted = -model.score_samples(some)
            raw = -np.log2(predicted)
        elif name == "forest":
            raw = predicted = model.predict_proba(some)
        elif name == "boosting":
            raw, predicted = model.decision_function(some), model.predict_proba(some)[:, 1]
        else:
            raw = predicted = model.predict(some)
        write(folder, f"sklearn-{name}.json", rows, raw, predicted)


def with_linear(folder):
    for name, model in (
        ("ridge", sklearn.linear_model.Ridge()),
        ("logistic", sklearn.linear_model.LogisticRegression()),
        ("poisson", sklearn.linear_model.PoissonRegressor()),
    ):
        rows, target = data(40, missing=False)
        if name == "logistic":
            target = (target * 2).astype(int) % 3
        elif name == "poisson":
            target = np.abs(target)
        model.fit(rows, target)
        export(model, folder / f"linear-{name}.json", rows=rows)
        coefficients, intercepts = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
        some = rows[:ROWS]
        raw = some @ coefficients.T + intercepts
        predicted = model.predict_proba(some) if name == "logistic" else model.predict(some)
        values = (some - rows.mean(axis=0))[:, None, :] * coefficients
        base = np.broadcast_to(rows.mean(axis=0) @ coefficients.T + intercepts, (ROWS, len(coefficients)))
        write(folder, f"linear-{name}.json", rows, raw, predicted, np.concatenate([values, base[:, :, None]], axis=2))
    rows, target = data(41)
    target = (target > 1).astype(int)
    booster = xgboost.train({"booster": "gblinear", "objective": "binary:logistic"}, xgboost.DMatrix(rows, target), 6)
    booster.save_model(folder / "xgboost-linear.ubj")
    some = xgboost.DMatrix(rows[:ROWS])
    write(folder, "xgboost-linear.ubj", rows, booster.predict(some, output_margin=True), booster.predict(some))


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    only = os.environ.get("ONLY", "")
    for library in (with_xgboost, with_lightgbm, with_catboost, with_sklearn, with_linear):
        if only in library.__name__:
            library(folder)


if __name__ == "__main__":
    main()
