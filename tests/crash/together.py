"""Several processes at once on one table."""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from ..hanok import Failure
from .project import Shop
from .shop import File

# A conflict, a table under maintenance, a table that another process loads: documented, and worth another try.
RETRIED = {"HK0202", "HK0207", "HK0312"}
TRIES_MAX = 10


class Together:
    """Two loaders, an optimiser and a reader on one table."""

    def __init__(self, hanok: Path, folder: Path, rng: random.Random, files: int) -> None:
        self.project = Shop(hanok, folder / "together")
        self.files = files
        self.rows = [[rng.randint(20, 400) for _ in range(files)] for _ in range(2)]
        self.retried: Counter = Counter()
        self.counts: Counter = Counter()
        self.errors: list[Exception] = []
        self.loading = threading.Event()
        self.lock = threading.Lock()

    def run(self) -> str:
        """Returns what happened."""
        started = time.perf_counter()
        self.project.put(File("hanok.yaml", b"name: together\nversion: 1\n"))
        source = "sources:\n  - name: events\n    files: [data/*.csv]\n    columns: { id: int64, loader: int64 }\n"
        self.project.put(File("sources/events.yaml", source.encode()))
        self.project.put(File("data/first.csv", b"id,loader,note\n0,9,first\n"))
        self.project.ok("load")
        loaders = [threading.Thread(target=self.guarded, args=(self.load, number)) for number in range(2)]
        others = [threading.Thread(target=self.guarded, args=(work, 0)) for work in (self.optimize, self.read)]
        for thread in (*loaders, *others):
            thread.start()
        for thread in loaders:
            thread.join()
        self.loading.set()
        for thread in others:
            thread.join()
        if self.errors:
            raise self.errors[0]
        expected = 1 + sum(map(sum, self.rows))
        self.check(expected, "after all loads")
        ledger = self.project.rows("select count(*) as files, sum(rows_loaded) as rows from hanok.loads")[0]
        if (ledger["files"], ledger["rows"]) != (2 * self.files + 1, expected):
            raise Failure(f"hanok.loads has {ledger}, expected {2 * self.files + 1} files and {expected} rows")
        self.retry("optimize", "raw.events")
        self.check(expected, "after the last optimisation")
        self.project.ok("optimize", "raw.events")
        self.project.ok("vacuum", "raw.events", "--older-than", "0s")
        self.check(expected, "after a vacuum")
        if not self.counts["optimisations that joined files"]:
            raise Failure("no optimisation joined files while loads ran")
        counts = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        retried = ", ".join(f"{count} x {what}" for what, count in sorted(self.retried.items()))
        return (
            f"{expected} rows of {2 * self.files} files, none lost or doubled; {counts}; "
            f"tried again: {retried or 'nothing'} ({time.perf_counter() - started:.1f} s)"
        )

    def guarded(self, work: Callable[[int], None], number: int) -> None:
        try:
            work(number)
        except Exception as error:  # raised again by the main thread
            self.errors.append(error)
            self.loading.set()

    def count(self, what: str, by: int = 1) -> None:
        with self.lock:
            self.counts[what] += by

    def retry(self, *args: str) -> str:
        """Runs a command; documented conflicts are tried again, a bounded number of times."""
        for _ in range(TRIES_MAX):
            code, out, err = self.project.run(*args, "--json")
            if code == 0:
                return out
            found = re.search(r"HK\d{4}", out + err)
            if not found or found.group() not in RETRIED:
                raise Failure(f"`hanok {' '.join(args)}` ended with {code}:\n{out}\n{err}")
            with self.lock:
                self.retried[f"{args[0]} {found.group()}"] += 1
        raise Failure(f"`hanok {' '.join(args)}` met a conflict {TRIES_MAX} times:\n{out}\n{err}")

    def load(self, loader: int) -> None:
        for at, rows in enumerate(self.rows[loader]):
            if self.loading.is_set():
                return
            first = 1 + (loader * self.files + at) * 1000
            lines = ["id,loader,note", *(f"{first + row},{loader},of {at}" for row in range(rows))]
            self.project.put(File(f"data/{loader}-{at:03}.csv", ("\n".join(lines) + "\n").encode()))
            self.retry("load", "events")
            self.count("loads")

    def optimize(self, _: int) -> None:
        while not self.loading.is_set():
            done = json.loads(self.retry("optimize", "raw.events"))
            self.count("optimisations")
            if any(table["files_removed"] for table in done["tables"]):
                self.count("optimisations that joined files")
            time.sleep(0.02)

    def read(self, _: int) -> None:
        least = 0
        while not self.loading.is_set():
            found = self.numbers()
            if found["n"] != found["ids"] or found["n"] < least:
                raise Failure(f"a reader saw {found} after it had seen {least} rows")
            least = found["n"]
            self.count("reads")
            time.sleep(0.05)

    def numbers(self) -> dict:
        return self.project.rows("select count(*) as n, count(distinct id) as ids from raw.events")[0]

    def check(self, expected: int, when: str) -> None:
        found = self.numbers()
        if found != {"n": expected, "ids": expected}:
            raise Failure(f"{when} raw.events has {found['n']} rows with {found['ids']} ids; expected {expected}")
