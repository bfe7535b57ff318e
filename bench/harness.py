"""Runs ours and its peers side by side and writes bench/results/NAME.json.

    from harness import Bench, cache, venv_python
    bench = Bench("pit")
    bench.case("100k x 1M x 5", units=100_000,
               ours=["target/release/…", "…"],
               peers={"duckdb_asof": [venv_python("pit"), "peer.py", "…"]})
    bench.finish()

A contestant is a command (list of strings, or a `Command` with environment and folder), run in a process of its own and
measured through wait4: user + system CPU seconds (descendants that were waited for included), wall seconds and peak
resident memory. Or it is a callable for what is not one process from start to end (a server under load): it returns a
`Sample`; `Process` below helps to take one. Contestants run alternately, in an order that rotates every round, so that
whatever else the machine does falls on all of them; medians are reported.

Keep bench.py itself small: Linux counts the memory of the forking process into the child's peak, so generate data in a
subprocess and do not import data libraries into bench.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import signal
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
ROUNDS = 5


def cache(name: str = "") -> pathlib.Path:
    """The cache folder, or a subfolder of it (made when missing): generated data and environments live there."""
    base = pathlib.Path(os.environ.get("HANOK_CACHE") or pathlib.Path.home() / ".cache" / "hanok")
    folder = base / name if name else base
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def venv_python(name: str) -> str:
    """The interpreter of the environment bench-NAME, as made by bench/run."""
    return str(cache() / f"bench-{name}" / "bin" / "python")


def target_dir() -> pathlib.Path:
    """Where cargo puts what it builds."""
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")


def cargo_build(*arguments: str) -> None:
    """Builds ours in the release profile, e.g. cargo_build("-p", "hanok")."""
    subprocess.run(["cargo", "build", "--release", *arguments], cwd=ROOT, check=True)


@dataclasses.dataclass
class Command:
    """A command with what it needs around it."""

    arguments: list[str]
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    cwd: str | None = None
    timeout_s: float = 1800


@dataclasses.dataclass
class Sample:
    """One measured run. `units` is the work done (rows, requests); 0 takes the case's figure."""

    cpu_s: float
    wall_s: float
    rss_mb: float
    units: float = 0
    extra: dict = dataclasses.field(default_factory=dict)


class Failed(Exception):
    """A contestant did not finish."""


