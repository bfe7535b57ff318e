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
import pandas
import sklearn.ensemble
import sklearn.linear_model
import treelite
import xgboost

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "examples" / "models"))
from export_sklearn import export  # noqa: E402

sys.path.insert(0, str(HERE))
import onnx_models  # noqa: E402

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


def categorical(rows, features):
    """Rows whose features of these numbers are integers, as CatBoost wants categories."""
    mixed = rows.astype(object)
    for feature in features:
        mixed[:, feature] = rows[:, feature].astype(int)
    return mixed


def with_catboost(folder):
    one, two = {"one_hot_max_size": 50}, {"one_hot_max_size": 2, "max_ctr_complexity": 1}
    every = ["Borders:TargetBorderCount=3", "Buckets:TargetBorderCount=2", "BinarizedTargetMeanValue", "Counter"]
    cases = {
        "regression.json": ({"loss_function": "RMSE", "nan_mode": "Max"}, True, []),
        "multi.json": ({"loss_function": "MultiClass"}, True, []),
        # CatBoost's own values of trees that are not symmetric do not add up to its predictions.
        "depthwise.json": ({"loss_function": "Logloss", "grow_policy": "Depthwise"}, False, []),
        "one-hot.json": ({"loss_function": "RMSE", **one}, True, [0, 2]),
        "statistics.json": ({"loss_function": "RMSE", "simple_ctr": every, **two}, True, [0, 2]),
        "regression.cbm": ({"loss_function": "RMSE", "nan_mode": "Min"}, True, []),
        "multi.cbm": ({"loss_function": "MultiClass", **two}, True, [0, 2]),
        "lossguide.cbm": ({"loss_function": "Logloss", "grow_policy": "Lossguide", **one}, False, [0]),
        "statistics.cbm": ({"loss_function": "RMSE", "simple_ctr": every, **two}, True, [0, 2]),
    }
    for at, (name, (parameters, has_values, categories)) in enumerate(cases.items()):
        rows, target = data(20 + at)
        for feature in categories:
            rows[:, feature] = np.random.default_rng(at).integers(-2, 12, len(rows))
            target += rows[:, feature] % 3
        if name.startswith("multi"):
            target = (target * 2).astype(int) % 3
        elif parameters["loss_function"] == "Logloss":
            target = (target > 1).astype(int)
        fixed = {"iterations": 8 if categories else 6, "depth": 4, "verbose": 0, "allow_writing_files": False}
        model = catboost.CatBoost({**fixed, **parameters})
        model.fit(categorical(rows, categories), target, cat_features=categories)
        model.save_model(str(folder / f"catboost-{name}"), format=name.split(".")[1])
        if categories:
            # Categories that training has not seen.
            rows[:3, categories] = 77
        some = catboost.Pool(categorical(rows[:ROWS], categories), cat_features=categories)
        raw = model.predict(some, prediction_type="RawFormulaVal")
        is_raw = parameters["loss_function"] == "RMSE"
        predicted = raw if is_raw else model.predict(some, prediction_type="Probability")
        if parameters["loss_function"] == "Logloss":
            predicted = predicted[:, 1]
        values = model.get_feature_importance(some, type="ShapValues") if has_values else None
        write(folder, f"catboost-{name}", rows, raw, predicted, values)


