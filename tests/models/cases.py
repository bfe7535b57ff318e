"""Trains a model that a seed chooses."""

import dataclasses
import pathlib
import sys

import catboost
import lightgbm
import numpy as np
import sklearn.ensemble
import sklearn.linear_model
import sklearn.tree
import treelite
import xgboost

from tests.models import onnx_models

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "examples" / "models"))
from export_sklearn import export  # noqa: E402


@dataclasses.dataclass
class Case:
    """A model and what its library says of rows; no values where the library has none or wrong ones."""

    name: str
    model: pathlib.Path
    rows: np.ndarray
    raw: np.ndarray
    values: np.ndarray | None
    depth: int
    #: Whether raw values are the same to the last bit, rather than to 1e-12 or one f32.
    exact: bool = True
    #: Whether there are path-dependent values.
    path: bool = True


def make(seed, folder):
    random = np.random.default_rng(seed)
    library = [
        with_xgboost, with_lightgbm, with_catboost, with_sklearn, with_linear, with_catboost_categories, with_onnx, with_treelite,
    ][seed % 8]
    depth = int(random.choice([1, 2, 3, 4, 6, 8, 10, 14, 20, 30], p=[.1, .1, .1, .1, .2, .15, .1, .05, .05, .05]))
    return library(random, depth, folder, seed)


def data(random, missing=True, categories=0):
    """Rows and a target that depends on them; the first feature is categorical when there are categories."""
    count, features = int(random.integers(60, 500)), int(random.integers(1, 30))
    rows = random.normal(size=(count, features))
    if random.random() < 0.5:
        rows = np.round(rows, 1)
    if random.random() < 0.3:
        rows[:, -1] = 1.0
    if missing:
        rows[random.random(rows.shape) < random.choice([0, 0.02, 0.4])] = np.nan
        rows[random.random(rows.shape) < random.choice([0, 0.3])] = 0.0
    if categories:
        rows[:, 0] = random.integers(0, categories, count)
    target = np.nan_to_num(rows[:, 0]) % 3 + np.nan_to_num(rows[:, -1]) + random.normal(size=count) / 2
    return rows.astype(np.float32).astype(np.float64), target


def asked(random, rows, infinite):
    """Rows to ask about: those of training and some with odd values."""
    rows = rows[:60].copy()
    odd = [0.0, 1e-36, -1e-36, 1e30] + ([np.inf, -np.inf] if infinite else [])
    where = random.random(rows.shape) < 0.05
    rows[where] = random.choice(odd, where.sum())
    return rows.astype(np.float32).astype(np.float64)


def with_xgboost(random, depth, folder, seed):
    categories = int(random.choice([0, 0, 5, 300, 10_000]))
    rows, target = data(random, categories=categories)
    kind = random.choice(["regression", "binary", "multi", "targets", "dart", "forest", "loss", "weights"])
    parameters = {"max_depth": depth, "tree_method": "hist", "nthread": 1, "min_child_weight": float(random.choice([0, 1]))}
    parameters["max_cat_to_onehot"] = int(random.choice([1, 4, 100]))
    weight = None
    if kind == "binary":
        parameters["objective"], target = "binary:logistic", target > np.median(target)
    elif kind == "multi":
        parameters.update(objective="multi:softprob", num_class=3)
        target = random.integers(0, 3, len(rows))
    elif kind == "targets":
        target = np.column_stack([target, -target])
    elif kind == "dart":
        parameters.update(booster="dart", rate_drop=0.3)
    elif kind == "forest":
        parameters.update(num_parallel_tree=3, subsample=0.5)
    elif kind == "loss":
        parameters.update(grow_policy="lossguide", max_leaves=40)
    elif kind == "weights":
        weight = 10.0 ** random.integers(-4, 5, len(rows))
    types = ["c" if categories and f == 0 else "q" for f in range(rows.shape[1])]
    matrix = lambda rows, *more, **also: xgboost.DMatrix(rows, *more, feature_types=types, enable_categorical=True, **also)
    booster = xgboost.train(parameters, matrix(rows, target, weight=weight), 8)
    model = folder / f"model.{random.choice(['json', 'ubj'])}"
    booster.save_model(model)
    some = asked(random, rows, infinite=False)
    if categories:
        some[:, 0] = random.integers(0, categories, len(some))
    raw = booster.predict(matrix(some), output_margin=True)
    values = booster.predict(matrix(some), pred_contribs=True)
    return Case(f"xgboost {kind} depth {depth}", model, some, raw, values, depth)


