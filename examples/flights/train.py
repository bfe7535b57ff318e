"""Trains the models of departure delays on training sets that `hanok features join` wrote.

    pip install xgboost lightgbm pyarrow

The first one, by XGBoost, on the first three weeks of January:

    hanok features join --entities mart.departure_labels --service departure_delay -o training.parquet
    python train.py

The next one, by LightGBM, on May and June but their last week:

    hanok features join --entities-sql "select * from mart.departures where month in (5, 6)" \\
        --service departure_delay -o training_next.parquet
    python train.py training_next.parquet trained/delay_next.txt

The label is `dep_delay` in minutes; cancelled flights have none and stay out. The last week is held out, so that the error
that is printed is of flights that the model has not seen. Seeded: the same training set gives the same file.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet

LABEL = "dep_delay"
# All numbers of the feature service `departure_delay`; `manufacturer` is a text.
FEATURES = [
    *("temp_f", "dew_point_f", "humidity_pct", "wind_dir_deg", "wind_speed_mph", "wind_gust_mph", "precip_in"),
    *("pressure_mb", "visibility_mi", "departures_3h", "mean_dep_delay_3h", "share_late_3h"),
    *("flights_7d", "mean_dep_delay_7d", "share_late_7d", "share_cancelled_7d"),
    *("flights_30d", "mean_dep_delay_30d", "share_late_30d", "share_cancelled_30d"),
    *("manufacture_year", "age_years", "seats", "engines"),
]
# `age_years` says the same within a year, and a day's delays add up from hour to hour.
NEXT_FEATURES = [name for name in FEATURES if name != "manufacture_year"] + ["sched_dep_hour"]
XGBOOST = {"objective": "reg:squarederror", "max_depth": 4, "eta": 0.1, "min_child_weight": 20, "subsample": 0.7}
LIGHTGBM = {
    **{"objective": "regression", "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 50},
    **{"bagging_fraction": 0.7, "bagging_freq": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1},
}
TREES = 40
SEED = 2013
HELD_OUT = np.timedelta64(7, "D")


def xgboost_model(path, features, train, test):
    import xgboost

    data = xgboost.DMatrix(*train, feature_names=features)
    booster = xgboost.train(XGBOOST | {"seed": SEED, "nthread": 1}, data, TREES)
    booster.save_model(path)
    return booster.predict(xgboost.DMatrix(test, feature_names=features))


def lightgbm_model(path, features, train, test):
    import lightgbm

    data = lightgbm.Dataset(*train, feature_name=features)
    booster = lightgbm.train(LIGHTGBM | {"seed": SEED, "num_threads": 1}, data, TREES)
    booster.save_model(path)
    return booster.predict(test)


def main(training="training.parquet", model="trained/delay.json"):
    is_next = model.endswith(".txt")
    features = NEXT_FEATURES if is_next else FEATURES
    table = pyarrow.parquet.read_table(training)
    inputs = np.column_stack([table[name].to_numpy().astype(np.float32) for name in features])
    label = table[LABEL].to_numpy().astype(float)
    time = table["event_timestamp"].to_numpy().astype("datetime64[us]")
    departed, early = ~np.isnan(label), time < time.max() - HELD_OUT
    train, test = departed & early, departed & ~early
    Path(model).parent.mkdir(exist_ok=True)
    fit = lightgbm_model if is_next else xgboost_model
    predicted = fit(model, features, (inputs[train], label[train]), inputs[test])
    error = np.sqrt(np.mean((predicted - label[test]) ** 2))
    constant = np.sqrt(np.mean((label[train].mean() - label[test]) ** 2))
    print(json.dumps({
        "model": model,
        "rows": int(train.sum()),
        "held_out": int(test.sum()),
        "rmse_minutes": round(float(error), 2),
        "rmse_of_the_mean_minutes": round(float(constant), 2),
    }))


if __name__ == "__main__":
    main(*sys.argv[1:])
