"""Merges that are killed: all tables or none, at any moment."""

import time

from ..hanok import Failure
from .kills import Killer
from .measure import usual
from .state import State, check_equal
from .suite import Suite


def merge(suite: Suite) -> None:
    """Kills merges of a branch that loaded and built, into a parent that loaded other files meanwhile."""
    started, killer = time.perf_counter(), Killer(suite.crash, suite.rng("merge"))
    reference, stage = suite.reference, suite.stage("to merge")
    reference.restore(suite.stage("materialize"))
    reference.make()
    reference.ok("branch", "create", "dev")
    for branch in ("dev", "main"):
        files = [suite.maker.orders(300), suite.maker.clicks(300), suite.maker.stock(100)]
        for file in files:
            reference.put(file)
        reference.ok("load", "--branch", branch)
        if branch == "dev":
            reference.ok("build", "--branch", branch)
            # Main does not load them too: that would be a conflict.
            for file in files:
                (reference.path / file.path).unlink()
    reference.save(stage)
    before, runs = State(reference.tables()), []
    for _ in range(3):
        reference.restore(stage)
        runs.append(reference.measured("branch", "merge", "dev"))
    after = reference.state(online=False)
    changed = [name for name, rows in after.tables.items() if before.tables.get(name) != rows]
    if len(changed) < 4:
        raise Failure(f"the test's own data is not as meant: a merge changes {changed}")
    for _ in range(suite.rounds("merge")):
        suite.crash.restore(stage)
        for _ in range(2 if killer.rng.random() < 0.3 else 1):
            killer.kill(("branch", "merge", "dev"), usual(runs))
        killer.look(before, after)
        suite.crash.ok("branch", "merge", "dev")
        check_equal(after, suite.crash.state(online=False))
        if suite.crash.answer("branch", "merge", "dev")["tables"]:
            raise Failure("a merge that is done brings something once more")
    if killer.tally.seen["between"]:
        raise Failure(f"{killer.tally.seen['between']} times some tables were merged and others not")
    suite.end("merge", killer, started, f"; {len(changed)} tables each")
