"""Drift statistics and outputs of models against scipy, scikit-learn, Evidently, NannyML and river, and saved profiles against DataSketches.

    cargo build --release -p hanok-drift --examples
    python -m tests.drift target/release/examples/drift [COUNT]

Needs the packages of tests/drift/requirements.txt. Every seed makes two tables of many kinds of columns. The largest deviation of each
statistic is printed, relative to the larger of the value and 1.
"""

import collections
import math
import pathlib
import sys
import tempfile
import warnings

from tests.drift import (
    by_datasketches, by_evidently, by_nannyml, by_outputs, by_river, by_scipy, change_points, flights, multivariate, tables,
)

LIMIT = 1e-9


class Deviations:
    """The largest deviation of each statistic."""

    def __init__(self):
        self.largest = collections.defaultdict(float)
        self.failed = []

    def add(self, name, found, expected, place, limit=LIMIT):
        expected = float(expected)
        if found is None:
            # JSON has no number for what is infinite or none.
            self.check(not math.isfinite(expected), f"{place} {name}: nothing finite is not {expected}")
            return
        found = float(found)
        same = found == expected or (found != found and expected != expected)
        deviation = 0.0 if same else abs(found - expected) / max(1.0, abs(expected))
        self.largest[name] = max(self.largest[name], deviation)
        if not deviation <= limit:
            self.failed.append(f"{place} {name}: {found} is not {expected}")

    def check(self, is_right, message):
        if not is_right:
            self.failed.append(message)


def main():
    warnings.simplefilter("ignore")
    binary = pathlib.Path(sys.argv[1]).resolve()
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    deviations = Deviations()
    with tempfile.TemporaryDirectory() as folder:
        hanok = tables.Hanok(binary, pathlib.Path(folder))
        for seed in range(count):
            reference, current = tables.make(seed)
            by_scipy.check(hanok, reference, current, seed, deviations)
            by_evidently.check(hanok, reference, current, seed, deviations)
            by_nannyml.check(hanok, reference, current, seed, deviations)
            multivariate.check(hanok, seed, deviations)
            by_outputs.check(binary, hanok.folder, seed, deviations)
            by_datasketches.check(hanok, reference, current, seed, deviations)
        for seed in range(count * 4):
            by_river.check(hanok, seed, deviations)
        for _ in change_points.annotated(hanok, deviations):
            pass
        flights.check(hanok, deviations)
        by_outputs.estimates(binary, hanok.folder, deviations)
    for name, deviation in sorted(deviations.largest.items()):
        print(f"{name:36} {deviation:.1e}")
    for failure in deviations.failed[:40]:
        print(failure)
    print(f"{len(deviations.failed)} failed")
    sys.exit(bool(deviations.failed))


if __name__ == "__main__":
    main()
