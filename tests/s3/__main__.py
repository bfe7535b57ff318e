"""Starts the server, makes the bucket, runs the test."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from ..hanok import TIMEOUT_S, Failure, free_port

HERE = Path(__file__).parent
BUCKET = "lake"


def put_bucket(endpoint: str, server: subprocess.Popen) -> None:
    request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")
    for _ in range(200):
        if server.poll() is not None:
            raise Failure("moto's server ended at once")
        try:
            urllib.request.urlopen(request, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise Failure("moto's server does not answer")


def main() -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/hanok/target")) / "s3"
    build = ["cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "Cargo.toml", "--target-dir", target]
    subprocess.run(build, check=True)
    seed = sys.argv[1] if len(sys.argv) > 1 else str(int(time.time()) % 1_000_000)
    port = free_port()
    moto = [sys.executable, "-m", "tests.s3.server", str(port)]
    server = subprocess.Popen(moto, cwd=HERE.parents[1], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        put_bucket(endpoint, server)
        test = subprocess.run(
            [target / "debug/hanok-s3-test", endpoint, BUCKET, seed], capture_output=True, text=True, timeout=TIMEOUT_S
        )
    finally:
        server.terminate()
        server.wait()
    if test.returncode != 0:
        sys.exit(f"FAILED with seed {seed}\n{test.stdout}{test.stderr}")
    print(*(f"  {line}" for line in test.stdout.splitlines()), sep="\n")


if __name__ == "__main__":
    main()
