"""Online reads: our feature server against `feast serve` (SQLite online store), the same rows, the same requests.

CPU is the server's alone (user + system, workers included) while wrk loads it; `cpu_s` is that of one window and the ratio
compares CPU a request. Columns beside the frame's:

    cpu_us_per_request, p50_ms, p99_ms     at full load
    p99_ms_half_load                       ours: at about half of the peak rate (see load.lua on how it is held)
    errors                                 answers that are not 200, socket errors, timeouts of 10 s; must be 0 for ours
    rss_mb                                 resident memory after the load; ours maps the LMDB file as well
    floor_us_per_request                   ours: GET /health, which answers without a body: what kernel and HTTP cost alone

Ours is `hanok serve` on a project that `hanok load`, `apply` and `materialize` filled (project.py).
"""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import argparse

from harness import Bench, Failed, Process, Sample, cache, cargo_build, target_dir, venv_python

HERE = pathlib.Path(__file__).resolve().parent
HANOK = str(target_dir() / "release" / "hanok")
PORT = 16601
WARM_S, WINDOW_S, PEER_WINDOW_S = 0.5, 2, 3


def wrk(port, shape, connections, seconds, keys, delay_percent=0, path="/get-online-features"):
    """One wrk run; its RESULT line."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / "load.lua")]
    command += [f"http://127.0.0.1:{port}{path}", "--", str(shape), str(keys), str(delay_percent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        raise Failed(f"wrk: {done.stdout}{done.stderr}")
    return json.loads(lines[0].removeprefix("RESULT "))


def ask(port, body, timeout=10):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/get-online-features", json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.load(answer)


FEATURES = ["conv_rate", "acc_rate", "avg_daily_trips", "score", "earnings"]


def body(ids):
    return {"entities": {"driver_id": ids}, "features": [f"driver_stats:{name}" for name in FEATURES]}


def wait_up(port, process, seconds=120):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.child.poll() is not None:
            raise Failed("the server ended at once")
        try:
            return ask(port, body([1]))
        except (OSError, ValueError):
            time.sleep(0.1)
    raise Failed("the server did not come up")


def start_ours(keys):
    project = cache(f"hanok-online-{keys}")
    if not (project / "done").exists():
        subprocess.run([venv_python("online"), str(HERE / "project.py"), HANOK, str(project), str(keys)], check=True)
    process = Process([HANOK, "--quiet", "--project", str(project), "serve", "--http", f"127.0.0.1:{PORT}"])
    wait_up(PORT, process)
    return process, PORT


def start_feast(keys):
    """`feast serve` over the repository that peer_feast.py made with the very same rows."""
    repo = cache(f"feast-online-{keys}")
    python = pathlib.Path(venv_python("online"))
    if not (repo / "done").exists():
        subprocess.run([str(python), str(HERE / "peer_feast.py"), str(repo), str(keys)], check=True)
    # One worker is what the command starts by itself; more of them cost more CPU a request, not less.
    process = Process(
        [str(python.parent / "feast"), "-c", str(repo), "serve", "-h", "127.0.0.1", "-p", str(PORT + 1), "--no-access-log"],
        env={"FEAST_USAGE": "False"},
    )
    wait_up(PORT + 1, process)
    return process, PORT + 1


class Server:
    """A running server and how to take samples of it."""

    def __init__(self, start, keys, faultless):
        self.process, self.port = start(keys)
        self.keys, self.faultless = keys, faultless

    def sample(self, shape, connections, seconds, path="/get-online-features", delay_percent=0):
        wrk(self.port, shape, connections, 1 if seconds > 1 else seconds, self.keys, path=path)
        before, started = self.process.cpu_s(), time.perf_counter()
        result = wrk(self.port, shape, connections, seconds, self.keys, delay_percent, path)
        used, wall = self.process.cpu_s() - before, time.perf_counter() - started
        if result["errors"] and self.faultless:
            raise Failed(f"{result['errors']} errors")
        sample = Sample(used, result["seconds"], self.process.rss_mb(), result["requests"])
        sample.extra = {
            "cpu_us_per_request": round(used / max(result["requests"], 1) * 1e6, 2),
            "p50_ms": result["p50_ms"],
            "p99_ms": result["p99_ms"],
            "errors": result["errors"],
        }
        return sample

    def half_load(self, shape, connections, peak):
        """p99 at about half of `peak` requests a second: each connection waits between requests."""
        # A connection's turn takes connections / rate seconds; at half the rate it must wait the same again.
        delay_ms = connections / (peak / 2) * 1000
        for _ in range(3):
            result = wrk(self.port, shape, connections, 2, self.keys, max(1, round(delay_ms * 100)))
            share = result["requests"] / result["seconds"] / peak
            if 0.4 <= share <= 0.6:
                break
            delay_ms *= max(0.3, min(3.0, share / 0.5))
        return {"p99_ms_half_load": result["p99_ms"], "half_load_share": round(share, 2)}


def same_answers(ours, feast):
    """The answers must agree before anything is timed."""
    ids = [1, 7, ours.keys - 1, ours.keys + 5]
    a, b = ask(ours.port, body(ids)), ask(feast.port, body(ids))
    for name in ["driver_id", *FEATURES]:
        x = a["results"][a["metadata"]["feature_names"].index(name)]
        y = b["results"][b["metadata"]["feature_names"].index(name)]
        for i in range(len(ids)):
            close = x["values"][i] == y["values"][i] or abs(x["values"][i] - y["values"][i]) < 1e-6
            if not close or x["statuses"][i] != y["statuses"][i]:
                raise SystemExit(f"answers differ for {ids[i]} {name}: {x} {y}")


def main():
    parser = argparse.ArgumentParser(prog="bench/run online")
    parser.add_argument("--no-build", action="store_true", help="take the binary as it is")
    bench = Bench("online", parser)
    if not shutil.which("wrk"):
        raise SystemExit("wrk is missing: apt-get install wrk")
    if not bench.options.no_build:
        cargo_build("-p", "hanok")
    for label, keys, with_feast in [("10k", 10_000, True), ("1M", 1_000_000, True)]:
        names = {(shape, connections): f"{shape}x5 c{connections} {label}" for shape in (1, 50) for connections in (8, 64)}
        if not any(bench.wanted(name) for name in names.values()):
            continue
        ours = Server(start_ours, keys, True)
        wanted_peer = with_feast and (not bench.options.peer or "feast_serve" in bench.options.peer)
        feast = Server(start_feast, keys, False) if wanted_peer else None
        try:
            if feast:
                same_answers(ours, feast)
            for (shape, connections), name in names.items():
                if not bench.wanted(name):
                    continue
                peers = {"feast_serve": lambda s=shape, c=connections: feast.sample(s, c, PEER_WINDOW_S)} if feast else {}
                # The frame's rotation gives every contestant its turn; the floor is taken beside.
                row = bench.case(name, lambda s=shape, c=connections: ours.sample(s, c, WINDOW_S), peers, units=1)
                floor = ours.sample(0, connections, 2, path="/health")
                row["ours"]["floor_us_per_request"] = floor.extra["cpu_us_per_request"]
                row["ours"] |= ours.half_load(shape, connections, row["ours"]["rate"])
                report(row)
        finally:
            ours.process.stop()
            if feast:
                feast.process.stop()
    bench.finish()


def report(row):
    ours = row["ours"]
    text = f"  {ours['cpu_us_per_request']:.1f} µs a request ({ours['floor_us_per_request']:.1f} of it kernel and HTTP), "
    text += f"p99 {ours['p99_ms']:.2f} ms, {ours['p99_ms_half_load']:.2f} ms at {ours['half_load_share']:.0%} of the peak"
    for who, peer in row["peers"].items():
        text += f"; {who} {peer['cpu_us_per_request']:.0f} µs, p99 {peer['p99_ms']:.0f} ms"
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
