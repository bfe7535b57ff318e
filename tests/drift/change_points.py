"""Detection delay and false alarms on the series with annotated change points that river carries (Turing Change Point Dataset), and on
streams with a known change; ours beside river's.

    python -m tests.drift.change_points target/release/examples/drift > docs/drift-change-points.md
"""

import pathlib
import sys
import tempfile

import numpy as np
import pandas as pd
import pyarrow as pa
from river.drift import datasets

from tests.drift import by_river, tables

# The class, its columns of values, and which rows the annotators were shown.
SERIES = {
    "airline passengers": (datasets.AirlinePassengers, ["Total Passengers"], slice(None)),
    "apple": (datasets.Apple, ["Close", "Volume"], slice(None, None, 3)),
    "bitcoin": (datasets.Bitcoin, ["price"], slice(None)),
    "brent crude oil": (datasets.BrentSpotPrice, ["DPB"], slice(3204, None, 10)),
    "occupancy": (datasets.Occupancy, ["V1", "V2", "V3", "V4"], slice(None)),
    "run log": (datasets.RunLog, ["Pace", "Distance"], slice(None)),
    "coal employment": (datasets.UKCoalEmploy, ["Employment"], slice(None)),
}
NUMERIC = ("adwin", "page_hinkley", "kswin")
# Windows of a course.
WINDOWS = 40
STREAMS = 100


def series(name):
    """The standardised columns, and of each annotator the points of change."""
    make, columns, rows = SERIES[name]
    dataset = make()
    frame = pd.read_csv(dataset.path)[columns].astype(float)[rows].to_numpy()
    return (frame - frame.mean(axis=0)) / frame.std(axis=0), list(dataset.annotations.values())


def scores(found, annotations, length, before=0):
    """The share of points that a signal follows within a tenth of the series, the mean delay, and signals that follow no point."""
    within = length // 10
    follows = lambda point: [signal - point for signal in found if -before <= signal - point <= within]
    delays = [min(follows(point), key=abs) for points in annotations for point in points if follows(point)]
    count = sum(map(len, annotations))
    every = {point for points in annotations for point in points}
    false = [signal for signal in found if not any(-before <= signal - point <= within for point in every)]
    return len(delays) / max(count, 1), np.mean(np.abs(delays)) if delays else float("nan"), len(found), len(false)


def drifts(signals):
    return [at for at, signal in enumerate(signals) if signal == 2]


def by_course(hanok, values):
    """Where the windows change, and how many rows a window has."""
    rows = max(1, len(values) // WINDOWS)
    table = pa.table({f"c{at}": column for at, column in enumerate(values.T)} | {"row": np.arange(len(values), dtype=float)})
    found = hanok.on("course", table, table, "row", rows)["course"]
    changes = {change["time"] for column in found["columns"] for change in column["changes"]}
    return sorted(int(time) for time in changes), rows


def annotated(hanok, deviations=None):
    for name in SERIES:
        values, annotations = series(name)
        row = lambda detector, *scored: (name, len(values), detector, *scored)
        for detector in NUMERIC:
            ours, theirs = set(), set()
            for column in values.T:
                ours |= set(drifts(by_river.signals(hanok, detector, column)))
                theirs |= set(drifts(by_river.theirs(detector, column)))
            if deviations is not None:
                deviations.add(f"annotated {detector}", len(ours ^ theirs), 0, name)
            yield row(detector, *scores(sorted(ours), annotations, len(values)), scores(sorted(theirs), annotations, len(values))[3])
        found, rows = by_course(hanok, values)
        yield row("course", *scores(found, annotations, len(values), rows), None)


def known(hanok):
    """A change after 1000 of 2000 values: a rate from 0.1 to 0.3, a mean by one deviation."""
    for detector in by_river.DETECTORS:
        is_binary = detector in by_river.ERRORS
        all_delays, false = {"ours": [], "river": []}, {"ours": 0, "river": 0}
        for seed in range(STREAMS):
            random = np.random.default_rng(seed)
            at = np.arange(2000)
            changed = random.random(2000) < np.where(at < 1000, 0.1, 0.3) if is_binary else random.normal(at >= 1000)
            stream = changed.astype(float)
            for who, signals in (("ours", by_river.signals(hanok, detector, stream)), ("river", by_river.theirs(detector, stream))):
                found = drifts(signals)
                false[who] += sum(signal < 1000 for signal in found)
                all_delays[who] += [signal - 1000 for signal in found if signal >= 1000][:1]
        share = lambda who: len(all_delays[who]) / STREAMS
        delay = lambda who: np.median(all_delays[who]) if all_delays[who] else float("nan")
        yield detector, *[f"{of(who):.{digits}f}" for of, digits in ((share, 2), (delay, 0)) for who in ("ours", "river")], *[
            f"{false[who] / STREAMS * 10:.1f}" for who in ("ours", "river")]


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        hanok = tables.Hanok(binary, pathlib.Path(folder))
        print(HEAD)
        for detector, *cells in known(hanok):
            print(f"| {detector} | " + " | ".join(cells) + " |")
        print(MIDDLE)
        number = lambda value: "–" if value is None or value != value else f"{value:.0f}"
        for name, rows, detector, share, delay, signals, false, theirs in annotated(hanok):
            print(f"| {name} | {rows} | {detector} | {share:.2f} | {number(delay)} | {signals} | {false} | {number(theirs)} |")


HEAD = """<!-- Generated by `python -m tests.drift.change_points target/release/examples/drift`; do not edit. -->

# Change points: delay and false alarms

## Streams with one known change

A hundred streams of 2000 values; after 1000 a rate of errors rises from 0.1 to 0.3 (detectors of errors: ddm, eddm, hddm) or a mean by one
standard deviation. Defaults of river 0.26.1. Found is the share of streams with a signal after the change, delay the median of values until
the first one, false the alarms before the change, in 10,000 values. KSWIN draws at random: ours and river's are given the same places.

| detector | found, ours | found, river | delay, ours | delay, river | false, ours | false, river |
|---|---|---|---|---|---|---|"""

MIDDLE = """
## Annotated series

The series of the Turing Change Point Dataset that river carries, standardised, with the points of change that people marked (van den
Burg and Williams 2020). Found is the share of all marks that a signal follows within a tenth of the series, delay the mean number of values in
between; false are signals that follow no mark of anyone. A series of several columns has a signal when one of them has. `course` sees the whole
series, cut into about 40 windows, and may place a change one window too early; it takes neighbouring windows to be no more alike than distant
ones, which prices that wander are not, and so finds changes where people see a slope.

| series | values | method | found | delay | signals | false | false, river |
|---|---|---|---|---|---|---|---|"""

if __name__ == "__main__":
    main()
