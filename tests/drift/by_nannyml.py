"""NannyML's defaults, by its own calculator."""

import os

import numpy as np

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
from nannyml.drift.univariate import UnivariateDriftCalculator  # noqa: E402


def check(hanok, reference, current, seed, deviations):
    names = [name for name in reference.column_names if name not in ("nothing", "odd", "wide", "subnormal", "large", "truth", "mixed")]
    reference, current = reference.select(names), current.select(names)
    found = hanok.on("nannyml", reference, current)
    if min(len(reference), len(current)) < 10:
        deviations.check(all(ours is None for ours in found.values()), f"seed {seed}: nannyml needs ten rows")
        return
    calculator = UnivariateDriftCalculator(column_names=names)
    calculator.fit(reference.to_pandas())
    frame = calculator.calculate(current.to_pandas()).to_df()
    for name, ours in found.items():
        theirs = frame[name]["jensen_shannon"]
        parts = frame["chunk"]["chunk"]["period"]
        for period in ("reference", "analysis"):
            rows = theirs[(parts == period).to_numpy()]
            values = rows["value"].to_numpy()
            mine = ours["chunks"]["current" if period == "analysis" else "reference"]
            place = f"seed {seed} {name} {period}"
            deviations.check(len(values) == len(mine), f"{place}: {len(mine)} chunks, not {len(values)}")
            for mine, value in zip(mine, values):
                # Rounding below 1e-16 is the difference of two shares and 1e-8 its root.
                deviations.add("nannyml jensen shannon", mine, value, place, 1e-7 if np.nan_to_num(value) < 1e-6 else 1e-9)
        deviations.add("nannyml threshold", ours["chunks"]["threshold"], theirs["upper_threshold"].iloc[0], f"seed {seed} {name}")
        alerts = theirs["alert"][(parts == "analysis").to_numpy()].to_numpy()
        deviations.check(ours["alerts"] == alerts.astype(bool).tolist(), f"seed {seed} {name}: other alerts")
