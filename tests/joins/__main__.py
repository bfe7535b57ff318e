"""Runs the cases."""

import argparse
import concurrent.futures
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from .check import work

CASES, FEAST_CASES = 120, 15
SEED = 20_261_122


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.joins")
    parser.add_argument("hanok", type=Path)
    parser.add_argument("--cases", type=int, default=CASES, help="cases against DuckDB")
    parser.add_argument("--feast", type=int, default=FEAST_CASES, help="further cases against DuckDB and Feast")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", help="repeat one: its number, with an f before it for one of Feast's, or `large`")
    parser.add_argument("--keep-going", action="store_true", help="all failures, not only the first")
    parser.add_argument("--jobs", type=int, default=max(2, os.cpu_count() or 2), help="cases at a time")
    options = parser.parse_args()
    parts = {
        "DuckDB's cases": [(n, False) for n in range(options.cases)] + [(None, False)],
        "Feast's cases": [(n, True) for n in range(options.feast)],
    }
    if options.case:
        number = None if options.case == "large" else int(options.case.lstrip("f"))
        parts = {"one case": [(number, options.case.startswith("f"))]}
    base = Path(tempfile.mkdtemp(prefix="hanok-join-oracle-"))
    covered, passed, failed = Counter(), 0, 0
    print(f"  seed {options.seed}")
    # Spawned, because DuckDB does not survive a fork.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, context) as pool:
        for what, numbers in parts.items():
            started = time.monotonic()
            hanok = options.hanok.resolve()
            tasks = [pool.submit(work, hanok, base, options.seed, number, feast) for number, feast in numbers]
            for task in tasks:
                if task.cancelled():
                    continue
                _, error, counts = task.result()
                covered.update(counts)
                passed, failed = passed + (error is None), failed + (error is not None)
                if error:
                    print(error, flush=True)
                    if not options.keep_going:
                        for other in tasks:
                            other.cancel()
            print(f"  {what}: {time.monotonic() - started:.0f} s", flush=True)
            if failed and not options.keep_going:
                break
    for name, count in covered.items():
        print(f"    {name}: {count}")
    print(f"{passed} passed, {failed} failed")
    if failed:
        sys.exit(1)
    shutil.rmtree(base, ignore_errors=True)
    # What was never met was never tested.
    missing = [name for name, count in covered.items() if count == 0]
    if options.cases >= CASES and not options.case and missing:
        sys.exit(f"these never happened: {missing}")


if __name__ == "__main__":
    main()
