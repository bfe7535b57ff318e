"""Trains the models and makes the rows: data.py FOLDER NAME, each once. Rows are plain f64 beside the models, named FEATURES.COUNT."""

import pathlib
import sys

import numpy as np

FEATURES = 50
ROWS = 10_000
MANY_ROWS = 1_000_000


def data(features, rows=20_000):
    random = np.random.default_rng(1)
    x = random.normal(size=(rows, features)).astype(np.float32)
    y = x[:, :10] @ random.normal(size=10) + np.sin(3 * x[:, 10]) * 2 + x[:, 11] * x[:, 12] + random.normal(size=rows)
    return x, y


def with_xgboost(path, x, y, depth, trees, classes=1):
    import xgboost

    parameters = {"max_depth": depth, "eta": 0.05, "tree_method": "hist", "colsample_bytree": 0.8}
    if classes > 1:
        parameters |= {"objective": "multi:softprob", "num_class": classes}
        y = np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
    xgboost.train(parameters, xgboost.DMatrix(x, y), trees).save_model(path)


def first_trees(path, count):
    import xgboost

    xgboost.Booster(model_file=path.with_name("depth8.ubj"))[:count].save_model(path)


def with_lightgbm(path, x, y, depth, trees):
    import lightgbm

    parameters = {"max_depth": depth, "num_leaves": 191, "learning_rate": 0.05, "verbosity": -1}
    lightgbm.train(parameters, lightgbm.Dataset(x, y), trees).save_model(path)


def with_catboost(path, x, y, depth, trees):
    import catboost

    model = catboost.CatBoost({"depth": depth, "iterations": trees, "verbose": 0, "allow_writing_files": False})
    model.fit(x, y).save_model(str(path), format="json")
    model.save_model(str(path.with_suffix(".cbm")))


def many_rows(path):
    random = np.random.default_rng(2)
    with open(path, "wb") as out:
        for _ in range(MANY_ROWS // ROWS):
            random.normal(size=(ROWS, FEATURES)).astype(np.float32).astype("<f8").tofile(out)


def some_rows(path, features):
    data(features)[0][:ROWS].astype("<f8").tofile(path)


MAKE = {
    "depth4.ubj": lambda path: with_xgboost(path, *data(FEATURES), 4, 500),
    "depth6.ubj": lambda path: with_xgboost(path, *data(FEATURES), 6, 500),
    "depth8.ubj": lambda path: with_xgboost(path, *data(FEATURES), 8, 500),
    "depth12.ubj": lambda path: with_xgboost(path, *data(FEATURES), 12, 100),
    "trees100.ubj": lambda path: first_trees(path, 100),
    "trees250.ubj": lambda path: first_trees(path, 250),
    "classes10.ubj": lambda path: with_xgboost(path, *data(FEATURES), 6, 50, classes=10),
    "features500.ubj": lambda path: with_xgboost(path, *data(500), 8, 100),
    "lightgbm.txt": lambda path: with_lightgbm(path, *data(FEATURES), 8, 500),
    "catboost.json": lambda path: with_catboost(path, *data(FEATURES), 8, 500),
    f"{FEATURES}.{ROWS}": lambda path: some_rows(path, FEATURES),
    f"500.{ROWS}": lambda path: some_rows(path, 500),
    f"{FEATURES}.{MANY_ROWS}": many_rows,
}


def main():
    for name in sys.argv[2:]:
        path = pathlib.Path(sys.argv[1]) / name
        if not path.exists():
            partial = path.with_name(f"making-{name}")
            MAKE[name](partial)
            partial.rename(path)
            if partial.with_suffix(".cbm").exists():
                partial.with_suffix(".cbm").rename(path.with_suffix(".cbm"))


main()