def with_lightgbm(random, depth, folder, seed):
    categories = int(random.choice([0, 0, 5, 60, 1000]))
    rows, target = data(random, categories=categories)
    kind = random.choice(["regression", "binary", "multiclass", "dart", "poisson", "zero", "none", "stump"])
    parameters = {"objective": "regression", "verbosity": -1, "num_threads": 1, "max_depth": depth}
    parameters.update(num_leaves=int(min(2**min(depth, 7), 100)), min_data_in_leaf=int(random.choice([1, 10])))
    parameters.update(min_data_per_group=5, cat_smooth=1, max_cat_to_onehot=int(random.choice([1, 4])))
    if kind == "binary":
        parameters["objective"], target = kind, target > np.median(target)
    elif kind == "multiclass":
        parameters.update(objective=kind, num_class=3)
        target = random.integers(0, 3, len(rows))
    elif kind == "dart":
        parameters["boosting"] = kind
    elif kind == "poisson":
        parameters["objective"], target = kind, np.abs(target)
    elif kind == "zero":
        parameters["zero_as_missing"] = True
    elif kind == "none":
        parameters["use_missing"] = False
    elif kind == "stump":
        parameters["min_data_in_leaf"] = 10_000
    dataset = lightgbm.Dataset(rows, target, categorical_feature=[0] if categories else [])
    booster = lightgbm.train(parameters, dataset, 8)
    model = folder / "model.txt"
    booster.save_model(model)
    some = asked(random, rows, infinite=True)
    if categories:
        some[:, 0] = random.integers(-3, 2 * categories, len(some))
    raw, values = booster.predict(some, raw_score=True), booster.predict(some, pred_contrib=True)
    return Case(f"lightgbm {kind} depth {depth}", model, some, raw, values, depth)


def with_catboost(random, depth, folder, seed):
    rows, target = data(random)
    depth = min(depth, 8)
    kind = random.choice(["RMSE", "Logloss", "MultiClass"])
    policy = random.choice(["SymmetricTree", "Depthwise", "Lossguide"])
    if kind == "Logloss":
        target = (target > np.median(target)).astype(int)
    elif kind == "MultiClass":
        target = random.integers(0, 3, len(rows))
    parameters = {"iterations": 8, "depth": depth, "loss_function": kind, "grow_policy": policy, "thread_count": 1}
    parameters["nan_mode"] = random.choice(["Min", "Max"])
    if np.all(rows == rows[0]):
        rows[0] += 1.0
    model_of = catboost.CatBoost({**parameters, "verbose": 0, "allow_writing_files": False})
    model_of.fit(rows, target)
    model = folder / f"model.{random.choice(['json', 'cbm'])}"
    model_of.save_model(str(model), format=model.suffix[1:])
    some = asked(random, rows, infinite=True)
    some[:, ~np.isnan(rows).any(axis=0)] = np.nan_to_num(some[:, ~np.isnan(rows).any(axis=0)])
    raw = model_of.predict(some, prediction_type="RawFormulaVal")
    # CatBoost's own values of trees that are not symmetric do not add up to its predictions; and it leaves out leaves that no
    # training row reached, which rows with odd values do reach.
    return Case(f"catboost {kind} {policy} depth {depth}", model, some, raw, None, depth)


def with_sklearn(random, depth, folder, seed):
    kind = random.choice(["tree", "forest", "extra", "boosting", "histogram"])
    rows, target = data(random, missing=kind not in ("boosting", "extra"))
    state = int(random.integers(1000))
    ensemble = sklearn.ensemble
    model_of = {
        "tree": sklearn.tree.DecisionTreeRegressor(max_depth=depth, random_state=state),
        "forest": ensemble.RandomForestRegressor(5, max_depth=depth, random_state=state, n_jobs=1),
        "extra": ensemble.ExtraTreesRegressor(5, max_depth=depth, random_state=state, n_jobs=1),
        "boosting": ensemble.GradientBoostingRegressor(n_estimators=8, max_depth=depth, random_state=state),
        "histogram": ensemble.HistGradientBoostingRegressor(max_iter=8, max_depth=max(depth, 2), min_samples_leaf=5),
    }[kind]
    model_of.fit(rows, target)
    model = folder / "model.json"
    export(model_of, model)
    some = rows[:60]
    return Case(f"scikit-learn {kind} depth {depth}", model, some, model_of.predict(some), None, depth)