def with_sklearn(folder):
    models = {
        "forest": (sklearn.ensemble.RandomForestClassifier(6, max_depth=4, random_state=0), False),
        "boosting": (sklearn.ensemble.GradientBoostingClassifier(n_estimators=6, random_state=0), False),
        "histogram": (sklearn.ensemble.HistGradientBoostingRegressor(max_iter=6, max_leaf_nodes=12), True),
        "isolation": (sklearn.ensemble.IsolationForest(n_estimators=6, max_samples=60, random_state=0), False),
        "categories": (sklearn.ensemble.HistGradientBoostingRegressor(max_iter=6, categorical_features=[1, 3]), True),
    }
    for at, (name, (model, missing)) in enumerate(models.items()):
        rows, target = data(30 + at, missing=missing)
        if hasattr(model, "predict_proba"):
            target = (target * 2).astype(int) % (3 if name == "forest" else 2)
        elif name == "categories":
            rows[:, [1, 3]] = np.round(rows[:, [1, 3]] * 3)
            target = target + np.nan_to_num(rows[:, 1]) % 3
        model.fit(rows, target)
        if name == "categories":
            # What training has not seen, and what is no integer.
            rows[:4, [1, 3]] = [[99, -99], [0.5, 1e9], [-1, 99], [3.7, 0]]
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
    target = (target * 2).astype(int) % 3
    # XGBoost adds the first class's base to all of them.
    booster = xgboost.train({"booster": "gblinear", "objective": "multi:softprob", "num_class": 3}, xgboost.DMatrix(rows, target), 6)
    booster.save_model(folder / "xgboost-linear.ubj")
    some = xgboost.DMatrix(rows[:ROWS])
    write(folder, "xgboost-linear.ubj", rows, booster.predict(some, output_margin=True), booster.predict(some))


def with_texts(folder):
    """Categories that are texts, the code of each in its name; the rows have the codes."""
    rows, target = data(45, categories=True)
    rows[:, 0] = np.nan_to_num(rows[:, 0]) % 12
    target = target + rows[:, 0] % 5
    frame = pandas.DataFrame({f"f{f}": rows[:, f] for f in range(FEATURES)})
    frame["f0"] = pandas.Categorical([f"c{int(code):02}" for code in rows[:, 0]])
    assert np.all(frame["f0"].cat.codes == rows[:, 0])
    some = frame[:ROWS]
    matrix = lambda rows, *more: xgboost.DMatrix(rows, *more, enable_categorical=True)
    booster = xgboost.train({"max_depth": 4, "max_cat_to_onehot": 1}, matrix(frame, target), 6)
    booster.save_model(folder / "xgboost-texts.ubj")
    write(folder, "xgboost-texts.ubj", rows, booster.predict(matrix(some), output_margin=True), booster.predict(matrix(some)))
    parameters = {"num_leaves": 12, "min_data_in_leaf": 5, "min_data_per_group": 5, "verbosity": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(frame, target), 6)
    booster.save_model(folder / "lightgbm-texts.txt")
    write(folder, "lightgbm-texts.txt", rows, booster.predict(some), booster.predict(some), booster.predict(some, pred_contrib=True))


def with_onnx(folder):
    rounded = np.round(np.random.default_rng(50).normal(size=(ROWS, FEATURES)) * 2) / 2
    rounded[np.random.default_rng(51).random(rounded.shape) < 0.15] = np.nan
    cases = {
        "regressor": {}, "average": {"aggregate": "AVERAGE"}, "targets": {"outputs": 3}, "double": {"double": True},
        "binary": {"kind": "Classifier", "outputs": 2, "transform": "LOGISTIC"},
        "softmax": {"kind": "Classifier", "outputs": 3, "transform": "SOFTMAX"},
        "logistic": {"transform": "LOGISTIC"},
        "unified": {"version": 5, "outputs": 2}, "unified-double": {"version": 5, "double": True},
    }
    for at, (name, options) in enumerate(cases.items()):
        make = lambda **more: onnx_models.model(np.random.default_rng(60 + at), FEATURES, **{**options, **more})
        (folder / f"onnx-{name}.onnx").write_bytes(make().SerializeToString())
        # ONNX Runtime cuts values to integers before it looks for them in a set: -0.5 is in {0}.
        rows = np.round(rounded) if name.startswith("unified") else rounded
        # The raw values of a model with a transform are what it says without.
        raw, predicted = onnx_models.run(make(transform="NONE"), rows), onnx_models.run(make(), rows)
        if name == "binary":
            # Where the positive class loses, ONNX Runtime without a transform swaps the two raw values, of which one is the other's negative.
            raw, predicted = np.where(predicted[:, 1:] > 0.5, np.abs(raw[:, 1:]), -np.abs(raw[:, 1:])), predicted[:, 1]
        if name == "logistic":
            # ONNX Runtime does not do what the specification says of a regressor of one target.
            assert np.all(raw == predicted)
            predicted = 1 / (1 + np.exp(-raw))
        write(folder, f"onnx-{name}.onnx", rows, raw, predicted)
    with_converters(folder)


