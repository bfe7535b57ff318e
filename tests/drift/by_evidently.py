"""Evidently's defaults, by its own functions."""

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType


def cleaned(table, name):
    return table[name].to_pandas().replace([-np.inf, np.inf], np.nan).dropna().infer_objects()


def check(hanok, reference, current, seed, deviations):
    found = hanok.on("evidently", reference, current)
    for name, ours in found.items():
        # numpy's deviation of these overflows, is of single precision, or has rounded its mean away.
        if name in ("wide", "float32", "large"):
            continue
        a, b = cleaned(reference, name), cleaned(current, name)
        place = f"seed {seed} {name}"
        if a.empty or b.empty:
            deviations.check(ours is None, f"{place}: evidently has no values")
            continue
        is_number = reference[name].type in ("double", "float", "int64")
        kind = ColumnType.Numerical if is_number else ColumnType.Categorical
        a, b = pd.Series(a.to_numpy()), pd.Series(b.to_numpy())
        test = get_stattest(a, b, kind, None)
        theirs = test(a, b, kind, None)
        deviations.check(ours["test"] == test.name, f"{place}: {ours['test']} is not {test.name}")
        value = ours["value"]
        deviations.add(f"evidently {test.name}", value, theirs.drift_score, place, 1e-9 if test.name != "jensenshannon" else 1e-7)
        near = value is not None and abs(value - theirs.actual_threshold) < 1e-9
        deviations.check(near or ours["has_drifted"] == bool(theirs.drifted), f"{place}: {ours} but {theirs}")
