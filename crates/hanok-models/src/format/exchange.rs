//! Hanok's own document for tree ensembles, which a script writes for libraries that keep models in pickles:
//! `examples/models/export_sklearn.py` for scikit-learn. JSON:
//!
//! ```json
//! {"format": "hanok-trees", "version": 1,
//!  "source": "scikit-learn 1.9.1 RandomForestClassifier",
//!  "features": 4,
//!  "feature_names": ["a", "b", "c", "d"],
//!  "compare": "f32",
//!  "base": [0.0, 0.0],
//!  "divisor": 100,
//!  "link": "identity",
//!  "trees": [{"outputs": [0, 1],
//!             "feature": [2, -1, -1], "threshold": [0.5, 0, 0], "missing_left": [1, 0, 0],
//!             "left": [1, -1, -1], "right": [2, -1, -1],
//!             "cover": [150, 50, 100],
//!             "value": [0, 0, 0.9, 0.1, 0.3, 0.7]}]}
//! ```
//!
//! `compare` is the precision that values are rounded to before `x <= threshold`, which goes left, is asked in f64. Arrays are by
//! node, the root first; a leaf has the feature −1. `value` has a number for each node and output of the tree. The raw value of an
//! output is its base and the sum of its leaves divided by `divisor`; links are `identity`, `logistic`, `softmax`, `exp` and
//! `power_of_half` (2^−raw).
//!
//! Categories: `sets` of the document is a list of lists of values, which are f32; a tree's `set` has for each node the number of its set, or
//! −1 for a threshold, and `members_left` whether a value of the set goes left or right; any other goes the other way. `categories` has, by
//! the number of a feature as text, a list of texts whose values are 0, 1, 2….
//!
//! `feature_names`, `missing_left` (NaN goes right) and `cover` (no path-dependent values) may be left out.

use super::compare;
use super::document::{Part, index};
use crate::categories::CategorySet;
use crate::ensemble::{
    Dialect, Ensemble, Kind, Leaf, Link, Missing, NODES_MAX, Node, Split, Sum, Test, Tree,
};
use crate::error::ReadError;
use crate::texts::{Text, Texts};

/// Reads a parsed document.
pub(super) fn read(root: Part<'_>) -> Result<Ensemble, ReadError> {
    check_version(&root)?;
    let features = root.get("features")?.count()?;
    let compare = root.get("compare")?;
    let dialect = match compare.text()? {
        "f32" => Dialect::OnnxF32,
        "f64" => Dialect::OnnxF64,
        _ => return Err(compare.wrong("this is neither `f32` nor `f64`")),
    };
    let sets = root.find("sets");
    let set = |part: Part<'_>| {
        compare::members(part.numbers()?).ok_or_else(|| part.wrong("a member of the set is no f32"))
    };
    let sets: Vec<CategorySet> = match &sets {
        Some(sets) => sets.elements()?.map(set).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let mut texts = Texts::new();
    if let Some(categories) = root.find("categories") {
        for (feature, list) in categories.members()? {
            let feature = feature.parse().map_err(|_| list.wrong("the key is no number of a feature"))?;
            texts.insert(feature, Text::codes(list.texts()?));
        }
    }
    let list = root.get("trees")?;
    let (mut trees, mut nodes, mut has_cover) = (Vec::new(), 0, true);
    for part in list.elements()? {
        has_cover &= part.find("cover").is_some();
        for tree in one_tree(&part, features, &sets)? {
            nodes += tree.nodes.len();
            trees.push(tree);
        }
        if nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: nodes, limit: NODES_MAX });
        }
    }
    let divisor = root.get("divisor")?.number()?;
    let is_sum = divisor.total_cmp(&1.0).is_eq();
    Ok(Ensemble {
        source: root.find("source").map_or(Ok(""), |source| source.text())?.to_owned(),
        dialect,
        feature_names: root.find("feature_names").map_or(Ok(Vec::new()), |names| names.texts())?,
        features,
        texts,
        base: root.get("base")?.numbers()?.to_vec(),
        divisor,
        link: link(&root)?,
        sum: if is_sum { Sum::F64 } else { Sum::F64BaseLast },
        has_cover,
        trees,
    })
}