def with_linear(random, depth, folder, seed):
    kind = random.choice(["tree", "gblinear", "ridge", "logistic", "sgd"])
    rows, target = data(random, missing=kind in ("tree", "gblinear"))
    some, model = rows[:60], folder / "model"
    if kind == "tree":
        parameters = {"objective": "regression", "linear_tree": True, "verbosity": -1, "num_threads": 1, "max_depth": min(depth, 8)}
        booster = lightgbm.train({**parameters, "min_data_in_leaf": 10}, lightgbm.Dataset(rows, target), 8)
        booster.save_model(model)
        return Case(f"lightgbm linear trees depth {depth}", model, some, booster.predict(some, raw_score=True), None, 8, path=False)
    if kind == "gblinear":
        matrix = xgboost.DMatrix(rows, random.integers(0, 3, len(rows)))
        booster = xgboost.train({"booster": "gblinear", "objective": "multi:softprob", "num_class": 3, "nthread": 1}, matrix, 5)
        model = folder / f"model.{random.choice(['json', 'ubj'])}"
        booster.save_model(model)
        raw = booster.predict(xgboost.DMatrix(some), output_margin=True)
        return Case("xgboost gblinear", model, some, raw, None, 1, path=False)
    linear = sklearn.linear_model
    model_of = {"ridge": linear.Ridge(), "logistic": linear.LogisticRegression(), "sgd": linear.SGDClassifier(loss="log_loss")}[kind]
    if kind != "ridge":
        target = (target > np.median(target)).astype(int)
    model_of.fit(rows, target)
    export(model_of, model, rows=rows)
    raw = model_of.predict(some) if kind == "ridge" else model_of.decision_function(some)
    coefficients = np.ravel(model_of.coef_)
    values = (some - rows.mean(axis=0)) * coefficients
    base = np.full((len(some), 1), float(rows.mean(axis=0) @ coefficients + np.ravel(model_of.intercept_)[0]))
    return Case(f"scikit-learn {kind}", model, some, raw, np.hstack([values, base]), 1, exact=False)


def with_catboost_categories(random, depth, folder, seed):
    rows, target = data(random)
    rows = np.hstack([rows, random.integers(-5, int(random.choice([8, 60, 800])), size=(len(rows), 2))])
    target = target + rows[:, -1] % 3 + rows[:, -2] % 2
    categories = [rows.shape[1] - 2, rows.shape[1] - 1]
    loss = random.choice(["RMSE", "Logloss", "MultiClass"])
    statistics = ["Borders:TargetBorderCount=3", "Buckets:TargetBorderCount=2", "BinarizedTargetMeanValue", "Counter"]
    if loss == "Logloss":
        target, statistics = (target > np.median(target)).astype(int), ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]
    elif loss == "MultiClass":
        target, statistics = random.integers(0, 3, len(rows)), ["Borders", "Buckets", "Counter"]
    policy = random.choice(["SymmetricTree", "Depthwise", "Lossguide"])
    parameters = {"iterations": 8, "depth": min(depth, 8), "loss_function": loss, "grow_policy": policy, "thread_count": 1}
    parameters.update(one_hot_max_size=int(random.choice([2, 255])), max_ctr_complexity=1)
    some = [str(kind) for kind in random.choice(statistics, 2, replace=False)]
    if any(kind.startswith("Counter") for kind in some):
        parameters["counter_calc_method"] = str(random.choice(["Full", "SkipTest"]))
    model_of = catboost.CatBoost({**parameters, "simple_ctr": some, "verbose": 0, "allow_writing_files": False})

    def mixed(rows, *target):
        out = rows.astype(object)
        out[:, categories] = rows[:, categories].astype(int)
        return catboost.Pool(out, *target, cat_features=categories)

    model_of.fit(mixed(rows, target))
    model = folder / f"model.{random.choice(['json', 'cbm'])}"
    model_of.save_model(str(model), format=model.suffix[1:])
    asked_of = rows[:60].copy()
    asked_of[:5, categories] = random.integers(-99, 2000, (5, 2))
    raw = model_of.predict(mixed(asked_of), prediction_type="RawFormulaVal")
    return Case(f"catboost categories {loss} {policy} depth {depth}", model, asked_of, raw, None, depth)


