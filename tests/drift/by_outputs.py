"""Outputs of models by scikit-learn, scipy, statsmodels and numpy, and NannyML's confidence-based estimates of its own data."""

import json
import os
import pathlib
import string
import warnings

import numpy as np
import pyarrow as pa
from scipy import stats
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

from tests.drift.tables import Hanok

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
import nannyml  # noqa: E402

LETTERS = string.ascii_lowercase


class Outputs(Hanok):
    """The example `outputs`."""

    def swap(self, task, columns):
        return self.on_tables("swap", task, pa.table(columns))

    def cbpe(self, reference, current, size):
        return self.on_tables("cbpe", pa.table(reference), pa.table(current), size)

    def on_tables(self, command, *arguments):
        paths = []
        for at, argument in enumerate(arguments):
            if isinstance(argument, pa.Table):
                path = self.folder / f"{at}.arrow"
                with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, argument.schema) as writer:
                    writer.write_table(argument, max_chunksize=997)
                argument = path
            paths.append(argument)
        return json.loads(self.run(command, *paths))


def check(binary, folder, seed, deviations):
    outputs = Outputs(pathlib.Path(binary).parent / "outputs", folder)
    random = np.random.default_rng(seed)
    rows = int(random.choice([2, 9, 60, 400, 3000]))
    regression(outputs, random, rows, f"seed {seed} regression", deviations)
    binary_models(outputs, random, rows, f"seed {seed} binary", deviations)
    several(outputs, random, rows, f"seed {seed} several", deviations)


def values(found, side):
    of = lambda all: {metric["metric"]: metric for metric in all}
    return of(found["performance"][side]["metrics"]), of(found["differences"])


def compare(found, side, expected, place, deviations):
    """Metrics, and that both ways to them say the same."""
    own, differences = values(found, side)
    for name, value in expected.items():
        ours = own[name]["value"]
        deviations.check((ours is None) == (value is None or np.isnan(value)), f"{place} {name}: {ours} is not {value}")
        if ours is not None:
            deviations.add(f"outputs {name}", ours, value, place)
            deviations.check(differences[name]["values"][side] == ours, f"{place} {name}: not the same twice")


def paired(found, place, first, second, truth, deviations):
    """What needs no labels."""
    usable = np.isfinite(first) & np.isfinite(second)
    first, second = first[usable], second[usable]
    deviations.add("outputs paired", found["paired"], usable.sum(), place)
    if not usable.any():
        deviations.check(found["deltas"] is None, f"{place}: deltas of nothing")
        return usable
    delta = second - first
    deltas = found["deltas"]
    deviations.add("outputs delta", deltas["mean"], delta.mean(), place)
    for name, percent in (("p50", 50), ("p95", 95), ("p99", 99), ("max", 100)):
        deviations.add("outputs delta percentile", deltas[name], np.percentile(np.abs(delta), percent), place)
    for ours, theirs in zip(deltas["percentiles"], np.percentile(delta, range(101))):
        deviations.add("outputs delta percentile", ours, theirs, place)
    rank = stats.spearmanr(first, second).statistic if usable.sum() > 1 else np.nan
    deviations.check((found["spearman"] is None) == bool(np.isnan(rank)), f"{place}: {found['spearman']} is not {rank}")
    if not np.isnan(rank):
        deviations.add("outputs spearman", found["spearman"], rank, place)
    order = np.argsort(-np.abs(delta), kind="stable")[:20]
    theirs = [row for row in np.flatnonzero(usable)[order] if np.abs(delta[np.flatnonzero(usable) == row][0]) > 0]
    deviations.check([mover["row"] for mover in found["movers"]] == theirs, f"{place}: other movers")
    return usable


