//! Views against the numbers that the file was made of.

use hanok_explain::{Cohorts, Importance, Pair, Rest, ViewError, importance, pairs, pairs_of, sample};

use crate::file::{FEATURES, airport, explanation, input, value};

const REST: Rest = Rest { others: "others", missing: "missing" };

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * (1.0 + a.abs())
}

/// What an importance should be, from the rows that it is of.
fn check(found: &Importance, rows: &[usize], output: usize) {
    let feature = FEATURES.iter().position(|name| *name == found.feature).unwrap();
    let values: Vec<f64> = rows.iter().map(|row| value(*row, output, feature)).collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert_eq!(found.rows, rows.len() as u64, "{found:?}");
    assert!(near(found.mean_abs, values.iter().map(|value| value.abs()).sum::<f64>() / n), "{found:?}");
    assert!(near(found.mean, mean) && near(found.std, std), "{found:?} {mean} {std}");
    assert!(near(found.max_abs, values.iter().fold(0.0, |max, value| value.abs().max(max))), "{found:?}");
}

#[test]
fn importance_is_that_of_all_rows_and_outputs() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 12_345, 2);
    let found = importance(&explanation, &[1, 0], None).unwrap();
    let all: Vec<usize> = (0..12_345).collect();
    assert_eq!(found.len(), 8);
    for (place, found) in found.iter().enumerate() {
        assert_eq!((found.output.as_str(), &found.cohort), (["1", "0"][place / 4], &None));
        check(found, &all, 1 - place / 4);
    }
    assert!(found[..4].is_sorted_by(|a, b| a.mean_abs >= b.mean_abs));
    let table = Importance::table(&found).unwrap();
    assert_eq!((table.num_rows(), table.num_columns()), (8, 8));
}

#[test]
fn cohorts_of_text_are_the_largest_and_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 9000, 1);
    let cohorts = Cohorts::new(&explanation, "airport", &REST).unwrap();
    let found = importance(&explanation, &[0], Some(&cohorts)).unwrap();
    let mut counts: Vec<(Option<&str>, usize)> = Vec::new();
    for row in 0..9000 {
        match counts.iter_mut().find(|(place, _)| *place == airport(row)) {
            Some((_, n)) => *n += 1,
            None => counts.push((airport(row), 1)),
        }
    }
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let largest: Vec<&str> = counts[..5].iter().map(|(place, _)| place.unwrap_or("missing")).collect();
    assert_eq!(cohorts.names(), [&largest[..], &["others"]].concat());
    for found in found {
        let cohort = found.cohort.clone().unwrap();
        let belongs = |row: &usize| {
            let place = airport(*row).unwrap_or("missing");
            if cohort == "others" { !largest.contains(&place) } else { place == cohort }
        };
        check(&found, &(0..9000).filter(belongs).collect::<Vec<_>>(), 0);
    }
}

#[test]
fn cohorts_of_numbers_are_quarters_and_missing() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 7000, 1);
    let cohorts = Cohorts::new(&explanation, "wind", &REST).unwrap();
    let found = importance(&explanation, &[0], Some(&cohorts)).unwrap();
    let names: Vec<&str> = cohorts.names().iter().map(String::as_str).collect();
    let [first, second, third, fourth, missing] = names[..] else { panic!("{names:?}") };
    assert!(first.starts_with("≤ -2") && second.starts_with("> -2") && third.contains(", ≤ 2"), "{names:?}");
    assert!(fourth.starts_with("> 2") && missing == "missing", "{names:?}");
    let bound = |name: &str| name.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
    let bounds = [bound(first), bound(second), bound(third)];
    for found in found {
        let cohort = names.iter().position(|name| Some(*name) == found.cohort.as_deref()).unwrap();
        let belongs = |row: &usize| match input(*row, 3) {
            None => cohort == 4,
            Some(wind) => cohort == bounds.iter().filter(|bound| **bound < wind).count(),
        };
        let rows: Vec<usize> = (0..7000).filter(belongs).collect();
        assert!(cohort == 4 || (1400..1600).contains(&rows.len()), "{cohort}: {}", rows.len());
        check(&found, &rows, 0);
    }
}

#[test]
fn pairs_are_what_two_features_do_together() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 500, 2);
    let found = pairs(&explanation, 1).unwrap();
    assert_eq!(found.len(), 10);
    // A feature's values are its main effect and half of what it does with each other one.
    for name in FEATURES {
        let sum: f64 = found
            .iter()
            .filter(|pair| pair.feature == name || pair.other == name)
            .map(|pair| if pair.feature == pair.other { pair.mean } else { pair.mean / 2.0 })
            .sum();
        let feature = FEATURES.iter().position(|other| *other == name).unwrap();
        let mean = (0..500).map(|row| value(row, 1, feature)).sum::<f64>() / 500.0;
        assert!(near(sum, mean), "{name}: {sum} {mean}");
    }
    assert!(
        found.iter().all(|pair| pair.rows == 500 && pair.mean_abs >= pair.mean.abs() && pair.output == "1")
    );
}

#[test]
fn the_pairs_of_a_feature_are_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 500, 2);
    let all = pairs(&explanation, 1).unwrap();
    let found = pairs_of(&explanation, 1, 2).unwrap();
    assert!(found.len() == 3 && found.is_sorted_by(|a, b| a.strength >= b.strength));
    for partner in found {
        let names = [FEATURES[2], FEATURES[partner.feature]];
        let is_it =
            |pair: &&Pair| names.contains(&pair.feature.as_str()) && names.contains(&pair.other.as_str());
        let pair = all.iter().filter(is_it).find(|pair| pair.feature != pair.other).unwrap();
        assert!(near(partner.strength * 2.0, pair.mean_abs), "{partner:?} {pair:?}");
    }
}

#[test]
fn a_sample_is_spread_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 20_001, 1);
    let rows = sample(&explanation, &["flight", "wind@0"], 1000).unwrap();
    assert_eq!((rows.num_rows(), rows.num_columns()), (1000, 2));
    let flights = hanok_explain::numbers(&rows, "flight").unwrap();
    for (place, flight) in flights.values().iter().enumerate() {
        let part = place * 20_001 / 1000..(place + 1) * 20_001 / 1000;
        assert!(part.contains(&(*flight as usize - 1)), "{place}: {flight}");
    }
    assert_eq!(rows, sample(&explanation, &["flight", "wind@0"], 1000).unwrap());
    assert_eq!(sample(&explanation, &["flight"], 30_000).unwrap().num_rows(), 20_001);
}

#[test]
fn views_without_rows_or_columns_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let explanation = explanation(folder.path(), 0, 1);
    let found = importance(&explanation, &[0], None).unwrap();
    assert!(found.len() == 4 && found.iter().all(|one| one.rows == 0 && one.mean_abs.is_nan()));
    assert!(matches!(sample(&explanation, &["flight"], 10), Err(ViewError::Request(_))));
    assert!(matches!(Cohorts::new(&explanation, "airport", &REST), Err(ViewError::Request(_))));
    let unknown = Cohorts::new(&explanation, "airprot", &REST);
    assert!(matches!(unknown, Err(ViewError::Unknown { known, .. }) if known.len() == 6));
}