def with_onnx(random, depth, folder, seed):
    features = int(random.integers(1, 20))
    options = {"trees": int(random.integers(1, 12)), "depth": min(depth, 6), "outputs": int(random.choice([1, 1, 3]))}
    kind = random.choice(["Regressor", "Classifier", "unified"])
    options["double"] = bool(random.random() < 0.3) and kind != "Classifier"
    if kind == "Classifier":
        options.update(kind=str(kind), outputs=int(random.choice([3, 4])))
    else:
        options.update(aggregate=str(random.choice(["SUM", "AVERAGE"])), version=5 if kind == "unified" else 3)
    converted = onnx_models.model(random, features, **options)
    # ONNX Runtime cuts values to integers before it looks for them in a set: -0.5 is in {0}.
    rows = np.round(random.normal(size=(60, features)) * 2) / (1 if kind == "unified" else 2)
    rows[random.random(rows.shape) < 0.1] = np.nan
    model = folder / "model.onnx"
    model.write_bytes(converted.SerializeToString())
    raw = onnx_models.run(converted, rows)
    # The older operators round sums of doubles to f32.
    exact = not options["double"] or kind == "unified"
    return Case(f"onnx {kind} {options}", model, rows, raw, None, depth, exact=exact, path=False)


def with_treelite(random, depth, folder, seed):
    kind = random.choice(["xgboost", "lightgbm", "forest", "extra", "boosting"])
    categories = int(random.choice([0, 5, 60])) if kind in ("xgboost", "lightgbm") else 0
    rows, target = data(random, missing=kind in ("xgboost", "lightgbm"), categories=categories)
    depth, values = min(depth, 10), None
    some = rows[:60]
    source = folder / "source"
    classes = random.integers(0, 3, len(rows))
    ensemble = sklearn.ensemble
    if kind == "xgboost":
        types = ["c" if categories and f == 0 else "q" for f in range(rows.shape[1])]
        matrix = lambda rows, *more: xgboost.DMatrix(rows, *more, feature_types=types, enable_categorical=True)
        booster = xgboost.train({"max_depth": depth, "objective": "multi:softprob", "num_class": 3}, matrix(rows, classes), 6)
        source = folder / "source.json"
        booster.save_model(source)
        imported = treelite.frontend.load_xgboost_model(str(source))
        values = booster.predict(matrix(some), pred_contribs=True)
    elif kind == "lightgbm":
        parameters = {"objective": "regression", "max_depth": depth, "verbosity": -1, "min_data_per_group": 5, "min_data_in_leaf": 5}
        booster = lightgbm.train(parameters, lightgbm.Dataset(rows, target, categorical_feature=[0] if categories else []), 6)
        booster.save_model(source)
        imported = treelite.frontend.load_lightgbm_model(str(source))
    else:
        model_of = {
            "forest": ensemble.RandomForestClassifier(4, max_depth=depth, random_state=0),
            "extra": ensemble.ExtraTreesRegressor(4, max_depth=depth, random_state=0),
            "boosting": ensemble.GradientBoostingClassifier(n_estimators=4, max_depth=depth, random_state=0),
        }[kind]
        model_of.fit(rows, target if kind == "extra" else classes)
        imported = treelite.sklearn.import_model(model_of)
    model = folder / "model.bin"
    imported.serialize(str(model))
    raw = treelite.gtil.predict(imported, some.astype(np.float32 if kind == "xgboost" else np.float64), nthread=1, pred_margin=True)
    return Case(f"treelite {kind} depth {depth}", model, some, raw.reshape(len(some), -1), values, depth)
