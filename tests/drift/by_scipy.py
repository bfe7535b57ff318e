"""Distances and tests by scipy, or by their definitions with numpy."""

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon
from scipy.stats._morestats import _anderson_ksamp_midrank

from tests.drift.tables import clean, statistics


def check(hanok, reference, current, seed, deviations):
    report = hanok.on("compare", reference, current)["report"]
    for column in report["columns"]:
        place = f"seed {seed} {column['name']}"
        aspects = {aspect["what"]: aspect for aspect in column["aspects"]}
        rates = [table[column["name"]].null_count / len(table) for table in (reference, current)]
        is_float = reference[column["name"]].type in ("double", "float")
        if is_float:
            nan = [np.isnan(table[column["name"]].to_numpy()).mean() for table in (reference, current)]
            rates = nan
        deviations.add("missing", statistics(aspects["missing"])["rate_difference"]["value"], rates[1] - rates[0], place)
        a, b = clean(reference, column["name"]), clean(current, column["name"])
        if "values" not in aspects:
            deviations.check(len(a) == 0 or len(b) == 0, f"{place}: values were not compared")
            continue
        found = statistics(aspects["values"])
        if column["kinds"][0] == "numbers":
            numbers(found, a.astype(float), b.astype(float), place, deviations)
        else:
            categories(found, a, b, rates, place, deviations)


def numbers(found, a, b, place, deviations):
    value = lambda name: found[name]["value"]
    p = lambda name: found[name]["p"]
    n, m = len(a), len(b)
    ks = stats.ks_2samp(a, b, method="exact" if max(n, m) <= 10_000 else "asymp")
    deviations.add("ks", value("kolmogorov_smirnov"), ks.statistic, place)
    cells = 2 * round(ks.statistic * n * m) + n
    if max(n, m) <= 10_000 and cells <= 4_000_000:
        deviations.add("ks exact p", p("kolmogorov_smirnov"), ks.pvalue, place)
    else:
        asymptotic = stats.ks_2samp(a, b, method="asymp").pvalue
        deviations.add("ks asymptotic p", p("kolmogorov_smirnov"), asymptotic, place)
    finite = np.isfinite(a).all() and np.isfinite(b).all()
    if finite and np.abs(np.concatenate([a, b])).max() < 1e100:
        deviations.add("wasserstein", value("wasserstein"), stats.wasserstein_distance(a, b), place)
        deviation = float(a.astype(np.longdouble).std())
        if deviation > 1e-100:
            deviations.add("wasserstein scaled", value("wasserstein_scaled"), stats.wasserstein_distance(a, b) / deviation, place)
        deviations.add("energy", value("energy"), stats.energy_distance(a, b), place, 1e-7)
    whitney = stats.mannwhitneyu(a, b, alternative="two-sided")
    deviations.add("mann whitney", value("mann_whitney"), whitney.statistic, place)
    small = min(n, m) <= 8 and n * m > 100_000
    if not small and len(np.unique(np.concatenate([a, b]))) > 1:
        deviations.add("mann whitney p", p("mann_whitney"), whitney.pvalue, place)
    pooled = np.concatenate([a, b])
    is_tied = len(np.unique(pooled)) < n + m
    if not is_tied and n > 1 and m > 1:
        cramer = stats.cramervonmises_2samp(a, b, method="asymptotic")
        deviations.add("cramer von mises", value("cramer_von_mises"), cramer.statistic, place)
        # scipy stops its series at terms of 1e-7.
        deviations.add("cramer von mises p", p("cramer_von_mises"), cramer.pvalue, place, 1e-6)
    if len(np.unique(pooled)) > 1:
        z, zstar = np.sort(pooled), np.unique(pooled)
        a2 = _anderson_ksamp_midrank([np.sort(a), np.sort(b)], z, zstar, 2, np.array([n, m]), n + m)
        deviations.add("anderson darling", value("anderson_darling"), a2, place)
    grid = np.sort(np.unique(pooled))
    difference = np.searchsorted(np.sort(a), grid, "right") / n - np.searchsorted(np.sort(b), grid, "right") / m
    deviations.add("kuiper", value("kuiper"), max(difference.max(), 0) + max(-difference.min(), 0), place)


def categories(found, a, b, rates, place, deviations):
    value = lambda name: found[name]["value"]
    names = sorted(set(a) | set(b))
    p, q = [np.array([np.sum(side == name) for name in names], dtype=float) for side in (a, b)]
    shares = lambda counts, rate: np.append(counts / counts.sum() * (1 - rate), rate)
    x, y = shares(p, rates[0]), shares(q, rates[1])
    deviations.add("jensen shannon", value("jensen_shannon"), np.nan_to_num(jensenshannon(x, y, base=2)), place, 1e-7)
    deviations.add("total variation", value("total_variation"), np.abs(x - y).sum() / 2, place)
    deviations.add("l infinity", value("l_infinity"), np.abs(x - y).max(), place)
    deviations.add("hellinger", value("hellinger"), np.linalg.norm(np.sqrt(x) - np.sqrt(y)) / np.sqrt(2), place)
    floor_x, floor_y = np.maximum(x, 1e-4), np.maximum(y, 1e-4)
    deviations.add("psi", value("psi"), np.sum((floor_y - floor_x) * np.log(floor_y / floor_x)), place)
    table = np.array([p, q])
    expected = table.sum(axis=0) * min(p.sum(), q.sum()) / table.sum()
    if len(names) > 1 and expected.min() >= 5:
        chi, g = (stats.chi2_contingency(table, correction=False, lambda_=kind) for kind in ("pearson", "log-likelihood"))
        deviations.add("chi squared", value("chi_squared"), chi[0], place)
        deviations.add("chi squared p", found["chi_squared"]["p"], chi[1], place)
        deviations.add("g test", value("g_test"), g[0], place)
    if len(names) == 2:
        deviations.add("fisher p", found["fisher_exact"]["p"], stats.fisher_exact(table)[1], place)
