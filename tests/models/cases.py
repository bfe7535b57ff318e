"""Trains a model that a seed chooses."""

import dataclasses
import pathlib
import sys

import catboost
import lightgbm
import numpy as np
import sklearn.ensemble
import sklearn.tree
import xgboost

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


def make(seed, folder):
    random = np.random.default_rng(seed)
    library = [with_xgboost, with_lightgbm, with_catboost, with_sklearn][seed % 4]
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
    model = folder / "model.json"
    model_of.save_model(str(model), format="json")
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