/// Whether the document is of a version that is known.
pub(super) fn check_version(root: &Part<'_>) -> Result<(), ReadError> {
    let version = root.get("version")?;
    match version.count()? {
        1 => Ok(()),
        found => {
            Err(ReadError::Version { path: version.path(), found: found.to_string(), known: "version 1" })
        }
    }
}

/// The link that a document names.
pub(super) fn link(root: &Part<'_>) -> Result<Link, ReadError> {
    let link = root.get("link")?;
    Ok(match link.text()? {
        "identity" => Link::Identity,
        "logistic" => Link::Logistic { factor: 1.0 },
        "softmax" => Link::Softmax,
        "exp" => Link::Exp,
        "power_of_half" => Link::PowerOfHalf,
        other => return Err(link.unsupported(format!("the link `{other}`"))),
    })
}

/// The test of each node; that of a leaf means nothing.
fn tests(
    part: &Part<'_>,
    thresholds: &[f64],
    set: Option<&[f64]>,
    members_left: Option<&[f64]>,
    sets: &[CategorySet],
) -> Result<Vec<Test>, ReadError> {
    let test = |(at, threshold): (usize, &f64)| {
        let number = set.map_or(-1.0, |set| set[at]);
        if number < 0.0 {
            return Ok(Test::Below(*threshold));
        }
        let set = index(number).and_then(|number| sets.get(number));
        let set = set.ok_or_else(|| part.wrong(format!("the set of node {at} does not exist")))?.clone();
        Ok(Test::Category { set, members_left: members_left.is_none_or(|left| left[at] != 0.0) })
    };
    thresholds.iter().enumerate().map(test).collect()
}

/// The tree once for each of its outputs.
fn one_tree(part: &Part<'_>, features: usize, sets: &[CategorySet]) -> Result<Vec<Tree>, ReadError> {
    let feature = part.get("feature")?.numbers()?;
    let length = feature.len();
    let numbers = |key: &'static str| part.get(key)?.numbers_of(length);
    let optional =
        |key: &'static str| part.find(key).map_or(Ok(None), |part| part.numbers_of(length).map(Some));
    let (threshold, left, right) = (numbers("threshold")?, numbers("left")?, numbers("right")?);
    let (missing_left, cover) = (optional("missing_left")?, optional("cover")?);
    let tests = tests(part, threshold, optional("set")?, optional("members_left")?, sets)?;
    let outputs = part.get("outputs")?;
    let outputs = outputs.indices_of(outputs.numbers()?.len())?;
    let values = length.checked_mul(outputs.len()).filter(|values| *values <= NODES_MAX);
    let values = values.ok_or(ReadError::Limit { what: "nodes", found: length, limit: NODES_MAX })?;
    let value = part.get("value")?.numbers_of(values)?;
    let of_output = |(place, output): (usize, &usize)| {
        let node = |at: usize| {
            let kind = if feature[at] < 0.0 {
                Kind::Leaf(Leaf { value: value[at * outputs.len() + place], linear: None })
            } else {
                let index = |number: f64| index(number).map_or(u32::MAX, |index| index as u32);
                Kind::Split(Split {
                    feature: index(feature[at]),
                    test: tests[at].clone(),
                    missing: Missing::Nan { left: missing_left.is_some_and(|left| left[at] != 0.0) },
                    left: index(left[at]),
                    right: index(right[at]),
                })
            };
            Node { cover: cover.map_or(0.0, |cover| cover[at]), kind }
        };
        let nodes: Vec<Node> = (0..length).map(node).collect();
        Tree::arrange(*output as u32, 0, &nodes, features, &part.path())
    };
    outputs.iter().enumerate().map(of_output).collect()
}
