//! Profiles: parts and wholes, what is saved, and comparisons beside those of the rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, NullArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use hanok_drift::profile::{ProfileError, TableProfile, compare_profiles};
use hanok_drift::{Kind, Measure, Options, Profile, Report, Verdict, What, compare};
use hanok_error::Coded;
use proptest::prelude::*;

use crate::draws::{Draws, numbers, words};

pub(crate) fn profile(batches: &[RecordBatch]) -> TableProfile {
    let mut profile = TableProfile::new(&batches[0].schema()).unwrap();
    for batch in batches {
        profile.update(batch, 2).unwrap();
    }
    profile
}

fn by_columns(
    schema: &Schema,
    rows: usize,
    threads: usize,
    chunks: impl Fn(&str) -> Vec<ArrayRef> + Sync,
) -> Result<TableProfile, ProfileError> {
    let read = |name: &str, take: &mut dyn FnMut(&ArrayRef) -> Result<(), ProfileError>| {
        chunks(name).iter().try_for_each(take)
    };
    TableProfile::of_columns(schema, rows as u64, read, threads)
}

fn of(column: ArrayRef) -> TableProfile {
    profile(&[RecordBatch::try_from_iter([("c", column)]).unwrap()])
}

/// Rows with every kind of column; `drift` moves some of them.
pub(crate) fn rows(draws: &mut Draws, rows: usize, drift: f64) -> RecordBatch {
    let word = ["가", "나\0", "", "a", "서울 강남구", "b"];
    let is_null = |draws: &mut Draws| draws.uniform() < 0.1 + drift / 4.0;
    let nullable: Float64Array =
        draws.many(rows, |draws| (!is_null(draws)).then(|| draws.normal() + drift)).into_iter().collect();
    let odd =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, f64::MIN_POSITIVE / 64.0, 1e300, -1e-300];
    let odd = draws.many(rows, |draws| odd[(draws.uniform() * 8.0) as usize]);
    let some = |draws: &mut Draws| {
        let at = (draws.uniform() * (6.0 - drift)) as usize;
        (!is_null(draws)).then(|| word[at.min(5)].to_owned())
    };
    let lists = draws.many(rows, |draws| {
        let length = (draws.uniform() * 4.0) as usize;
        (!is_null(draws)).then(|| draws.many(length, |draws| Some((draws.normal() + drift).round())))
    });
    let times = draws.many(rows, |draws| (draws.uniform() * 4e14 * (1.0 + drift)) as i64);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("normal", numbers(draws.many(rows, |draws| draws.normal() + drift))),
        ("nullable", Arc::new(nullable)),
        ("ties", numbers(draws.many(rows, |draws| (draws.normal() * 2.0 + drift).round()))),
        ("lognormal", numbers(draws.many(rows, |draws| (3.0 * draws.normal()).exp()))),
        ("constant", numbers(vec![7.25; rows])),
        ("odd", numbers(odd)),
        (
            "integers",
            Arc::new(Int64Array::from_iter_values(draws.many(rows, |draws| (draws.uniform() * 1e6) as i64))),
        ),
        ("nothing", Arc::new(NullArray::new(rows))),
        ("missing", Arc::new(Float64Array::new_null(rows))),
        ("bool", Arc::new(BooleanArray::from(draws.many(rows, |draws| draws.uniform() < 0.3 + drift / 3.0)))),
        ("category", Arc::new(draws.many(rows, some).into_iter().collect::<StringArray>())),
        (
            "name",
            Arc::new(StringArray::from_iter_values(
                draws.many(rows, |draws| format!("n{:x}", (draws.uniform() * 1e9) as u64)),
            )),
        ),
        ("time", Arc::new(TimestampMicrosecondArray::from_iter_values(times.clone()))),
        (
            "date",
            Arc::new(Date32Array::from_iter_values(times.iter().map(|time| (time / 86_400_000_000) as i32))),
        ),
        ("list", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn near(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a - b).abs() <= 1e-10 * a.abs().max(b.abs()).max(1e-290),
        _ => a == b,
    }
}

