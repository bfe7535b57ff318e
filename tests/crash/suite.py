"""The phases in which commands are killed and the two projects compared."""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..hanok import Failure, lake_folder, table_folders
from .kills import Killer
from .leftovers import check_garbage, check_load_ids, garbage, nameless
from .measure import Usual, usual
from .project import Shop
from .servers import Asking, Server
from .shop import START, File, Maker
from .state import State, check_equal

STEPS = ("load", "build", "apply", "materialize")
CHECKPOINTED = ("raw.orders", "raw.orders__rejects")
FRESH = (0, 1, 3, 0, 1, 3, 0, 2)
"""Which of the steps is killed, in turns."""
ROUNDS = {"fresh": 24, "checkpoint": 6, "load": 32, "build": 24, "materialize": 20, "serve": 12, "optimize": 6, "merge": 24, "explain": 16}
"""Kills in a whole run, by phase."""


def say(phase: str, text: str) -> None:
    print(f"  {phase}: {text}", flush=True)


@dataclass
class Round:
    """One round as the undisturbed project went through it."""

    files: list[File]
    before: State
    after: State
    usual: Usual


class Suite:
    """The phases, each over the same two projects."""

    def __init__(self, hanok: Path, folder: Path, seed: int, rounds: int) -> None:
        self.folder = folder
        self.seed = seed
        self.scale = rounds / sum(ROUNDS.values())
        self.reference = Shop(hanok, folder / "reference")
        self.crash = Shop(hanok, folder / "crash")
        self.kills = 0
        self.hits = 0
        self.executor = ThreadPoolExecutor(1)

    def rounds(self, phase: str) -> int:
        return max(1, round(ROUNDS[phase] * self.scale))

    def rng(self, what: str) -> random.Random:
        return random.Random(f"{self.seed} {what}")

    def stage(self, name: str) -> Path:
        return self.folder / "stages" / name

    def prepare(self) -> None:
        """Runs everything once, keeps the state after each step, and the time that each step took."""
        self.maker = Maker(self.rng("data"))
        for project in (self.reference, self.crash):
            project.make()
        for file in self.maker.base():
            self.reference.put(file)
        self.stages: dict[str, State] = {"new": State()}
        self.usual: dict[str, Usual] = {}
        self.reference.save(self.stage("new"))
        for before, command in zip(("new", *STEPS), STEPS):
            runs = []
            for _ in range(3):
                self.reference.restore(self.stage(before))
                runs.append(self.reference.measured(command))
            self.usual[command] = usual(runs)
            self.stages[command] = self.reference.state(online=command == "materialize")
            self.reference.save(self.stage(command))
        rows = {name: len(lines) - 1 for name, lines in self.stages["materialize"].tables.items()}
        for name in ("orders", "clicks", "prices"):
            if rows.get(f"raw.{name}", 0) == 0 or (name != "prices" and rows.get(f"raw.{name}__rejects", 0) == 0):
                raise Failure(f"the test's own data is not as meant: {rows}")
        times = ", ".join(f"{step} {1000 * took.seconds:.0f} ms" for step, took in self.usual.items())
        say("reference", f"{sum(rows.values())} rows in {len(rows)} tables; {times}")

    def end(self, phase: str, killer: Killer, started: float, more: str = "") -> None:
        tally = killer.tally
        self.kills += tally.kills
        self.hits += tally.hits
        check_load_ids(self.crash)
        check_garbage(self.crash, self.reference, self.kills)
        unknown = len(nameless(self.crash))
        more += f"; {unknown} folders that no name refers to" if unknown else ""
        say(phase, f"{tally.text()}{more} ({time.perf_counter() - started:.1f} s)")

    def fresh(self) -> None:
        """Kills the first run of each command: the one that makes the catalog, the tables, the store."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("fresh"))
        for number in range(self.rounds("fresh")):
            at = FRESH[number % len(FRESH)]
            before, command = ("new", *STEPS)[at], STEPS[at]
            self.crash.restore(self.stage(before))
            for _ in range(2 if killer.rng.random() < 0.3 else 1):
                killer.kill((command,), self.usual[command])
            was, becomes = self.stages[before], self.stages[command]
            killer.look(State(was.tables), State(becomes.tables))
            self.crash.ok(command)
            check_equal(becomes, self.crash.state(online=command == "materialize"))
        self.end("fresh", killer, started)

    def checkpoint(self) -> None:
        """Kills the load whose commit is the hundredth, after which a Delta checkpoint is written."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("checkpoint"))
        self.reference.restore(self.stage("load"))
        folders = table_folders(self.reference.path)
        for log in [folders[name][1] / "_delta_log" for name in CHECKPOINTED]:
            # Ninety-odd commits that say nothing take the place of ninety-odd loads.
            first = len(list(log.glob("*.json")))
            for version in range(first, 99):
                info = {"timestamp": START * 1000 + version, "operation": "WRITE", "operationParameters": {}}
                (log / f"{version:020}.json").write_text(json.dumps({"commitInfo": info}) + "\n")
        self.reference.save(self.stage("checkpoint"))
        before = State(self.reference.tables())
        files = [self.maker.orders(400), self.maker.clicks(400), self.maker.stock(200), self.maker.prices()]
        runs = []
        for _ in range(3):
            self.reference.restore(self.stage("checkpoint"))
            for file in files:
                self.reference.put(file)
            runs.append(self.reference.measured("load"))
        after = self.reference.state(online=False)
        made = len(list(lake_folder(self.reference.path).glob("*/_delta_log/*.checkpoint.parquet")))
        if made != len(CHECKPOINTED):
            raise Failure(f"the test's own data is not as meant: {made} checkpoints")
        for _ in range(self.rounds("checkpoint")):
            self.crash.restore(self.stage("checkpoint"))
            for file in files:
                self.crash.put(file)
            killer.kill(("load",), usual(runs), from_share=0.3)
            killer.look(before, after)
            self.crash.ok("load")
            check_equal(after, self.crash.state(online=False))
        self.end("checkpoint", killer, started, f"; {made} checkpoints a load")

    def ahead(self, count: int, setup: tuple[str, ...], command: str, online: bool) -> Iterator[Round]:
        """The rounds of the undisturbed project, which goes one round ahead in the background."""
        start = self.stages["materialize"]
        last = start if online else State(start.tables, start.ledger)
        runs: list[Usual] = []

        def step() -> Round:
            nonlocal last
            files = [] if self.maker.rng.random() < 0.15 else self.maker.some()
            if command == "build":
                files += self.maker.other_kind()
            for file in files:
                self.reference.put(file)
            for earlier in setup:
                self.reference.ok(earlier)
            # A build or a materialisation starts from tables that the commands before it changed.
            before = State(self.reference.tables(), online=last.online) if setup else last
            runs.append(self.reference.measured(command))
            last = self.reference.state(online)
            return Round(files, before, last, usual(runs[-7:]))

        waiting = self.executor.submit(step)
        for number in range(count):
            ready = waiting.result()
            if number + 1 < count:
                waiting = self.executor.submit(step)
            yield ready

    def grown(
        self, phase: str, setup: tuple[str, ...], command: str, online: bool = False, serve: bool = False
    ) -> None:
        """Kills a command over and over in one project that gets new files all the time."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng(phase))
        for project in (self.reference, self.crash):
            project.restore(self.stage("materialize"))
            project.make()
        self.maker.stock_levels_is_table = False
        server = Server(self.crash) if serve else None
        answers = servers_killed = 0
        try:
            for number, round_ in enumerate(self.ahead(self.rounds(phase), setup, command, online)):
                for file in round_.files:
                    self.crash.put(file)
                for earlier in setup:
                    self.crash.ok(earlier)
                asking = Asking(server) if server else None
                for _ in range(2 if killer.rng.random() < 0.2 else 1):
                    killer.kill((command,), round_.usual)
                if server and number % 2:
                    answers += asking.check(round_.before, round_.after)
                    server.kill()
                    servers_killed += 1
                if online or killer.rng.random() < 0.7:
                    killer.look(round_.before, round_.after)
                self.crash.ok(command)
                if server:
                    if number % 2:
                        server = Server(self.crash)
                        asking = Asking(server)
                    server.wait_for(round_.after.online)
                    answers += asking.check(round_.before, round_.after)
                check_equal(round_.after, self.crash.state(online))
        finally:
            if server:
                server.stop()
        more = f"; {answers} answers of servers, {servers_killed} servers killed" if serve else ""
        self.end(phase, killer, started, more)

    def optimize(self) -> None:
        """Kills optimisations: rows stay what they are."""
        started, killer = time.perf_counter(), Killer(self.crash, self.rng("optimize"))
        # What the loads of the grown project left: many small files.
        self.crash.save(self.stage("many files"))
        state = self.crash.state(online=True)
        took = self.crash.measured("optimize")
        check_equal(state, self.crash.state(online=True))
        for _ in range(self.rounds("optimize")):
            self.crash.restore(self.stage("many files"))
            killer.kill(("optimize",), took)
            killer.look(state, state)
            self.crash.ok("optimize")
            check_equal(state, self.crash.state(online=True))
        self.end("optimize", killer, started)

    def vacuum(self) -> None:
        """What the kills left goes, and nothing else does."""
        state, left = self.crash.state(online=True), garbage(self.crash)
        self.crash.ok("vacuum", "--older-than", "0s")
        check_equal(state, self.crash.state(online=True))
        now = garbage(self.crash)
        if now:
            raise Failure(f"a vacuum leaves {len(now)} of {len(left)} left-over files: {now[:6]}")
        say("vacuum", f"{len(left)} left-over files deleted, every row still there")
