"""Saved profiles, read by Apache DataSketches."""

import base64
import json

import datasketches
import numpy as np
import pyarrow as pa

from tests.drift.tables import clean

SHARES = {"1%": 0.01, "5%": 0.05, "10%": 0.1, "25%": 0.25, "50%": 0.5, "75%": 0.75, "90%": 0.9, "95%": 0.95, "99%": 0.99}


def part(state, name):
    return base64.b64decode(state[name])


def check(hanok, reference, current, seed, deviations):
    for table in (reference, current):
        profile = hanok.profile(table)
        for column in profile["columns"]:
            name, state, summary = column["name"], column["state"], column["summary"]
            place = f"seed {seed} {name}"
            if "numbers" in state:
                check_numbers(clean(table, name).astype(float), state["numbers"], summary, place, deviations)
            elif "texts" in state:
                check_texts(table[name].drop_null().to_pylist(), state["texts"], place, deviations)


def check_numbers(values, state, summary, place, deviations):
    sketch = datasketches.kll_doubles_sketch.deserialize(part(state, "kll"))
    deviations.check(sketch.n == len(values), f"{place}: {sketch.n} values, not {len(values)}")
    if len(values) == 0:
        return
    deviations.check(sketch.get_min_value() == values.min() and sketch.get_max_value() == values.max(), f"{place}: other extremes")
    # Quantiles of few different values are those of all values, of others the sketch's own.
    is_exact = summary["quantiles_error"] == 0
    for name, share in SHARES.items():
        found = sketch.get_quantile(share, True)
        if not is_exact and np.isfinite(found):
            deviations.add("kll quantile", summary["quantiles"][name], found, f"{place} {name}", 0)
        error = abs(sketch.get_rank(found, True) - share)
        deviations.check(error <= 0.01 or is_exact, f"{place} {name}: {error}")
    below, at = np.sort(values), np.unique(values)
    ranks = np.array(sketch.get_cdf(at[: 500], True))[:-1]
    exact = np.searchsorted(below, at[: 500], side="right") / len(values)
    deviations.add("kll rank", np.abs(ranks - exact).max(), 0, place, sketch.normalized_rank_error(True) * 1.5)
    distinct(part(state, "hll"), at, summary["distinct"], place, deviations)


def distinct(bytes, values, found, place, deviations):
    sketch = datasketches.hll_sketch.deserialize(bytes)
    theirs = datasketches.hll_sketch(12, datasketches.tgt_hll_type.HLL_8)
    for value in values:
        theirs.update(value)
    union = datasketches.hll_union(12)
    union.update(theirs)
    before = union.get_result().get_estimate()
    union.update(sketch)
    # The same hashes: ours adds nothing to theirs.
    after = union.get_estimate()
    deviations.check(abs(after / before - 1) <= 0.05 and abs(sketch.get_estimate() / len(values) - 1) < 0.07, f"{place}: {before}, {after} different values")
    deviations.check(abs(found / len(values) - 1) < 0.05, f"{place}: {found} different values, not {len(values)}")


def check_texts(values, state, place, deviations):
    items = datasketches.frequent_strings_sketch.deserialize(part(state, "frequent"))
    deviations.check(items.total_weight == len(values), f"{place}: {items.total_weight} texts, not {len(values)}")
    counts = dict(zip(*np.unique(np.array(values, dtype=object), return_counts=True))) if values else {}
    for text, count in list(counts.items())[:50]:
        low, high = items.get_lower_bound(text), items.get_upper_bound(text)
        deviations.check(low <= count <= high, f"{place} {text!r}: {count} is not in {low}..{high}")
    lengths = datasketches.kll_doubles_sketch.deserialize(part(state["lengths"], "kll"))
    deviations.check(lengths.n == len(values), f"{place}: {lengths.n} lengths")