def regression(outputs, random, rows, place, deviations):
    truth = np.round(random.normal(5, 3, rows), 1)
    first, second = [truth + random.normal(bias, 1, rows) for bias in (0, 0.3)]
    first[random.random(rows) < 0.02] = np.nan
    labels = np.where(random.random(rows) < 0.1, np.nan, truth)
    segment = random.choice(["a", "b", "c"], rows)
    found = outputs.swap("regression", {"m1": first, "m2": second, "label": labels, "segment": segment})
    usable = paired(found, place, first, second, labels, deviations) & ~np.isnan(labels)
    y = labels[usable]
    for side, values_of in enumerate((first[usable], second[usable])):
        if len(y) == 0:
            continue
        error = values_of - y
        away = y != 0
        expected = {
            "rmse": metrics.root_mean_squared_error(y, values_of),
            "mae": metrics.mean_absolute_error(y, values_of),
            "bias": error.mean(),
            "r2": metrics.r2_score(y, values_of) if len(y) > 1 and y.std() > 0 else None,
            "mape": metrics.mean_absolute_percentage_error(y[away], values_of[away]) if away.any() else None,
        }
        compare(found, side, expected, place, deviations)
    if len(y) >= 400:
        bootstrap(found, y, [first[usable], second[usable]], {
            "rmse": metrics.root_mean_squared_error,
            "mae": metrics.mean_absolute_error,
            "r2": metrics.r2_score,
        }, random, place, deviations)
    a, b = first[usable], second[usable]
    if len(y) > 1:
        # Of a mean the influence's error is that of the t test, whose distribution has a little more in its tails.
        error = stats.sem(np.abs(b - y) - np.abs(a - y))
        mae = values(found, 0)[1]["mae"]
        expected = 2 * stats.norm.sf(abs(mae["difference"]) / error)
        deviations.add("outputs paired p", mae["p"], expected, place)


def binary_models(outputs, random, rows, place, deviations):
    truth = random.random(rows)
    digits = int(random.choice([1, 2, 9]))
    first, second = [np.round(np.clip(truth + random.normal(0, noise, rows), 0, 1), digits) for noise in (0.3, 0.2)]
    second[random.random(rows) < 0.02] = np.nan
    labels = (random.random(rows) < truth).astype(float)
    labels[random.random(rows) < 0.1] = np.nan
    segment = random.choice(["a", "b", "한"], rows, p=[0.6, 0.3, 0.1])
    features = {f"s{side}_f{at}": random.normal(0, at, rows) for side in (1, 2) for at in range(1, 6)}
    found = outputs.swap("binary", {"m1": first, "m2": second, "label": labels, "segment": segment, **features})
    usable = paired(found, place, first, second, labels, deviations)
    both = usable & ~np.isnan(labels)
    flips = metrics.confusion_matrix(first[usable] >= 0.5, second[usable] >= 0.5, labels=[False, True])
    deviations.check(found["flips"]["counts"] == flips.tolist(), f"{place}: other flips")
    gains = [np.abs(np.array([features[f"s{side}_f{at}"] for at in range(1, 6)])).mean(axis=1) for side in (1, 2)]
    deviations.add("outputs ndcg", found["attribution"]["ndcg"], metrics.ndcg_score([gains[0]], [gains[1]]), place)
    y = labels[both].astype(int)
    if len(y) == 0:
        return
    sides = [first[both], second[both]]
    for side, p in enumerate(sides):
        said = (p >= 0.5).astype(int)
        has_both = 0 < y.sum() < len(y)
        expected = {
            "auc": metrics.roc_auc_score(y, p) if has_both else None,
            "average_precision": metrics.average_precision_score(y, p) if y.sum() else None,
            "log_loss": metrics.log_loss(y, p, labels=[0, 1]),
            "brier": metrics.brier_score_loss(y, p),
            "accuracy": metrics.accuracy_score(y, said),
            "precision": metrics.precision_score(y, said) if said.sum() else None,
            "recall": metrics.recall_score(y, said) if y.sum() else None,
            "specificity": metrics.recall_score(1 - y, 1 - said) if y.sum() < len(y) else None,
            "f1": metrics.f1_score(y, said) if y.sum() + said.sum() else None,
        }
        compare(found, side, expected, place, deviations)
        own, _ = values(found, side)
        for name, (count, all_of) in {"accuracy": ((y == said).sum(), len(y)), "precision": ((y * said).sum(), said.sum())}.items():
            if all_of:
                for ours, theirs in zip(own[name]["interval"].values(), proportion_confint(count, all_of, method="wilson")):
                    deviations.add("outputs wilson", ours, theirs, place)
        matrix = metrics.confusion_matrix(y, said, labels=[0, 1])
        deviations.check(found["performance"][side]["confusion"]["counts"] == matrix.tolist(), f"{place}: other confusion")
        calibrated(found["calibration"][0][side], y, p, place, deviations)
        for cut in found["performance"][side]["cuts"]:
            flagged = p >= cut["threshold"]
            deviations.add("outputs cut", cut["flagged"], flagged.mean(), place)
            deviations.add("outputs cut", cut["precision"], y[flagged].mean(), place)
            if has_both:
                deviations.add("outputs cut", cut["recall"], flagged[y == 1].mean(), place)
                deviations.add("outputs cut", cut["false_positive_rate"], flagged[y == 0].mean(), place)
    delong(found, y, sides, place, deviations)
    right = [(side >= 0.5) == y for side in sides]
    only = [int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())]
    mcnemar = stats.binomtest(min(only), sum(only), 0.5).pvalue if sum(only) else 1.0
    accuracy = values(found, 0)[1]["accuracy"]
    deviations.add("outputs mcnemar", accuracy["p"], mcnemar, place)
    if len(y) >= 400:
        bootstrap(found, y, sides, {
            "average_precision": metrics.average_precision_score,
            "log_loss": metrics.log_loss,
            "f1": lambda y, p: metrics.f1_score(y, p >= 0.5),
            "recall": lambda y, p: metrics.recall_score(y, p >= 0.5),
        }, random, place, deviations)
    by_segment(found, segment[usable], segment[both], y, sides, (second - first)[usable], place, deviations)


