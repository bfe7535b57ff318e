"""Models that are known by their answers, through the command line, against their own libraries and shap.

    cargo build --release -p hanok
    python -m tests.models.commands target/release/hanok [COUNT] [FIRST SEED]

Every seed trains scikit-learn pipelines: a network and a linear model behind a scaler, trees behind scalers, imputers and codes. Each is an
ONNX graph, whose predictions must be onnxruntime's, and a server that speaks one of the protocols, whose predictions must be its own. Exact
values must be shap's; estimates within six of their standard errors; trees behind steps of one feature must have shap's values by their
inside, and all models by their answers. Needs the packages of tests/models/requirements.txt.
"""

import contextlib
import csv
import http.server
import json
import pathlib
import sys
import tempfile
import threading
import warnings

import numpy as np
import onnxruntime
import shap
import sklearn.compose
import sklearn.ensemble
import sklearn.impute
import sklearn.linear_model
import sklearn.neural_network
import sklearn.preprocessing
from skl2onnx import to_onnx
from sklearn.pipeline import make_pipeline

from tests.hanok import Project

ROWS, BACKGROUND, COLUMNS = 4, 10, 5
NAMES = [f"f{at}" for at in range(COLUMNS)]
PATHS = {"hanok": "/predict/m", "mlflow": "/invocations", "kserve": "/v1/models/m:predict"}


def models(seed):
    """Name to pipeline, whether it classifies, and whether it is trees behind steps of one feature."""
    ensemble, prepare = sklearn.ensemble, sklearn.preprocessing
    forest = {"n_estimators": 8, "max_depth": 4, "random_state": seed}
    codes = prepare.OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    columns = [("codes", codes, [COLUMNS - 1]), ("rest", prepare.StandardScaler(), list(range(COLUMNS - 1)))]
    network = sklearn.neural_network.MLPRegressor(hidden_layer_sizes=(6,), max_iter=150, random_state=seed)
    return {
        "network": (make_pipeline(prepare.StandardScaler(), network), False, False),
        "ridge": (make_pipeline(prepare.MinMaxScaler(), sklearn.linear_model.Ridge()), False, False),
        "scaled": (make_pipeline(prepare.StandardScaler(), ensemble.GradientBoostingClassifier(**forest)), True, True),
        "imputed": (make_pipeline(sklearn.impute.SimpleImputer(), ensemble.RandomForestRegressor(**forest)), False, True),
        "coded": (make_pipeline(sklearn.compose.ColumnTransformer(columns), ensemble.RandomForestClassifier(**forest)), True, False),
    }


