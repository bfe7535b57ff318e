//! Damaged and hostile files give coded errors: no panic, no hang, no memory beyond the file's own measure.

use hanok_error::Coded;
use hanok_models::{Explainer, Predictor, ReadError, Table, read};
use proptest::prelude::*;

use crate::fixtures;

/// A model that was read must also be usable.
fn use_it(bytes: &[u8]) {
    match read(bytes) {
        Ok(ensemble) if ensemble.features() <= 10_000 => {
            let table = Table::from_rows(&vec![0.5; ensemble.features() * 3], ensemble.features());
            Predictor::new(&ensemble).predict(&table, 1).unwrap();
            if let Ok(explainer) = Explainer::new(&ensemble) {
                explainer.explain(&table, 1).unwrap();
            }
        }
        Ok(_) => {}
        Err(error) => assert!(error.code().info().is_some() && !error.to_string().is_empty()),
    }
}

#[test]
fn every_truncation_is_refused() {
    for fixture in fixtures::all() {
        let model = fixture.model.trim_ascii_end();
        let ends = (0..model.len()).step_by((model.len() / 200).max(1));
        for end in ends {
            let error = read(&model[..end]);
            // What LightGBM writes after its trees is not needed.
            let is_whole = model[..end].windows(12).any(|text| text == b"end of trees");
            assert!(error.is_err() || is_whole, "{} cut at {end} was read", fixture.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_are_survived(which: usize, changes in prop::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let fixtures = fixtures::all();
        let mut model = fixtures[which % fixtures.len()].model.clone();
        for (at, byte) in changes {
            let at = at % model.len();
            model[at] = byte;
        }
        use_it(&model);
    }

    #[test]
    fn changed_numbers_are_survived(which: usize, changes in prop::collection::vec((any::<usize>(), 0_usize..9), 1..4)) {
        let fixtures = fixtures::all();
        let model = &fixtures[which % fixtures.len()].model;
        let Ok(mut text) = String::from_utf8(model.clone()) else { return Ok(()) };
        for (at, with) in changes {
            let numbers: Vec<(usize, &str)> = text.match_indices(|c: char| c.is_ascii_digit()).collect();
            let at = numbers[at % numbers.len()].0;
            let with = ["-1", "4294967296", "1e308", "9999999999", "NaN", "", "[", "0.5", "2147483647"][with];
            text.replace_range(at..=at, with);
        }
        use_it(text.as_bytes());
    }
}

/// An exchange document of one tree.
fn document(feature: &str, left: &str, right: &str) -> String {
    format!(
        r#"{{"format": "hanok-trees", "version": 1, "features": 2, "compare": "f64", "base": [0], "divisor": 1, "link": "identity",
        "trees": [{{"outputs": [0], "feature": {feature}, "threshold": [0, 0, 0], "left": {left}, "right": {right},
        "cover": [2, 1, 1], "value": [0, 1, 2]}}]}}"#
    )
}

#[test]
fn trees_that_are_none_are_refused_with_their_path() {
    for (feature, left, right, problem) in [
        ("[0, 0, -1]", "[1, 0, -1]", "[2, 2, -1]", "reached twice"),
        ("[0, -1, -1]", "[1, -1, -1]", "[1, -1, -1]", "reached twice"),
        ("[0, -1, -1]", "[1, -1, -1]", "[7, -1, -1]", "does not exist"),
        ("[0, -1, -1]", "[-5, -1, -1]", "[2, -1, -1]", "does not exist"),
        ("[9, -1, -1]", "[1, -1, -1]", "[2, -1, -1]", "tests feature 9 of 2"),
        ("[0, -1]", "[1, -1, -1]", "[2, -1, -1]", "where 2 are needed"),
    ] {
        let error = read(document(feature, left, right).as_bytes()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(&error, ReadError::Part { path, .. } if path.starts_with("$.trees[0]")), "{text}");
        assert!(text.contains(problem), "{text}");
        assert_eq!(error.code().0, "HK1601");
    }
}

#[test]
fn chains_of_nodes_and_of_brackets_end() {
    let count = 100_000;
    let list = |value: &dyn Fn(usize) -> i64| format!("{:?}", (0..=2 * count).map(value).collect::<Vec<_>>());
    let is_leaf = |at: usize| at % 2 == 1 || at == 2 * count;
    let feature = list(&|at| if is_leaf(at) { -1 } else { 0 });
    let left = list(&|at| at as i64 + 1);
    let right = list(&|at| at as i64 + 2);
    let zeros = list(&|_| 0);
    let text = document(&feature, &left, &right)
        .replace("[0, 0, 0]", &zeros)
        .replace("[2, 1, 1]", &zeros)
        .replace("[0, 1, 2]", &zeros);
    let error = read(text.as_bytes()).unwrap_err();
    assert!(matches!(error, ReadError::Limit { what: "levels in a tree", .. }), "{error}");
    let nested = format!("{{\"a\": {}", "[".repeat(1_000_000));
    assert_eq!(read(nested.as_bytes()).unwrap_err().code().0, "HK1601");
    let nested = "{\"left\":".repeat(100_000);
    assert_eq!(read(nested.as_bytes()).unwrap_err().code().0, "HK1601");
}

#[test]
fn declared_sizes_make_no_memory() {
    let huge = fixtures::one("xgboost-binary.json");
    let text = String::from_utf8(huge.model).unwrap();
    for (from, to) in [
        ("\"num_class\":\"0\"", "\"num_class\":\"4000000000\""),
        ("\"num_feature\":\"5\"", "\"num_feature\":\"4000000000\""),
    ] {
        assert!(text.contains(from));
        assert_eq!(read(text.replace(from, to).as_bytes()).unwrap_err().code().0, "HK1603");
    }
    let text = String::from_utf8(fixtures::one("lightgbm-binary.txt").model).unwrap();
    for (from, to) in [
        ("num_tree_per_iteration=1", "num_tree_per_iteration=4000000000"),
        ("max_feature_idx=4", "max_feature_idx=4000000000"),
    ] {
        assert!(text.contains(from));
        assert_eq!(read(text.replace(from, to).as_bytes()).unwrap_err().code().0, "HK1603");
    }
}

#[test]
fn binary_lists_longer_than_the_file_are_refused() {
    // In a checkpoint the number of trees, of features, and the lengths of all lists stand in the first bytes.
    let whole = fixtures::one("treelite-lightgbm.bin").model;
    for at in 12..whole.len().min(400) {
        let mut changed = whole.clone();
        changed[at..at + 8].fill(0xff);
        if let Err(error) = read(&changed) {
            assert!(error.code().info().is_some());
        }
    }
    for name in ["onnx-targets.onnx", "catboost-statistics.cbm"] {
        let whole = fixtures::one(name).model;
        for at in (0..whole.len() - 5).step_by(3) {
            let mut changed = whole.clone();
            changed[at..at + 5].copy_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x7f]);
            let _ = read(&changed);
        }
    }
}

