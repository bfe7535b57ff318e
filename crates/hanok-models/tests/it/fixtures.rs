//! Models of all libraries with what the libraries say of some rows; `tests/models/make_fixtures.py` wrote them.

use std::path::{Path, PathBuf};

/// What a library says.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) model: Vec<u8>,
    pub(crate) features: usize,
    pub(crate) outputs: usize,
    pub(crate) rows: Vec<f64>,
    pub(crate) raw: Vec<f64>,
    pub(crate) predicted: Vec<f64>,
    /// Of each row and output, the features' values and the base.
    pub(crate) contributions: Option<Vec<f64>>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// All fixtures in the order of their names.
pub(crate) fn all() -> Vec<Fixture> {
    let names =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".values").map(str::to_owned)).collect();
    names.sort_unstable();
    assert!(names.len() >= 20, "fixtures are missing");
    names.into_iter().map(one).collect()
}

/// One fixture by the name of its model file.
pub(crate) fn one(name: impl Into<String>) -> Fixture {
    let name = name.into();
    let bytes = std::fs::read(folder().join(format!("{name}.values"))).unwrap();
    let (head, values) = bytes.split_at(16);
    let mut head = head.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word) as usize);
    let mut next = || head.next().unwrap();
    let (rows, features, outputs, has_contributions) = (next(), next(), next(), next() == 1);
    let mut values = values.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value));
    let mut take = |count: usize| values.by_ref().take(count).collect::<Vec<f64>>();
    Fixture {
        model: std::fs::read(folder().join(&name)).unwrap(),
        name,
        features,
        outputs,
        rows: take(rows * features),
        raw: take(rows * outputs),
        predicted: take(rows * outputs),
        contributions: has_contributions.then(|| take(rows * outputs * (features + 1))),
    }
}
