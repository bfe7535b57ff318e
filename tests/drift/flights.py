"""New York's flights: January against July, of the example project."""

import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.drift.tables import statistics

DATA = pathlib.Path(__file__).parent.parent.parent / "examples/flights/data/flights.csv.zip"


def check(hanok, deviations):
    flights = pd.read_csv(DATA)
    month = lambda number: pa.Table.from_pandas(flights[flights.month == number], preserve_index=False)
    report = hanok.on("compare", month(1), month(7))["report"]
    columns = {column["name"]: column for column in report["columns"]}

    def statistic(column, name):
        values = next(aspect for aspect in columns[column]["aspects"] if aspect["what"] == "values")
        return statistics(values)[name]["value"]

    # To the five digits that are known.
    deviations.add("flights ks", statistic("dep_delay", "kolmogorov_smirnov"), 0.12455, "dep_delay", 5e-6)
    deviations.add("flights wasserstein", statistic("dep_delay", "wasserstein_scaled"), 0.32287, "dep_delay", 5e-6)
    # Known with natural logarithms.
    deviations.add("flights jensen shannon", statistic("dest", "jensen_shannon") * np.log(2) ** 0.5, 0.1077, "dest", 5e-5)
    deviations.check(columns["dep_delay"]["verdict"] == "drifted", "dep_delay has not drifted")
    deviations.check(columns["flight"]["verdict"] != "undecided", "flight is undecided")
    for name, column in columns.items():
        print(f"flights {name:16} {column['verdict']}")