def calibrated(found, y, p, place, deviations):
    edges = np.linspace(0, 1, 11)
    observed, predicted = reliability(y, p, edges)
    deviations.check(len(found["bins"]) == len(observed), f"{place}: {len(found['bins'])} bins, not {len(observed)}")
    sizes = np.array([bin["count"] for bin in found["bins"]])
    for bin, o, q in zip(found["bins"], observed, predicted):
        deviations.add("outputs reliability", bin["observed"], o, place)
        deviations.add("outputs reliability", bin["predicted"], q, place)
    gaps = np.abs(np.array(observed) - np.array(predicted))
    deviations.add("outputs ece", found["ece"], (gaps * sizes).sum() / len(y), place)
    deviations.add("outputs mce", found["mce"], gaps.max(), place)
    deviations.add("outputs calibration brier", found["brier"], metrics.brier_score_loss(y, p), place)
    deviations.add("outputs calibration bias", found["bias"], p.mean() - y.mean(), place)


def reliability(y, p, edges):
    """As sklearn.calibration.calibration_curve; its edges are rounded, and so are ours, the other way at some."""
    place = np.searchsorted(np.array([at / 10 for at in range(1, 10)]), p)
    some = [at for at in range(10) if (place == at).any()]
    return [y[place == at].mean() for at in some], [p[place == at].mean() for at in some]


