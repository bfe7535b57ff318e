//! Hanok's own document for linear models, which `examples/models/export_sklearn.py` writes. JSON:
//!
//! ```json
//! {"format": "hanok-linear", "version": 1,
//!  "source": "scikit-learn 1.9.1 LogisticRegression",
//!  "features": 2,
//!  "feature_names": ["a", "b"],
//!  "coefficients": [0.5, -1.25],
//!  "intercepts": [0.1],
//!  "means": [3.5, 0.0],
//!  "link": "logistic"}
//! ```
//!
//! `coefficients` has the features of the first output, then those of the second. The raw value of an output is its intercept and the sum of
//! coefficient times feature, in f64 and in this order; links as in `exchange.rs`. `means` are those of the features over the training rows:
//! path-dependent values are coefficient · (feature − mean). `feature_names` and `means` may be left out.

use super::document::Part;
use super::exchange;
use crate::ensemble::{
    Dialect, Ensemble, FEATURES_MAX, Kind, Leaf, Linear, NODES_MAX, Node, OUTPUTS_MAX, Rule, Sum, Tree,
};
use crate::error::ReadError;
use crate::texts::Texts;

/// Reads a parsed document.
pub(super) fn read(root: Part<'_>) -> Result<Ensemble, ReadError> {
    exchange::check_version(&root)?;
    let features = root.get("features")?.count()?;
    let intercepts = root.get("intercepts")?.numbers()?;
    let cells = cells(features, intercepts.len())?;
    let coefficients = root.get("coefficients")?.numbers_of(cells)?;
    let means = root.find("means").map_or(Ok(&[][..]), |means| means.numbers_of(features))?;
    let function = |output: usize| Linear {
        constant: intercepts[output],
        terms: (0..).zip(coefficients[output * features..][..features].iter().copied()).collect(),
        means: means.to_vec(),
        rule: Rule::Plain,
    };
    Ok(Ensemble {
        source: root.find("source").map_or(Ok(""), |source| source.text())?.to_owned(),
        dialect: Dialect::SklearnF64,
        feature_names: root.find("feature_names").map_or(Ok(Vec::new()), |names| names.texts())?,
        features,
        texts: Texts::new(),
        base: vec![0.0; intercepts.len()],
        divisor: 1.0,
        link: exchange::link(&root)?,
        sum: Sum::F64,
        has_cover: true,
        trees: (0..intercepts.len())
            .map(|output| tree(output, function(output), features))
            .collect::<Result<_, _>>()?,
    })
}

/// A linear function as a tree without splits.
pub(super) fn tree(output: usize, function: Linear, features: usize) -> Result<Tree, ReadError> {
    let leaf = Leaf { value: 0.0, linear: Some(Box::new(function)) };
    let node = Node { cover: 1.0, kind: Kind::Leaf(leaf) };
    Tree::arrange(output as u32, 0, &[node], features, "$")
}

/// How many coefficients there are of some features and outputs.
pub(super) fn cells(features: usize, outputs: usize) -> Result<usize, ReadError> {
    let limits = [
        ("features", features, FEATURES_MAX),
        ("outputs", outputs, OUTPUTS_MAX),
        ("coefficients", features.saturating_mul(outputs), NODES_MAX),
    ];
    match limits.into_iter().find(|(_, found, limit)| found > limit) {
        Some((what, found, limit)) => Err(ReadError::Limit { what, found, limit }),
        None => Ok(features * outputs),
    }
}
