"""Trains the model of departure delays on the training set that `hanok features join` wrote.

    pip install xgboost pyarrow
    hanok features join --entities mart.departure_labels --service departure_delay -o training.parquet
    python train.py

The label is `dep_delay` in minutes; cancelled flights have none and stay out. The last week of the month is held out, so
that the error that is printed is of flights that the model has not seen. Seeded: the same training set gives the same file.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import xgboost

LABEL = "dep_delay"
# All numbers of the feature service `departure_delay`; `manufacturer` is a text.
FEATURES = [
    *("temp_f", "dew_point_f", "humidity_pct", "wind_dir_deg", "wind_speed_mph", "wind_gust_mph", "precip_in"),
    *("pressure_mb", "visibility_mi", "departures_3h", "mean_dep_delay_3h", "share_late_3h"),
    *("flights_7d", "mean_dep_delay_7d", "share_late_7d", "share_cancelled_7d"),
    *("flights_30d", "mean_dep_delay_30d", "share_late_30d", "share_cancelled_30d"),
    *("manufacture_year", "age_years", "seats", "engines"),
]
PARAMETERS = {"objective": "reg:squarederror", "max_depth": 4, "eta": 0.1, "min_child_weight": 20, "subsample": 0.7}
TREES = 40
HELD_OUT = np.timedelta64(7, "D")


def matrix(table, rows):
    columns = [table[name].to_numpy()[rows].astype(np.float32) for name in FEATURES]
    return xgboost.DMatrix(np.column_stack(columns), table[LABEL].to_numpy()[rows], feature_names=FEATURES)


def main(training="training.parquet", model="trained/delay.json"):
    table = pyarrow.parquet.read_table(training)
    departed = ~np.isnan(table[LABEL].to_numpy().astype(float))
    time = table["event_timestamp"].to_numpy().astype("datetime64[us]")
    early = time < time.max() - HELD_OUT
    train, test = matrix(table, departed & early), matrix(table, departed & ~early)
    booster = xgboost.train(PARAMETERS | {"seed": 2013, "nthread": 1}, train, TREES)
    error = np.sqrt(np.mean((booster.predict(test) - test.get_label()) ** 2))
    constant = np.sqrt(np.mean((train.get_label().mean() - test.get_label()) ** 2))
    Path(model).parent.mkdir(exist_ok=True)
    booster.save_model(model)
    print(json.dumps({
        "model": model,
        "rows": int(train.num_row()),
        "held_out": int(test.num_row()),
        "rmse_minutes": round(float(error), 2),
        "rmse_of_the_mean_minutes": round(float(constant), 2),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