def delong(found, y, sides, place, deviations):
    """By its definition: the variance of the placements of either class."""
    m, n = y.sum(), (1 - y).sum()
    if min(m, n) < 2:
        return
    kernel = lambda p: (p[y == 1][:, None] > p[y == 0]) + 0.5 * (p[y == 1][:, None] == p[y == 0])
    of_positive = [kernel(p).mean(axis=1) for p in sides]
    of_negative = [kernel(p).mean(axis=0) for p in sides]
    covariance = np.cov(of_positive) / m + np.cov(of_negative) / n
    own = values(found, 0)[0]["auc"]
    reach = stats.norm.isf(0.025) * np.sqrt(covariance[0, 0])
    deviations.add("outputs delong", own["interval"]["low"], max(0, own["value"] - reach), place)
    deviations.add("outputs delong", own["interval"]["high"], min(1, own["value"] + reach), place)
    error = np.sqrt(max(0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    difference = values(found, 0)[1]["auc"]
    if error > 1e-9:
        deviations.add("outputs delong p", difference["p"], 2 * stats.norm.sf(abs(difference["difference"]) / error), place)


def bootstrap(found, y, sides, of, random, place, deviations):
    """The width of intervals against that of a thousand resamples, whose own error is about 2 %."""
    own, difference = values(found, 0)
    width = lambda interval: interval["high"] - interval["low"]
    samples = [random.integers(0, len(y), len(y)) for _ in range(1000)]
    for name, metric in of.items():
        draws = np.array([[metric(y[rows], side[rows]) for side in sides] for rows in samples])
        for ours, theirs in ((own[name], draws[:, 0]), (difference[name], draws[:, 1] - draws[:, 0])):
            if ours["method"] == "wilson":
                continue
            ratio = width(ours["interval"]) / (2 * stats.norm.isf(0.025) * theirs.std())
            deviations.add(f"outputs width {name}", ratio, 1, place, 0.15)


def by_segment(found, all_of, of_judged, y, sides, delta, place, deviations):
    p = []
    for segment in found["segments"][0]["segments"]:
        rows, judged = all_of == segment["label"], of_judged == segment["label"]
        deviations.add("outputs segment rows", segment["rows"], rows.sum(), place)
        deviations.add("outputs segment delta", segment["delta"], delta[rows].mean(), place)
        for side in (0, 1):
            has_both = 0 < y[judged].sum() < judged.sum()
            value = segment["performance"]["values"][side]
            deviations.check((value is not None) == has_both, f"{place}: {value} of one class")
            if has_both:
                deviations.add("outputs segment auc", value, metrics.roc_auc_score(y[judged], sides[side][judged]), place)
        if segment["performance"]["p"] is not None:
            p.append((segment["performance"]["p"], segment["p_adjusted"]))
    if p:
        for (_, ours), theirs in zip(p, stats.false_discovery_control([p for p, _ in p])):
            deviations.add("outputs segment p", ours, theirs, place)


def several(outputs, random, rows, place, deviations):
    count = int(random.choice([2, 3, 5]))
    truth = random.dirichlet(np.ones(count), rows)
    labels = np.array([random.choice(count, p=row) for row in truth])
    sides = []
    for noise in (0.3, 0.2):
        raw = np.clip(truth + random.normal(0, noise, truth.shape), 0.001, None)
        sides.append(raw / raw.sum(axis=1, keepdims=True))
    columns = {f"m{side + 1}{LETTERS[at]}": sides[side][:, at] for side in (0, 1) for at in range(count)}
    found = outputs.swap("multiclass", {**columns, "label": labels})
    said = [side.argmax(axis=1) for side in sides]
    flips = metrics.confusion_matrix(said[0], said[1], labels=range(count))
    deviations.check(found["flips"]["counts"] == flips.tolist(), f"{place}: other flips")
    distance = np.abs(sides[1] - sides[0]).sum(axis=1) / 2
    deviations.add("outputs delta", found["deltas"]["mean"], distance.mean(), place)
    for side in (0, 1):
        warnings.simplefilter("ignore")
        hot = np.eye(count)[labels]
        some = [at for at in range(count) if 0 < hot[:, at].sum() < rows]
        expected = {
            "accuracy": metrics.accuracy_score(labels, said[side]),
            "f1": metrics.f1_score(labels, said[side], average="macro"),
            "precision": metrics.precision_score(labels, said[side], average="macro"),
            "recall": metrics.recall_score(labels, said[side], average="macro"),
            "auc": np.mean([metrics.roc_auc_score(hot[:, at], sides[side][:, at]) for at in some]) if some else None,
            "log_loss": metrics.log_loss(labels, sides[side], labels=range(count)),
            "brier": ((sides[side] - hot) ** 2).sum(axis=1).mean(),
        }
        compare(found, side, expected, place, deviations)
        matrix = metrics.confusion_matrix(labels, said[side], labels=range(count))
        deviations.check(found["performance"][side]["confusion"]["counts"] == matrix.tolist(), f"{place}: other confusion")
    if rows >= 400:
        hot = np.eye(count)
        bootstrap(found, labels, sides, {
            "f1": lambda y, p: metrics.f1_score(y, p.argmax(axis=1), average="macro"),
            "auc": lambda y, p: metrics.roc_auc_score(hot[y], p),
            "log_loss": lambda y, p: metrics.log_loss(y, p, labels=range(count)),
        }, random, place, deviations)


def estimates(binary, folder, deviations):
    """NannyML's own sets: its thresholds, and its estimates of every chunk."""
    outputs = Outputs(pathlib.Path(binary).parent / "outputs", folder)
    names = {"auc": "roc_auc"}
    ours_of = ["auc", "average_precision", "accuracy", "precision", "recall", "specificity", "f1"]
    reference, current, target = nannyml.load_synthetic_car_loan_dataset()
    current = current.merge(target, on="id")
    theirs = nannyml.CBPE(
        y_pred_proba="y_pred_proba", y_pred="y_pred", y_true="repaid", problem_type="classification_binary",
        metrics=[names.get(name, name) for name in ours_of], chunk_size=5000,
    ).fit(reference)
    frame = theirs.estimate(current).to_df()
    table = lambda side: {"p": side.y_pred_proba.to_numpy(), "label": side.repaid.to_numpy().astype(float)}
    found = outputs.cbpe(table(reference), table(current), 5000)
    same(found, frame, ours_of, names, "car loan", theirs.needs_calibration, deviations)
    for metric in found["metrics"]:
        if metric["metric"] == "auc":
            alerts = [at for at, chunk in enumerate(metric["current"]) if chunk["alert"]]
            deviations.check(alerts == [5, 6, 7, 8, 9], f"car loan: alerts on {alerts}")
            for chunk in metric["current"]:
                print(f"car loan auc {chunk['estimate']:.4f} realized {chunk['realized']:.4f} {'alert' if chunk['alert'] else ''}")

    reference, current, target = nannyml.load_synthetic_multiclass_classification_dataset()
    current = current.merge(target, left_index=True, right_index=True, suffixes=("", "_target"))
    classes = ["highstreet_card", "prepaid_card", "upmarket_card"]
    columns = {name: f"y_pred_proba_{name}" for name in classes}
    ours_of = ["accuracy", "f1", "precision", "recall", "auc"]
    theirs = nannyml.CBPE(
        y_pred_proba=columns, y_pred="y_pred", y_true="y_true", problem_type="classification_multiclass",
        metrics=[names.get(name, name) for name in ours_of], chunk_size=6000,
    ).fit(reference)
    frame = theirs.estimate(current).to_df()
    numbers = {name: at for at, name in enumerate(classes)}
    table = lambda side: {
        **{f"p_{name}": side[column].to_numpy() for name, column in columns.items()},
        "label": side.y_true.map(numbers).to_numpy().astype(float),
    }
    found = outputs.cbpe(table(reference), table(current), 6000)
    same(found, frame, ours_of, names, "cards", None, deviations)


def same(found, frame, ours_of, names, place, calibrated, deviations):
    if calibrated is not None:
        deviations.check(found["calibrated"] == [calibrated], f"{place}: calibrated {found['calibrated']}, not {calibrated}")
    metrics_of = {metric["metric"]: metric for metric in found["metrics"]}
    periods = frame["chunk"]["period"].to_numpy()
    for name in ours_of:
        ours, theirs = metrics_of[name], frame[names.get(name, name)]
        for period, side in (("reference", "reference"), ("analysis", "current")):
            rows = theirs[periods == period]
            deviations.check(len(rows) == len(ours[side]), f"{place} {name}: {len(ours[side])} chunks, not {len(rows)}")
            for mine, (_, row) in zip(ours[side], rows.iterrows()):
                deviations.add(f"cbpe {place} {name}", mine["estimate"], row["value"], f"{place} {period}", 0.002)
                deviations.add(f"cbpe {place} realized {name}", mine["realized"], row["realized"], f"{place} {period}", 1e-9)
                deviations.check(mine["alert"] == bool(row["alert"]), f"{place} {name} {period}: alert {mine['alert']}")
        deviations.add(f"cbpe {place} threshold", ours["lower"], theirs["lower_threshold"].iloc[0], name, 1e-9)
        deviations.add(f"cbpe {place} threshold", ours["upper"], theirs["upper_threshold"].iloc[0], name, 1e-9)