def data(seed):
    """Rows of floats, some missing, the last column whole; a target."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(300, COLUMNS)).astype(np.float32)
    rows[:, -1] = random.integers(0, 4, size=300)
    target = rows[:, 0] * rows[:, 1] + np.sin(2 * rows[:, 2]) + (rows[:, 4] == 2)
    return rows, target


def written(path, rows):
    """A file of rows with an id; missing values are empty."""
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["id", *NAMES])
        lines.writerows([at, *("" if np.isnan(value) else repr(float(value)) for value in row)] for at, row in enumerate(rows))
    return path


def explained(project, model, rows, background, method, *more):
    """Values, standard errors if there are any, and predictions: rows × outputs (× features)."""
    project.ok("explain", model, "--keys", "id", "--data", rows, "--background", background, "--method", method,
               "--table", "explain.found", *more)
    found = project.rows("select * from explain.found order by id")
    outputs = len([name for name in found[0] if name.startswith("base_value")])
    ends = [""] if outputs == 1 else [f"_{output}" for output in range(outputs)]
    number = lambda value: np.nan if value is None else float(value)
    cube = lambda prefix: np.array([[[number(row.get(f"{prefix}{name}{end}")) for name in NAMES] for end in ends] for row in found])
    errors = cube("error_") if any(name.startswith("error_") for name in found[0]) else None
    return cube(""), errors, np.array([[row[f"prediction{end}"] for end in ends] for row in found])


def predicted(project, model, rows):
    out = project.path / "predicted.jsonl"
    project.ok("predict", model, "--keys", "id", "--data", rows, "-o", out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    return np.array([[row[name] for name in row if name != "id"] for row in found])


def theirs(function, rows, background):
    independent = shap.maskers.Independent(background, max_samples=len(background))
    values = np.asarray(shap.explainers.Exact(function, independent)(rows, silent=True).values)
    return np.moveaxis(values.reshape(len(rows), COLUMNS, -1), 2, 1)


def near(what, found, expected, tolerance):
    assert found.shape == expected.shape, f"{what}: {found.shape} is not {expected.shape}"
    off = np.abs(found - expected).max() / max(1.0, np.abs(expected).max())
    assert off <= tolerance, f"{what}: off by {off:.1e}"
    return off


@contextlib.contextmanager
def served(protocol, function):
    """A server of a function, strict about its protocol; counts the rows that it was given."""
    given = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = {"hanok": lambda: body["rows"], "kserve": lambda: body["instances"],
                    "mlflow": lambda: body["dataframe_split"]["data"]}[protocol]()
            if self.path != PATHS[protocol] or protocol == "hanok" and body["columns"] != NAMES:
                return self.send_error(404)
            given.append(len(rows))
            answer = json.dumps({"predictions": function(np.array(rows, dtype=float)).tolist()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PATHS[protocol]}", given
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_graph(project, folder, name, pipeline, classifies, is_split, rows, background):
    """One pipeline as an ONNX graph."""
    options = {id(pipeline): {"zipmap": bool(len(name) % 2)}} if classifies else None
    content = to_onnx(pipeline, rows[:1], options=options).SerializeToString()
    path = folder / f"{name}.onnx"
    path.write_bytes(content)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def function(rows):
        found = session.run(None, {session.get_inputs()[0].name: rows.astype(np.float32)})[-1]
        if isinstance(found, list):
            found = [list(row.values()) for row in found]
        return np.asarray(found, dtype=float).reshape(len(rows), -1)

    if is_split and classifies:
        # One output of two classes, as of trees alone.
        both = function
        function = lambda rows: both(rows)[:, 1:]
    table, other = written(folder / "rows.csv", rows), written(folder / "background.csv", background)
    worst = near(f"{name}: predictions", predicted(project, path, table), function(rows), 3e-6)
    output = ["--output", "probability"] if is_split and classifies else []
    expected = theirs(function, rows, background)
    for method in ["exact", *(["linear"] if name == "ridge" else [])]:
        values, _, predictions = explained(project, path, table, other, method, *output)
        worst = max(worst, near(f"{name}: {method}", values, expected, 1e-5))
        near(f"{name}: {method}: predictions", predictions, function(rows), 3e-6)
    if is_split:
        # Of trees, log-odds are explained. Probabilities are floats there.
        raw = (lambda rows: np.log(function(rows) / (1 - function(rows)))) if classifies else function
        values, _, _ = explained(project, path, table, other, "interventional")
        worst = max(worst, near(f"{name}: interventional", values, theirs(raw, rows, background), 2e-5))
    for method in ("permutation", "kernel", "sampling"):
        values, errors, _ = explained(project, path, table, other, method, *output, "--seed", len(name))
        known = np.nan_to_num(errors, nan=np.inf)
        # Trees differ rarely: draws that never met a difference see no error either.
        off = (np.abs(values - expected) - 6 * known).max() / np.abs(expected).max()
        assert off <= 0.01, f"{name}: {method}: {off:.1e} beyond six standard errors"
    if name == "network":
        code, _, error = project.run("explain", path, "--keys", "id", "--data", table, "--background", other, "--method", "linear")
        assert code != 0 and "HK1640" in error, error
    return worst


def with_server(project, folder, pipeline, protocol, rows, background):
    """One pipeline behind an address."""
    function = lambda rows: pipeline.predict(rows.astype(float)).reshape(-1, 1)
    table, other = written(folder / "rows.csv", rows), written(folder / "background.csv", background)
    with served(protocol, function) as (url, given):
        near(f"{protocol}: predictions", predicted(project, url, table), function(rows), 0)
        values, _, _ = explained(project, url, table, other, "exact")
        worst = near(f"{protocol}: exact", values, theirs(function, rows, background), 1e-9)
        before = sum(given)
        code, _, error = project.run("explain", url, "--keys", "id", "--data", table, "--background", other,
                                     "--model-rows-max", "100")
        assert code != 0 and "HK1642" in error, error
        assert sum(given) - before <= len(background), "asked before it was refused"
    return worst


def main():
    warnings.simplefilter("ignore")
    hanok = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    failed, worst, passed = 0, 0.0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        project = Project(hanok, folder / "project")
        project.ok("init", folder / "project")
        for seed in range(first, first + count):
            rows, target = data(seed)
            for name, (pipeline, classifies, is_split) in models(seed).items():
                some = rows.copy()
                if name == "imputed":
                    some[::5, 1] = np.nan
                pipeline.fit(some, target > 0.3 if classifies else target)
                given = some[:ROWS], some[100 : 100 + BACKGROUND]
                try:
                    worst = max(worst, with_graph(project, folder, name, pipeline, classifies, is_split, *given))
                    passed += 1
                    if name in ("network", "imputed"):
                        protocol = list(PATHS)[(seed + len(name)) % 3]
                        worst = max(worst, with_server(project, folder, pipeline, protocol, *given))
                        passed += 1
                except Exception as error:
                    failed += 1
                    print(f"seed {seed}: {name}: {error}", flush=True)
    print(f"largest relative error {worst:.1e}\n{passed} passed, {failed} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
