"""One peer on two Parquet files: peer.py NAME REFERENCE CURRENT OUT [COLUMNS]. Writes what it finds, by column, as JSON to OUT.

Each is measured as a whole process, as ours is: imports, reading, computing, and for `evidently` the HTML page that people look at.
"""

import json
import os
import sys

COLUMNS_MAX = int(sys.argv[5]) if len(sys.argv) > 5 else None


def frames():
    import pyarrow.parquet as pq

    found = []
    for path in sys.argv[2:4]:
        names = pq.read_schema(path).names[:COLUMNS_MAX]
        found.append(pq.read_table(path, columns=names).to_pandas())
    return found


def is_number(series):
    return series.dtype.kind in "if"


def evidently(reference, current, out):
    """The preset as it comes, and its page."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    words = [name for name in reference if not is_number(reference[name])]
    definition = DataDefinition(
        numerical_columns=[name for name in reference if name not in words], categorical_columns=words
    )
    sides = [Dataset.from_pandas(side, data_definition=definition) for side in (current, reference)]
    found = Report([DataDriftPreset()]).run(*sides)
    found.save_html(out + ".html")
    values = {}
    for metric in found.dict()["metrics"]:
        if "column" in metric.get("config", {}) and isinstance(metric["value"], (int, float)):
            values[metric["config"]["column"]] = {"score": float(metric["value"])}
    return values


def evidently_same(reference, current, _):
    """Its own functions for statistics that ours computes too, without a report."""
    import numpy as np
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    values = {}
    for name in reference:
        kind = ColumnType.Numerical if is_number(reference[name]) else ColumnType.Categorical
        tests = ["ks", "wasserstein", "psi", "jensenshannon"] if kind == ColumnType.Numerical else ["chisquare", "psi", "jensenshannon", "TVD"]
        sides = [side[name].replace([-np.inf, np.inf], np.nan).dropna() for side in (reference, current)]
        values[name] = {test: float(get_stattest(*sides, kind, test)(*sides, kind, None).drift_score) for test in tests}
    return values


def nannyml(reference, current, _):
    """The univariate calculator as it comes."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    from nannyml.drift.univariate import UnivariateDriftCalculator

    calculator = UnivariateDriftCalculator(column_names=list(reference))
    calculator.fit(reference)
    frame = calculator.calculate(current).to_df()
    is_current = (frame["chunk"]["chunk"]["period"] == "analysis").to_numpy()
    return {
        name: {
            "chunks": frame[name]["jensen_shannon"]["value"][is_current].tolist(),
            "threshold": float(frame[name]["jensen_shannon"]["upper_threshold"].iloc[0]),
        }
        for name in reference
    }


def scipy(reference, current, _):
    """Kolmogorov–Smirnov and Wasserstein of numbers, χ² of words."""
    import pandas as pd
    from scipy import stats

    values = {}
    for name in reference:
        sides = [side[name].dropna() for side in (reference, current)]
        if is_number(reference[name]):
            a, b = (side.to_numpy() for side in sides)
            found = stats.ks_2samp(a, b, method="asymp")
            values[name] = {"kolmogorov_smirnov": float(found.statistic), "wasserstein": float(stats.wasserstein_distance(a, b))}
        else:
            counts = pd.concat([side.value_counts() for side in sides], axis=1).fillna(0)
            values[name] = {"chi_squared": float(stats.chi2_contingency(counts.to_numpy().T, correction=False).statistic)}
    return values


def alibi(reference, current, _):
    """MMD with its defaults: a Gaussian kernel of the median width, 100 permutations."""
    import numpy as np
    from alibi_detect.cd import MMDDrift

    names = [name for name in reference if is_number(reference[name]) and not reference[name].isna().any()]
    a, b = (side[names].to_numpy(dtype=np.float32) for side in (reference, current))
    mean, deviation = a.mean(axis=0), a.std(axis=0)
    a, b = ((side - mean) / deviation for side in (a, b))
    found = MMDDrift(a, backend="tensorflow", n_permutations=100).predict(b)["data"]
    return {"all": {"distance": float(found["distance"]), "p": float(found["p_val"])}}


def main():
    reference, current = frames()
    out = sys.argv[4]
    peers = {"evidently": evidently, "evidently_same": evidently_same, "nannyml": nannyml, "scipy": scipy, "alibi": alibi}
    values = peers[sys.argv[1]](reference, current, out)
    with open(out, "w") as file:
        json.dump(values, file)


main()