def with_converters(folder):
    """Models that the usual converters write."""
    from skl2onnx import to_onnx

    rows, target = data(70, missing=False)
    target = (target * 2).astype(int) % 3
    forest = sklearn.ensemble.RandomForestClassifier(5, max_depth=4, random_state=0).fit(rows, target)
    converted = to_onnx(forest, rows[:1].astype(np.float32))
    (folder / "onnx-sklearn.onnx").write_bytes(converted.SerializeToString())
    scores = onnx_models.run(converted, rows[:ROWS])
    write(folder, "onnx-sklearn.onnx", rows, scores, scores)

    rows, target = data(71)
    model = catboost.CatBoostRegressor(iterations=5, depth=3, verbose=0, allow_writing_files=False).fit(rows, target)
    model.save_model(str(folder / "onnx-catboost.onnx"), format="onnx")
    import onnx
    scores = onnx_models.run(onnx.load(folder / "onnx-catboost.onnx"), rows[:ROWS])
    write(folder, "onnx-catboost.onnx", rows, scores, scores)


def with_treelite(folder):
    rows, target = data(80, categories=True)
    classes = (target * 2).astype(int) % 3
    types = ["c"] + ["q"] * (FEATURES - 1)
    matrix = xgboost.DMatrix(rows, classes, feature_types=types, enable_categorical=True)
    booster = xgboost.train({"objective": "multi:softprob", "num_class": 3, "max_depth": 4}, matrix, 4)
    booster.save_model(folder / "treelite.json")
    dataset = lightgbm.Dataset(rows, classes > 1, categorical_feature=[0])
    small = {"objective": "binary", "sigmoid": 0.7, "num_leaves": 10, "min_data_in_leaf": 5, "min_data_per_group": 5, "verbosity": -1}
    lightgbm.train(small, dataset, 5).save_model(folder / "treelite.txt")
    full = np.nan_to_num(rows)
    multi = np.column_stack([target, -target, classes])
    models = {
        "xgboost": treelite.frontend.load_xgboost_model(str(folder / "treelite.json")),
        "lightgbm": treelite.frontend.load_lightgbm_model(str(folder / "treelite.txt")),
        "forest": treelite.sklearn.import_model(sklearn.ensemble.RandomForestRegressor(4, max_depth=4, random_state=0).fit(full, multi)),
        "isolation": treelite.sklearn.import_model(sklearn.ensemble.IsolationForest(n_estimators=5, max_samples=60, random_state=0).fit(full)),
    }
    for name in ("treelite.json", "treelite.txt"):
        (folder / name).unlink()
    for name, model in models.items():
        model.serialize(str(folder / f"treelite-{name}.bin"))
        kind = np.float32 if name == "xgboost" else np.float64
        some = (full if name in ("forest", "isolation") else rows)[:ROWS]
        raw = treelite.gtil.predict(model, some.astype(kind), nthread=1, pred_margin=True)
        predicted = treelite.gtil.predict(model, some.astype(kind), nthread=1)
        if name == "isolation":
            # Ours is divided by its expectation.
            raw = -np.log2(predicted)
        write(folder, f"treelite-{name}.bin", full if name in ("forest", "isolation") else rows, raw, predicted)


def main():
    warnings.simplefilter("ignore")
    folder = pathlib.Path(sys.argv[1])
    only = os.environ.get("ONLY", "")
    for library in (with_xgboost, with_lightgbm, with_catboost, with_sklearn, with_linear, with_texts, with_onnx, with_treelite):
        if only in library.__name__:
            library(folder)


if __name__ == "__main__":
    main()