#[test]
fn what_is_not_exact_is_refused() {
    let text = String::from_utf8(fixtures::one("xgboost-binary.json").model).unwrap();
    let other = text.replace("\"binary:logistic\"", "\"my:own\"");
    let error = read(other.as_bytes()).unwrap_err();
    assert_eq!(error.code().0, "HK1602");
    assert_eq!(
        error.to_string(),
        "$.learner.objective.name: the objective `my:own` cannot be computed exactly"
    );
    let text = String::from_utf8(fixtures::one("catboost-regression.json").model).unwrap();
    let error = read(text.replacen("\"FloatFeature\"", "\"EmbeddingFeature\"", 1).as_bytes()).unwrap_err();
    assert_eq!(error.code().0, "HK1602");
    // Two features of one statistic: their names are told.
    let text = String::from_utf8(fixtures::one("catboost-statistics.json").model).unwrap();
    let two = r#""elements":[{"cat_feature_index":0},{"cat_feature_index":1}],"before":"#;
    let error = read(text.replacen("\"elements\":", two, 1).as_bytes()).unwrap_err();
    assert_eq!(error.code().0, "HK1621");
    assert_eq!(
        error.to_string(),
        "$.features_info.ctrs[0]: the features 0, 2 are tested together, as one statistic of the target"
    );
    assert_eq!(read(b"PK\x03\x04").unwrap_err().code().0, "HK1601");
    assert_eq!(read(b"{\"a\": 1}").unwrap_err().code().0, "HK1601");
    assert_eq!(read(b"").unwrap_err().code().0, "HK1601");
}

#[test]
fn later_versions_are_refused_by_name() {
    let text = |name: &str| String::from_utf8(fixtures::one(name).model).unwrap();
    let mut treelite = fixtures::one("treelite-xgboost.bin").model;
    treelite[0] = 5;
    for later in [
        text("xgboost-binary.json").replace("\"version\":[3,", "\"version\":[4,").into_bytes(),
        text("lightgbm-binary.txt").replace("version=v4", "version=v5").into_bytes(),
        text("linear-ridge.json").replace("\"version\": 1", "\"version\": 2").into_bytes(),
        treelite,
    ] {
        let error = read(&later).unwrap_err();
        assert_eq!(error.code().0, "HK1620", "{error}");
    }
}
