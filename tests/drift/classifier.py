"""The domain classifier beside scikit-learn's gradient boosting on the same rows."""

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from threadpoolctl import threadpool_limits

# How far two ways of boosting, with other bins and other folds, may be apart.
LIMIT = 0.02


def side(random, rows, kind, is_current):
    x = random.normal(size=(rows, 4))
    if is_current:
        x[:, 0] += {"shift": 0.5}.get(kind, 0.0)
        x[:, 1] = {"joint": np.abs(x[:, 1]) * np.sign(x[:, 0])}.get(kind, x[:, 1])
    gaps = random.random(rows) < (0.4 if is_current and kind == "missing" else 0.1)
    weights = np.array([4, 3, 2, 1, 1, 3 if is_current and kind == "category" else 1.0])
    columns = dict(zip("abcd", x.T)) | {"gaps": np.where(gaps, np.nan, x[:, 3])}
    return pa.table(columns | {"word": np.array(list("uvwxyz"))[random.choice(6, rows, p=weights / weights.sum())]})


def check(hanok, deviations):
    for seed, kind in enumerate(("none", "shift", "joint", "missing", "category")):
        random = np.random.default_rng(seed)
        sides = [side(random, 3000, kind, is_current) for is_current in (False, True)]
        found = hanok.on("classify", *sides)["classified"]
        frame = pd.concat([one.to_pandas() for one in sides], ignore_index=True)
        frame["word"] = frame["word"].astype("category")
        truth = np.repeat([0, 1], [len(one) for one in sides])
        model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=seed)
        folds = StratifiedKFold(3, shuffle=True, random_state=seed)
        # Its threads wait by running, which starves a busy machine.
        with threadpool_limits(1):
            theirs = cross_val_score(model, frame, truth, cv=folds, scoring="roc_auc").mean()
        deviations.add(f"classifier {kind}", found["auc"], theirs, f"seed {seed}", LIMIT)
        is_drift = kind not in ("none", "category")
        low, high = found["interval"]
        deviations.check(low <= 0.5 <= high if kind == "none" else low > 0.5, f"{kind}: {found}")
        first = {"shift": "a", "missing": "gaps", "category": "word"}.get(kind)
        deviations.check(first is None or found["features"][0][0] == first, f"{kind}: {found['features']}")
        deviations.check(not is_drift or found["features"][0][1] > 0.03, f"{kind}: {found['features']}")