def measure(command: list[str] | Command) -> Sample:
    """Runs a command to its end and measures it."""
    command = command if isinstance(command, Command) else Command([str(a) for a in command])
    with open(os.devnull, "rb") as nothing:
        started = time.perf_counter()
        child = subprocess.Popen(
            command.arguments,
            stdin=nothing,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **command.env},
            cwd=command.cwd,
            start_new_session=True,
        )
        tail = b""
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child.pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, command.timeout_s)
        while chunk := os.read(child.stderr.fileno(), 65536):
            tail = (tail + chunk)[-4000:]
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        signal.setitimer(signal.ITIMER_REAL, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        child.stderr.close()
    if child.returncode != 0:
        raise Failed(f"{command.arguments[0]} … ended with {child.returncode}:\n{tail.decode(errors='replace')}")
    return Sample(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


class Process:
    """A server measured from outside, with its descendants (workers): cpu_s() now, peak_mb() and rss_mb() so far.

    with Process([…]) as server:
        before = server.cpu_s(); …load…; used = server.cpu_s() - before
    """

    def __init__(self, arguments: list[str], env: dict[str, str] | None = None, cwd: str | None = None, log=None):
        self.child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=log or subprocess.DEVNULL,
            stderr=log or subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """Asks it to end, then insists."""
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait()

    def pids(self) -> list[int]:
        """The process and its living descendants."""
        children: dict[int, list[int]] = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    parent = int(pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    continue
                children.setdefault(parent, []).append(int(entry))
        found, queue = [], [self.child.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            queue += children.get(pid, [])
        return found

    def cpu_s(self) -> float:
        """User + system seconds of all of them, descendants already waited for included."""
        total = 0.0
        for pid in self.pids():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")
        return total

    def _status(self, key: str) -> float:
        total = 0.0
        for pid in self.pids():
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            if found := re.search(rf"^{key}:\s+(\d+) kB", text, re.M):
                total += int(found[1]) / 1024
        return total

    def rss_mb(self) -> float:
        """Resident memory now."""
        return self._status("VmRSS")

    def peak_mb(self) -> float:
        """Peak resident memory, summed over the processes."""
        return self._status("VmHWM")


def machine() -> dict:
    """What the figures were taken on, without anything that names the machine."""
    cpu = platform.processor()
    try:
        cpu = re.search(r"model name\s*:\s*(.+)", pathlib.Path("/proc/cpuinfo").read_text())[1].strip()
    except (OSError, TypeError):
        pass
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cpu": cpu, "cores": os.cpu_count(), "memory_gb": round(memory, 1), "kernel": platform.release()}


def versions(*venvs: str) -> dict[str, str]:
    """Versions of what the environments' requirements files pin, and of ours."""
    found = {"python": platform.python_version()}
    for venv in venvs:
        listed = cache() / f"bench-{venv}" / "requirements.txt"
        for line in listed.read_text().splitlines() if listed.exists() else []:
            if pinned := re.match(r"\s*([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", line):
                found[pinned[1].lower()] = pinned[2]
    try:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        found["hanok"] = commit.stdout.strip() or "unknown"
    except OSError:
        found["hanok"] = "unknown"
    return found


class Bench:
    """Collects the cases of one benchmark. Takes --rounds N, --case TEXT and --peer NAME from the command line; a run
    narrowed by --case or --peer prints its table but leaves the results file alone unless --write is given."""

    def __init__(self, name: str, parser: argparse.ArgumentParser | None = None):
        self.name = name
        parser = parser or argparse.ArgumentParser(prog=f"bench/run {name}")
        parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"rounds a case (default {ROUNDS})")
        parser.add_argument("--case", action="append", default=[], help="only cases whose name holds this text")
        parser.add_argument("--peer", action="append", default=[], help="only these peers")
        parser.add_argument("--write", action="store_true", help="write the results file of a narrowed run, too")
        self.options = parser.parse_args()
        self.cases: list[dict] = []
        self.versions: dict[str, str] = {}

    def wanted(self, case: str) -> bool:
        """Whether the command line asks for this case."""
        return not self.options.case or any(text in case for text in self.options.case)

    def case(self, case: str, ours, peers: dict, units: float, extra: dict | None = None, slow: int = ROUNDS) -> dict | None:
        """Measures one case. `units` is the work of one run; rate = units / wall_s, and ratio compares CPU a unit. Peers take part in
        `slow` rounds at most."""
        if not self.wanted(case):
            return None
        contestants = {"ours": ours}
        contestants |= {k: v for k, v in peers.items() if not self.options.peer or k in self.options.peer}
        own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if own_mb > 60:
            print(f"warning: bench.py itself holds {own_mb:.0f} MB, which peaks below that would hide behind")
        samples: dict[str, list[Sample]] = {who: [] for who in contestants}
        failed: dict[str, str] = {}
        order = list(contestants)
        for round_number in range(self.options.rounds):
            for who in order[round_number % len(order) :] + order[: round_number % len(order)]:
                if who in failed or (who != "ours" and round_number >= slow):
                    continue
                contestant = contestants[who]
                try:
                    samples[who].append(contestant() if callable(contestant) else measure(contestant))
                except Failed as error:
                    if who == "ours":
                        raise
                    failed[who] = str(error)
                    print(f"{case}: {who} left out: {error}", file=sys.stderr)
        row = {"case": case, "ours": _median(samples["ours"], units), "peers": {}, "ratio": {}, **(extra or {})}
        row |= {"date": _now(), "hanok": versions()["hanok"]}
        if failed:
            row["left_out"] = {**row.get("left_out", {}), **{who: error[-500:] for who, error in failed.items()}}
        for who in contestants:
            if who == "ours" or who in failed:
                continue
            row["peers"][who] = _median(samples[who], units)
            ours_unit, peer_unit = _cpu_a_unit(samples["ours"], units), _cpu_a_unit(samples[who], units)
            row["ratio"][who] = round(peer_unit / max(ours_unit, 1e-12), 2)
        self.cases.append(row)
        _print(row)
        return row

    def finish(self) -> None:
        """Writes bench/results/NAME.json."""
        narrowed = bool(self.options.case or self.options.peer)
        if narrowed and not self.options.write:
            print("narrowed run: results file left alone (--write to write it)")
            return
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        if narrowed and path.exists():
            # What was not run keeps its figures; each case says when it was measured.
            mine = {case["case"]: case for case in self.cases}
            kept = json.loads(path.read_text())["cases"]
            self.cases = [mine.pop(case["case"], case) for case in kept] + list(mine.values())
        report = {
            "name": self.name,
            "date": _now(),
            "machine": machine(),
            "versions": self.versions or versions(self.name),
            "cases": self.cases,
        }
        path.write_text(json.dumps(report, indent=1) + "\n")
        print(f"wrote {path.relative_to(ROOT)}")


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _median(samples: list[Sample], units: float) -> dict:
    middle = lambda pick: statistics.median(pick(s) for s in samples)
    row = {
        "cpu_s": round(middle(lambda s: s.cpu_s), 4),
        "wall_s": round(middle(lambda s: s.wall_s), 4),
        "rss_mb": round(middle(lambda s: s.rss_mb), 1),
        "rate": round(middle(lambda s: (s.units or units) / max(s.wall_s, 1e-9)), 1),
    }
    for key in samples[0].extra:
        row[key] = statistics.median(s.extra[key] for s in samples)
    return row


def _cpu_a_unit(samples: list[Sample], units: float) -> float:
    return statistics.median(s.cpu_s / (s.units or units) for s in samples)


def _print(row: dict) -> None:
    print(f"\n{row['case']}")
    print(f"  {'':16}{'CPU s':>10}{'wall s':>10}{'MB':>10}{'rate /s':>14}{'ratio':>9}")
    for who, figures in {"ours": row["ours"], **row["peers"]}.items():
        ratio = f"{row['ratio'][who]:.2f}×" if who in row["ratio"] else ""
        print(
            f"  {who:16}{figures['cpu_s']:>10.3f}{figures['wall_s']:>10.3f}{figures['rss_mb']:>10.0f}"
            f"{figures['rate']:>14,.0f}{ratio:>9}",
            flush=True,
        )
