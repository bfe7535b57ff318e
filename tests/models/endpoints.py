"""Predictions of a scikit-learn model through real servers, equal to the model's own.

    cargo build --release -p hanok-infer --example ask
    python -m tests.models.endpoints target/release/examples/ask

A FastAPI app speaks Hanok's protocol and KServe's, strictly; `mlflow models serve` speaks MLflow's where the package `mlflow` is
installed. Needs scikit-learn, fastapi and uvicorn.
"""

import contextlib
import importlib.util
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import numpy as np
import sklearn.ensemble

COLUMNS = ["a", "b", "c"]


def make():
    """A model that takes missing values, rows and its predictions."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(500, len(COLUMNS)))
    rows[random.random(rows.shape) < 0.1] = np.nan
    target = np.digitize(np.nan_to_num(rows[:, 0]) * 2 + np.nan_to_num(rows[:, 1]), [-1, 1])
    model = sklearn.ensemble.HistGradientBoostingClassifier(max_iter=10).fit(rows, target)
    return model, rows[:120], model.predict_proba(rows[:120])


def app():
    """What uvicorn runs."""
    import fastapi
    import pydantic

    model = make()[0]
    value = float | None

    class Hanok(pydantic.BaseModel, extra="forbid"):
        columns: list[str]
        rows: list[list[value]]

    class Kserve(pydantic.BaseModel, extra="forbid"):
        instances: list[list[value]]

    server = fastapi.FastAPI()

    def predict(rows):
        return model.predict_proba(np.array(rows, dtype=float)).tolist()

    @server.post("/predict/flights")
    def hanok(body: Hanok):
        if body.columns != COLUMNS:
            raise fastapi.HTTPException(422, f"columns {body.columns}")
        return {"outputs": ["early", "on time", "late"], "predictions": predict(body.rows)}

    @server.post("/v1/models/flights:predict")
    def kserve(body: Kserve):
        return {"predictions": predict(body.instances)}

    @server.get("/health")
    def health():
        return "up"

    return server


def served(command, health, seconds=120):
    """A server's process, once it answers."""
    # MLflow looks for uvicorn on the path, and starts it as a process of its own.
    path = f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env={**os.environ, "PATH": path}, start_new_session=True, **quiet)
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(health, timeout=1).close()
            return process
        except OSError:
            time.sleep(0.1)
    stop(process)
    raise SystemExit(f"{command} does not answer at {health}")


def stop(process):
    """The server and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait(30)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def check(binary, folder, url, protocol, rows, expected):
    rows.astype("<f8").tofile(folder / "rows")
    command = [binary, url, protocol, ",".join(COLUMNS), str(folder / "rows"), str(folder / "out"), "50"]
    subprocess.run(command, check=True)
    found = np.fromfile(folder / "out").reshape(expected.shape)
    assert (found == expected).all(), f"{protocol}: off by {np.abs(found - expected).max()}"
    print(f"{protocol}: {found.shape[0]} rows × {found.shape[1]} outputs, to the last bit")


def main():
    binary = str(pathlib.Path(sys.argv[1]).resolve())
    model, rows, expected = make()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        base = f"http://127.0.0.1:{(port := free_port())}"
        uvicorn = [sys.executable, "-m", "uvicorn", "--factory", "tests.models.endpoints:app", "--port", str(port)]
        server = served(uvicorn, f"{base}/health")
        try:
            check(binary, folder, f"{base}/predict/flights", "hanok", rows, expected)
            check(binary, folder, f"{base}/v1/models/flights:predict", "kserve", rows, expected)
            wrong = [binary, f"{base}/predict/flights", "kserve", "a,b,c", str(folder / "rows"), str(folder / "out")]
            refused = subprocess.run(wrong, capture_output=True, text=True)
            assert refused.returncode == 1 and "422" in refused.stderr, refused.stderr
        finally:
            stop(server)
        if importlib.util.find_spec("mlflow") is None:
            return print("mlflow: not installed, left out")
        import mlflow.sklearn

        mlflow.sklearn.save_model(
            model, folder / "model", pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle"
        )
        base = f"http://127.0.0.1:{(port := free_port())}"
        serve = ["-m", "mlflow", "models", "serve", "-m", str(folder / "model"), "--env-manager", "local", "-p", str(port)]
        server = served([sys.executable, *serve], f"{base}/health")
        try:
            check(binary, folder, f"{base}/invocations", "mlflow", rows, expected)
        finally:
            stop(server)


if __name__ == "__main__":
    main()
