"""Runs all of it."""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ..hanok import Failure
from .explains import explain
from .merges import merge
from .suite import ROUNDS, Suite, say
from .together import Together


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.crash", description="kills Hanok at any moment and compares with an undisturbed project"
    )
    parser.add_argument("hanok", type=Path)
    parser.add_argument("--rounds", type=int, default=sum(ROUNDS.values()), help="kills in all, about")
    parser.add_argument("--seed", type=int, default=None, help="default: by the clock")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000
    folder = Path(tempfile.mkdtemp(prefix="hanok-crash-")).resolve()
    started = time.perf_counter()
    suite = Suite(options.hanok, folder, seed, options.rounds)
    try:
        suite.prepare()
        suite.fresh()
        suite.checkpoint()
        suite.grown("build", ("load",), "build")
        suite.grown("materialize", ("load", "build"), "materialize", online=True)
        suite.grown("serve", ("load", "build"), "materialize", online=True, serve=True)
        suite.grown("load", (), "load")
        suite.optimize()
        suite.vacuum()
        merge(suite)
        explain(suite)
        files = max(3, round(30 * min(1.0, suite.scale)))
        say("together", Together(options.hanok, folder, suite.rng("together"), files).run())
        if suite.hits * 2 < suite.kills:
            raise Failure(f"only {suite.hits} of {suite.kills} kills hit a running process: give it more to do")
    except (Failure, subprocess.TimeoutExpired) as failure:
        suite.executor.shutdown(wait=True, cancel_futures=True)
        print(f"FAILED with --seed {seed}, projects kept in {folder}\n{failure}", file=sys.stderr)
        sys.exit(1)
    except BaseException:
        print(f"FAILED with --seed {seed}, projects kept in {folder}", file=sys.stderr)
        raise
    suite.executor.shutdown(wait=True)
    shutil.rmtree(folder)
    print(f"{suite.kills} kills, {suite.hits} hit, 0 differences, seed {seed}, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