/// Everything but quantiles of many values, which are within their error.
fn assert_same(left: &TableProfile, right: &TableProfile) {
    assert_eq!((left.rows(), left.columns().len()), (right.rows(), right.columns().len()));
    for (a, b) in left.columns().iter().zip(right.columns()) {
        let name = a.name();
        assert_eq!((name, a.kind(), a.histogram()), (b.name(), b.kind(), b.histogram()));
        let (mut p, q) = (a.profile(), b.profile());
        let of_deviation = 1e-10 * q.deviation.unwrap_or(0.0);
        let is_near = |(p, q): (f64, f64)| (p - q).abs() <= of_deviation;
        assert!(near(p.mean, q.mean) || p.mean.zip(q.mean).is_some_and(is_near), "{name}: {p:?} {q:?}");
        // What is left of the deviation of equal values is rounding.
        let slack = 1e-9 * p.mean.map_or(0.0, f64::abs);
        assert!(
            near(p.deviation, q.deviation)
                || p.deviation.zip(q.deviation).is_some_and(|(p, q)| (p - q).abs() < slack),
            "{name}: {p:?} {q:?}"
        );
        (p.mean, p.deviation) = (q.mean, q.deviation);
        if a.quantiles_error() > 0.0 {
            p.quantiles = q.quantiles;
        }
        assert_eq!(p, q, "{name}");
        if a.frequent_error() == 0 {
            assert_eq!(a.frequent(20), b.frequent(20), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn parts_add_up_to_the_whole_in_any_order(seed: u64, size in 1_usize..6000, cuts in prop::array::uniform2(0_usize..6000)) {
        let whole = rows(&mut Draws(seed), size, 0.0);
        let mut cuts = cuts.map(|cut| cut % (size + 1));
        cuts.sort_unstable();
        let part = |start: usize, end: usize| profile(&[whole.slice(start, end - start)]);
        let parts = [part(0, cuts[0]), part(cuts[0], cuts[1]), part(cuts[1], size)];
        let expected = profile(std::slice::from_ref(&whole));
        for order in [[0, 1, 2], [2, 0, 1]] {
            let mut found = parts[order[0]].clone();
            found.merge(&parts[order[1]]).unwrap();
            found.merge(&TableProfile::from_json(&parts[order[2]].to_json().unwrap()).unwrap()).unwrap();
            assert_same(&found, &expected);
        }
    }

    #[test]
    fn neither_threads_nor_batches_change_a_profile(seed: u64, size in 1_usize..20_000, cut in 0_usize..20_000) {
        let whole = rows(&mut Draws(seed), size, 0.0);
        let cut = cut % (size + 1);
        // Batches matter for texts that are too many to be counted.
        let is_many = |at: &usize| whole.schema().field(*at).name() == "name";
        let places: Vec<usize> = (0..whole.num_columns()).filter(|at| !is_many(at)).collect();
        let whole = whole.project(&places).unwrap();
        let mut one = TableProfile::new(&whole.schema()).unwrap();
        one.update(&whole, 1).unwrap();
        let mut other = TableProfile::new(&whole.schema()).unwrap();
        other.update(&whole.slice(0, cut), 3).unwrap();
        other.update(&whole.slice(cut, size - cut), 7).unwrap();
        prop_assert!(one.to_json().unwrap() == other.to_json().unwrap());
        // Nor does reading column by column.
        let by_columns = by_columns(&whole.schema(), size, 3, |name| {
            let column = whole.column_by_name(name).unwrap();
            vec![column.slice(0, cut), column.slice(cut, size - cut)]
        });
        prop_assert!(one.to_json().unwrap() == by_columns.unwrap().to_json().unwrap());
    }

    #[test]
    fn what_is_saved_is_read(seed: u64, size in 0_usize..5000) {
        let saved = profile(&[rows(&mut Draws(seed), size, 0.0)]);
        let json = saved.to_json().unwrap();
        let read = TableProfile::from_json(&json).unwrap();
        assert_same(&read, &saved);
        prop_assert!(read.to_json().unwrap() == json);
        let types = |profile: &TableProfile| profile.columns().iter().map(|column| column.data_type().clone()).collect::<Vec<_>>();
        prop_assert_eq!(types(&read), types(&saved));
    }

    #[test]
    fn small_tables_compare_as_their_rows_do(seed: u64, sizes in prop::array::uniform2(1_usize..700), drift in prop::sample::select(vec![0.0, 0.3, 1.0])) {
        let mut draws = Draws(seed);
        // Elements of lists are chosen in another way, which changes the adjusted p-values of all.
        let some = |mut rows: RecordBatch| {
            rows.remove_column(rows.schema().index_of("list").unwrap());
            rows
        };
        let reference = some(rows(&mut draws, sizes[0], 0.0));
        let current = some(rows(&mut draws, sizes[1], drift));
        let options = Options::default();
        let exact = compare(std::slice::from_ref(&reference), std::slice::from_ref(&current), &options, 1).unwrap();
        let found = compare_profiles(&profile(&[reference]), &profile(&[current]), &options).unwrap();
        assert_equal(&found, &exact);
    }
}

/// Sums in another order make other last digits, and small p-values are differences of what is near 1.
fn near_p(a: Option<f64>, b: Option<f64>) -> bool {
    near(a, b) || a.zip(b).is_some_and(|(a, b)| (a - b).abs() < 1e-12)
}

fn assert_equal(found: &Report, exact: &Report) {
    assert_eq!((&found.new, &found.vanished, &found.skipped), (&exact.new, &exact.vanished, &exact.skipped));
    assert_eq!(found.columns.len(), exact.columns.len());
    for (a, b) in found.columns.iter().zip(&exact.columns) {
        let name = &a.name;
        assert_eq!((name, a.kinds, a.verdict, &a.types), (&b.name, b.kinds, b.verdict, &b.types));
        assert_eq!(a.categories, b.categories);
        for (p, q) in a.profiles.iter().zip(&b.profiles) {
            assert!(near(p.mean, q.mean) && near(p.deviation, q.deviation), "{name}: {p:?} {q:?}");
            // Of rows this is only known when both sides have values.
            let distinct = q.distinct.and(p.distinct);
            let p = Profile { mean: q.mean, deviation: q.deviation, distinct, ..p.clone() };
            assert_eq!(&p, q, "{name}");
        }
        assert_eq!(a.aspects.len(), b.aspects.len(), "{name}");
        for (p, q) in a.aspects.iter().zip(&b.aspects) {
            assert_eq!(
                (p.what, p.verdict, p.effect.measure),
                (q.what, q.verdict, q.effect.measure),
                "{name}"
            );
            assert!(
                near_p(Some(p.p), Some(q.p))
                    && near(Some(p.effect.beyond_noise), Some(q.effect.beyond_noise)),
                "{name}: {p:?} {q:?}"
            );
            assert_eq!(p.statistics.len(), q.statistics.len(), "{name}: {p:?} {q:?}");
            for (p, q) in p.statistics.iter().zip(&q.statistics) {
                assert!(
                    p.measure == q.measure && near(Some(p.value), Some(q.value)) && near_p(p.p, q.p),
                    "{name}: {p:?} {q:?}"
                );
                assert_eq!(p.error, 0.0);
            }
        }
    }
}

#[test]
fn large_tables_compare_within_their_errors() {
    let mut draws = Draws(11);
    let mut beyond = 0;
    for run in 0..30 {
        let size = 20_000 + run * 3000;
        let shift = f64::from(run as u32 % 5) * 0.1;
        let (reference, current) = (rows(&mut draws, size, 0.0), rows(&mut draws, size / 2, shift));
        let options = Options::default();
        let exact =
            compare(std::slice::from_ref(&reference), std::slice::from_ref(&current), &options, 1).unwrap();
        let found = compare_profiles(&profile(&[reference]), &profile(&[current]), &options).unwrap();
        for (a, b) in found.columns.iter().zip(&exact.columns) {
            for (p, q) in a.aspects.iter().zip(&b.aspects) {
                assert_eq!(p.what, q.what, "{}", a.name);
                if p.what == What::Element {
                    continue;
                }
                // Both ends of the interval are on one side of the threshold: then the verdict is that of the rows.
                if p.verdict != Verdict::Undecided {
                    assert_eq!(p.verdict, q.verdict, "{} {:?}: {p:?} {q:?}", a.name, p.what);
                }
                assert!(p.p >= q.p - 1e-9, "{} {:?}: {} < {}", a.name, p.what, p.p, q.p);
                for statistic in &p.statistics {
                    let Some(exact) = q.statistics.iter().find(|other| other.measure == statistic.measure)
                    else {
                        continue;
                    };
                    // The distances over bins are exact for bins whose edges are other ones.
                    let is_binned = matches!(
                        statistic.measure,
                        Measure::Psi
                            | Measure::JensenShannon
                            | Measure::Hellinger
                            | Measure::TotalVariation
                            | Measure::LInfinity
                    );
                    let is_bound = (statistic.value - exact.value).abs()
                        <= statistic.error + 1e-9 * exact.value.abs()
                        || statistic.value == exact.value;
                    let is_near =
                        is_binned && (statistic.value - exact.value).abs() < 0.01 + 0.1 * exact.value;
                    beyond += u32::from(!is_bound && !is_near);
                    assert!(
                        is_bound || is_near || (statistic.value - exact.value).abs() < 2.0 * statistic.error,
                        "{} {statistic:?} {exact:?}",
                        a.name
                    );
                }
            }
        }
    }
    // About 30 columns and runs with six such statistics each; the errors hold in 99 of 100 cases.
    assert!(beyond < 12, "{beyond}");
}

#[test]
fn resamples_without_drift_do_not_alarm_and_a_shift_does() {
    let mut draws = Draws(3);
    let mut small = 0;
    for _ in 0..200 {
        let normal =
            |draws: &mut Draws, shift: f64| of(numbers(draws.many(20_000, |draws| draws.normal() + shift)));
        let reference = normal(&mut draws, 0.0);
        let options = Options::default();
        let column = |current: &TableProfile| {
            compare_profiles(&reference, current, &options).unwrap().columns.remove(0)
        };
        let same = column(&normal(&mut draws, 0.0));
        let values = same.aspects.iter().find(|aspect| aspect.what == What::Values).unwrap();
        small += u32::from(values.p <= 0.05);
        assert_eq!(same.verdict, Verdict::Stable);
        assert_eq!(column(&normal(&mut draws, 0.4)).verdict, Verdict::Drifted);
    }
    // The p-values are those of the nearer ends, so there are fewer small ones than one in twenty.
    assert!(small <= 18, "{small}");
}

#[test]
fn an_effect_within_its_error_of_the_threshold_is_undecided() {
    let mut draws = Draws(8);
    let size = 200_000;
    let reference = numbers(draws.many(size, Draws::uniform));
    // Kolmogorov–Smirnov of uniform values is the shift: the threshold, and well below and above it.
    let column = |shift: f64, draws: &mut Draws| {
        let current = of(numbers(draws.many(size, |draws| draws.uniform() + shift)));
        compare_profiles(
            &of(reference.clone()),
            &current,
            &Options { outside: 0.9, wasserstein_scaled: 9.0, ..Options::default() },
        )
        .unwrap()
        .columns
        .remove(0)
    };
    assert_eq!(column(0.1, &mut draws).verdict, Verdict::Undecided);
    assert_eq!(column(0.07, &mut draws).verdict, Verdict::Stable);
    assert_eq!(column(0.13, &mut draws).verdict, Verdict::Drifted);
}

#[test]
fn merged_profiles_count_more_rows_than_32_bits_do() {
    let mut draws = Draws(5);
    let one = rows(&mut draws, 1500, 0.0);
    let mut all = profile(std::slice::from_ref(&one));
    let mut doublings = 0;
    while all.rows() <= 1 << 33 {
        let twin = all.clone();
        all.merge(&twin).unwrap();
        doublings += 1;
    }
    assert_eq!(all.rows(), 1500 << doublings);
    let (small, all) = (profile(&[one]), TableProfile::from_json(&all.to_json().unwrap()).unwrap());
    for (a, b) in small.columns().iter().zip(all.columns()) {
        let (p, q) = (a.profile(), b.profile());
        assert_eq!((p.missing << doublings, p.infinite << doublings), (q.missing, q.infinite));
        assert_eq!((p.distinct, p.range), (q.distinct, q.range), "{}", a.name());
        assert_eq!(
            a.histogram().iter().map(|(_, count)| count << doublings).sum::<u64>(),
            b.histogram().iter().map(|(_, count)| count).sum::<u64>()
        );
    }
    let found = compare_profiles(&all, &all, &Options::default()).unwrap();
    assert!(found.columns.iter().all(|column| column.verdict != Verdict::Drifted));
    let other = profile(&[rows(&mut draws, 30_000, 1.0)]);
    let found = compare_profiles(&all, &other, &Options::default()).unwrap();
    let drifted: Vec<&str> = found.drifted().map(|column| column.name.as_str()).collect();
    for name in ["normal", "ties", "bool", "nullable"] {
        assert!(drifted.contains(&name), "{name}: {drifted:?}");
    }
}

#[test]
fn categories_of_one_side_are_named() {
    let texts =
        |words: &[&str]| of(Arc::new(StringArray::from_iter_values(words.iter().copied().cycle().take(900))));
    let found =
        compare_profiles(&texts(&["가", "a\0b", ""]), &texts(&["가", "a", ""]), &Options::default()).unwrap();
    let categories = found.columns[0].categories.as_ref().unwrap();
    assert_eq!((categories.new.clone(), categories.new_count), (vec![("a".to_owned(), 300)], 1));
    assert_eq!(categories.vanished, [("a\0b".to_owned(), 300)]);
    assert_eq!(found.columns[0].verdict, Verdict::Drifted);
}

#[test]
fn texts_that_are_too_many_keep_the_frequent_ones() {
    let mut draws = Draws(9);
    let word = |draws: &mut Draws| {
        let share = draws.uniform();
        if share < 0.2 {
            "가나다".to_owned()
        } else if share < 0.3 {
            "x".repeat(5000)
        } else {
            format!("id-{}", (draws.uniform() * 1e12) as u64)
        }
    };
    let texts = StringArray::from_iter_values(draws.many(60_000, word));
    let exact = texts.iter().flatten().filter(|text| *text == "가나다").count() as u64;
    let whole = of(Arc::new(texts));
    let column = &whole.columns()[0];
    let frequent = column.frequent(3);
    let error = column.frequent_error();
    assert!(error > 0 && error < 300, "{error}");
    assert!(frequent[0].0 == "가나다" && (exact - error..=exact).contains(&frequent[0].1), "{frequent:?}");
    // Long texts are kept short.
    assert!(frequent[1].0.len() < 300 && frequent[1].0.starts_with("xxx"));
    let distinct = column.profile();
    let truth = 42_000.0;
    assert!(
        (distinct.distinct.unwrap() as f64 / truth - 1.0).abs() < 0.05 && distinct.distinct_error > 500.0,
        "{distinct:?}"
    );
    assert!(whole.to_json().unwrap().len() < 600_000);
    let found = compare_profiles(&whole, &whole, &Options::default()).unwrap();
    let whats: Vec<What> = found.columns[0].aspects.iter().map(|aspect| aspect.what).collect();
    assert_eq!(whats, [What::Missing, What::Values, What::Length, What::Pattern, What::Token]);
    assert_eq!(found.columns[0].verdict, Verdict::Stable);
}

/// Total variation, Jensen–Shannon and Le Cam's distance of all texts, nulls as one of their own in the first two.
fn distances(sides: [&StringArray; 2]) -> [f64; 3] {
    let mut counts: BTreeMap<Option<&str>, [f64; 2]> = BTreeMap::new();
    for (side, texts) in sides.into_iter().enumerate() {
        texts.iter().for_each(|text| counts.entry(text).or_default()[side] += 1.0);
    }
    let shares = |counts: &BTreeMap<Option<&str>, [f64; 2]>| {
        let sums = [0, 1].map(|side| counts.values().map(|row| row[side]).sum::<f64>());
        counts.values().map(|row| [row[0] / sums[0], row[1] / sums[1]]).collect::<Vec<_>>()
    };
    let all = shares(&counts);
    counts.remove(&None);
    let sum = |shares: &[[f64; 2]], of: &dyn Fn(f64, f64) -> f64| {
        shares.iter().map(|[p, q]| of(*p, *q)).sum::<f64>()
    };
    let surprise = |p: f64, q: f64| if p > 0.0 { p * (2.0 * p / (p + q)).log2() } else { 0.0 };
    [
        0.5 * sum(&all, &|p, q| (p - q).abs()),
        (0.5 * sum(&all, &|p, q| surprise(p, q) + surprise(q, p))).max(0.0).sqrt(),
        (0.5 * sum(&shares(&counts), &|p, q| (p - q).powi(2) / (p + q))).sqrt(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Some frequent texts, which differ between the sides, among many that a sketch cannot count, some of which both sides have.
    #[test]
    fn distances_of_too_many_texts_are_within_their_bounds(
        seed: u64,
        sizes in prop::array::uniform2(2000_usize..20_000),
        frequent in prop::array::uniform2(0.05_f64..0.9),
        names in 1.0_f64..60.0,
        pool in prop::sample::select(vec![1700.0, 5000.0, 1e9]),
        skew in 1.0_f64..3.0,
    ) {
        let mut draws = Draws(seed);
        let side = |side: usize, draws: &mut Draws| -> StringArray {
            let text = |draws: &mut Draws| {
                let (kind, at) = (draws.uniform(), draws.uniform());
                if kind < 0.05 {
                    None
                } else if kind < frequent[side] {
                    Some(format!("자주 {}", (at.powf(skew + side as f64) * names) as u64))
                } else {
                    Some(format!("id {}", (at * pool) as u64))
                }
            };
            draws.many(sizes[side], text).into_iter().collect()
        };
        let texts = [side(0, &mut draws), side(1, &mut draws)];
        let profiles = texts.each_ref().map(|texts| of(Arc::new(texts.clone())));
        let column = compare_profiles(&profiles[0], &profiles[1], &Options::default()).unwrap().columns.remove(0);
        let Some(values) = column.aspects.iter().find(|aspect| aspect.what == What::Values) else {
            return Ok(());
        };
        let [variation, shannon, le_cam] = distances(texts.each_ref());
        let found = |measure: Measure| values.statistics.iter().find(|found| found.measure == measure).unwrap();
        for (measure, exact) in [(Measure::TotalVariation, variation), (Measure::JensenShannon, shannon)] {
            let found = found(measure);
            prop_assert!((found.value - exact).abs() <= found.error + 1e-9, "{found:?} {exact}");
            prop_assert!(found.error <= 0.5 && found.p.is_none());
        }
        // What decides is no more than the truth.
        prop_assert!(values.effect.value - values.effect.error <= le_cam + 1e-9, "{:?} {le_cam}", values.effect);
    }
}

#[test]
fn a_frequent_text_among_too_many_is_drift_that_lengths_do_not_show() {
    let texts = |shares: [f64; 2]| {
        let mut draws = Draws(4);
        let text = |draws: &mut Draws| {
            let (kind, id) = (draws.uniform(), 10_000 + (draws.uniform() * 9e4) as u64);
            let name = ["cart", "shop"].into_iter().zip(shares).find(|(_, share)| kind < *share);
            name.map_or_else(|| format!("item-{id}"), |(name, _)| format!("{name}-00000"))
        };
        of(Arc::new(StringArray::from_iter_values(draws.many(40_000, text))))
    };
    let verdict = |current: &TableProfile| {
        let column =
            compare_profiles(&texts([0.2, 0.3]), current, &Options::default()).unwrap().columns.remove(0);
        let drifted = column.aspects.iter().filter(|aspect| aspect.verdict == Verdict::Drifted);
        drifted.map(|aspect| aspect.what).collect::<Vec<_>>()
    };
    assert_eq!(verdict(&texts([0.2, 0.3])), []);
    let found = verdict(&texts([0.05, 0.3]));
    assert!(found.contains(&What::Values) && !found.contains(&What::Length), "{found:?}");
}

#[test]
fn integers_and_floats_are_one_column_and_nulls_fit_all() {
    let integers = of(Arc::new(Int64Array::from_iter_values((0..1000).map(|value| value % 50))));
    let mut all = of(numbers((0..500).map(|value| f64::from(value % 50)).collect()));
    all.merge(&integers).unwrap();
    let nothing = of(Arc::new(NullArray::new(10)));
    all.merge(&nothing).unwrap();
    let found = all.columns()[0].profile();
    assert_eq!((found.rows, found.missing, found.distinct), (1510, 10, Some(50)));
    let mut nulls = nothing.clone();
    nulls.merge(&all).unwrap();
    assert_eq!((nulls.columns()[0].kind(), nulls.rows()), (Kind::Numbers, 1520));
    assert_eq!(
        compare_profiles(&integers, &all, &Options::default()).unwrap().columns[0].verdict,
        Verdict::Stable
    );
    let texts = of(words(&[1, 2]));
    let error = all.merge(&texts).unwrap_err();
    assert!(
        matches!(&error, ProfileError::Merge { column, .. } if column == "c")
            && error.code().to_string() == "HK1833"
    );
    assert_eq!(all.rows(), 1510);
    let found = compare_profiles(&integers, &texts, &Options::default()).unwrap();
    assert_eq!((found.columns[0].verdict, found.columns[0].aspects.len()), (Verdict::Drifted, 0));
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let batch = |name: &str, column: ArrayRef| RecordBatch::try_from_iter([(name, column)]).unwrap();
    let mut profile =
        TableProfile::new(&Schema::new(vec![Field::new("c", DataType::Float64, true)])).unwrap();
    profile.update(&batch("c", Arc::new(Int64Array::from_iter_values(0..3))), 1).unwrap();
    profile.update(&batch("c", Arc::new(NullArray::new(2))), 1).unwrap();
    for wrong in [batch("d", numbers(vec![1.0])), batch("c", words(&[1]))] {
        let error = profile.update(&wrong, 1).unwrap_err();
        assert_eq!((error.code().to_string().as_str(), profile.rows()), ("HK1834", 5));
    }
    let schema = Schema::new(vec![Field::new("c", DataType::Float64, true)]);
    let read = |column: ArrayRef, rows| by_columns(&schema, rows, 1, |_| vec![column.clone()]);
    assert_eq!(read(numbers(vec![1.0]), 1).unwrap().rows(), 1);
    for wrong in [read(numbers(vec![1.0]), 2), read(words(&[1]), 1)] {
        assert_eq!(wrong.unwrap_err().code().to_string(), "HK1834");
    }
    let twice =
        Schema::new(vec![Field::new("c", DataType::Float64, true), Field::new("c", DataType::Utf8, true)]);
    assert_eq!(TableProfile::new(&twice).unwrap_err().code().to_string(), "HK1801");
}

#[test]
fn columns_without_statistics_are_named_and_left_out() {
    let inner = Arc::new(Field::new("x", DataType::Int64, true));
    let part: ArrayRef = Arc::new(Int64Array::from_iter_values(0..5));
    let parts: ArrayRef = Arc::new(StructArray::from(vec![(inner, Arc::clone(&part))]));
    let batch = RecordBatch::try_from_iter([("s", parts), ("n", part)]).unwrap();
    let found = profile(std::slice::from_ref(&batch));
    assert_eq!((found.skipped(), found.columns().len(), found.rows()), (&["s".to_owned()][..], 1, 5));
    let read = TableProfile::from_json(&found.to_json().unwrap()).unwrap();
    let report = compare_profiles(&found, &read, &Options::default()).unwrap();
    assert_eq!(report.skipped, ["s"]);
    let merged = concat_batches(&batch.schema(), [&batch, &batch]).unwrap();
    assert_eq!(profile(&[merged]).rows(), 10);
}

#[test]
fn lists_compare_by_lengths_and_elements() {
    let mut draws = Draws(21);
    let mut column = |drift: f64| {
        let whole = rows(&mut draws, 3000, drift);
        of(Arc::clone(whole.column_by_name("list").unwrap()))
    };
    let (reference, same, other) = (column(0.0), column(0.0), column(1.0));
    let found = |current: &TableProfile| {
        let column = compare_profiles(&reference, current, &Options::default()).unwrap().columns.remove(0);
        let verdict = |what: What| column.aspects.iter().find(|aspect| aspect.what == what).unwrap().verdict;
        [verdict(What::Length), verdict(What::Element)]
    };
    assert_eq!(found(&same), [Verdict::Stable, Verdict::Stable]);
    assert_eq!(found(&other), [Verdict::Stable, Verdict::Drifted]);
}
