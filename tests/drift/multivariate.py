"""Correlations, principal components and mean discrepancy by scipy and numpy."""

import numpy as np
import pyarrow as pa
from scipy import stats
from scipy.spatial.distance import cdist


def check(hanok, seed, deviations):
    random = np.random.default_rng(seed)
    columns = int(random.integers(2, 9))
    mixing = random.normal(size=(columns, columns)) / 2 + np.eye(columns)
    sides = [random.normal(size=(rows, columns)) @ mixing for rows in random.integers(200, 1500, 2)]
    sides[1][:, 0] += float(random.choice([0, 0.5]))
    sides = [np.round(side, 1) for side in sides]
    found = hanok.on("multivariate", *[pa.table(dict(zip("abcdefghi", side.T))) for side in sides])
    place = f"seed {seed}"
    for change in found["correlations"]:
        for side, correlation in zip(sides, change["correlation"]):
            first, second = change["columns"]
            deviations.add("spearman", correlation, stats.spearmanr(side[:, first], side[:, second]).statistic, place)
    made_from, kept_back = sides[0][::2], sides[0][1::2]
    mean, deviation = made_from.mean(axis=0), made_from.std(axis=0)
    values, vectors = np.linalg.eigh(np.cov(((made_from - mean) / deviation).T, ddof=0))
    order = np.argsort(-values)
    components = int(np.searchsorted(np.cumsum(values[order]) / values.sum(), 0.65)) + 1
    deviations.add("components", found["reconstruction"]["components"], components, place)
    kept = vectors[:, order[:components]]
    for side, error in zip((kept_back, sides[1]), found["reconstruction"]["error"]):
        points = (side - mean) / deviation
        deviations.add("reconstruction error", error, np.linalg.norm(points - points @ kept @ kept.T, axis=1).mean(), place)
    # Random features are near the kernel: within a few of their own deviations.
    mean, deviation = sides[0].mean(axis=0), sides[0].std(axis=0)
    a, b = [(side - mean) / deviation for side in sides]
    kernel = lambda x, y: np.exp(-cdist(x, y, "sqeuclidean") / (2 * found["discrepancy"]["width"] ** 2)).mean()
    deviations.add("discrepancy", found["discrepancy"]["squared"], kernel(a, a) + kernel(b, b) - 2 * kernel(a, b), place, 0.02)
