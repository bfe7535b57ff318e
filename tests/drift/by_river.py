"""Detectors by river, on streams with and without change points."""

import random

import numpy as np
from river import drift

DETECTORS = {
    "adwin": drift.ADWIN,
    "page_hinkley": drift.PageHinkley,
    "ddm": drift.binary.DDM,
    "eddm": drift.binary.EDDM,
    "hddm_a": drift.binary.HDDMA,
    "hddm_a_both": lambda: drift.binary.HDDMA(two_sided_test=True),
    "hddm_w": drift.binary.HDDMW,
    "hddm_w_both": lambda: drift.binary.HDDMW(two_sided_test=True),
    "kswin": lambda: drift.KSWIN(seed=7),
}
# Of errors rather than numbers.
ERRORS = [name for name in DETECTORS if name.startswith(("ddm", "eddm", "hddm"))]


def check(hanok, seed, deviations):
    source = np.random.default_rng(seed)
    parts = [int(source.integers(50, 2500)) for _ in range(int(source.integers(1, 4)))]
    rates = [float(source.uniform(0.02, 0.6)) for _ in parts]
    errors = np.concatenate([source.random(rows) < rate for rows, rate in zip(parts, rates)]).astype(float)
    numbers = np.concatenate([source.normal(10 * rate, 1 + rate, rows) for rows, rate in zip(parts, rates)])
    for name in DETECTORS:
        is_binary = name in ERRORS
        stream = errors if is_binary or seed % 2 else numbers
        if name == "kswin":
            stream = stream[:600]
        ours = signals(hanok, name, stream)
        different = [at for at, (a, b) in enumerate(zip(ours, theirs(name, stream))) if a != b]
        deviations.add(f"river {name}", len(different), 0, f"seed {seed} first at {different[:1]} of {len(stream)}")


def theirs(name, stream):
    """2 for drift, 1 for a warning, 0 for none, by river."""
    is_binary = name in ERRORS
    found, detector = [], DETECTORS[name]()
    for value in stream:
        detector.update(int(value) if is_binary else float(value))
        warning = getattr(detector, "warning_detected", False)
        found.append(2 if detector.drift_detected else 1 if warning else 0)
    return found


def signals(hanok, name, stream):
    path, draws = hanok.folder / "stream", hanok.folder / "draws"
    np.asarray(stream, dtype="<f8").tofile(path)
    more = []
    if name == "kswin":
        # river makes the generator anew after a drift, so that the tests draw the same again.
        generator = random.Random(7)
        np.array([generator.sample(range(70), 30) for _ in stream], dtype="<f8").tofile(draws)
        more = [draws]
    return [int(line) for line in hanok.run("stream", name, path, *more).split()]
