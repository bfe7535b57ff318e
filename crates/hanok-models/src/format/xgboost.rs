//! XGBoost models, versions 1.0 to 3.4, from JSON or UBJSON: `Booster.save_model("m.json" | "m.ubj")`.
//!
//! The document (XGBoost's "Introduction to Model IO" has its schema):
//! - `learner.learner_model_param`: `num_feature`, `num_class`, `num_target`, and `base_score` after the inverse link,
//!   a number as text before 3.1, `[a,b,…]` as text since;
//! - `learner.objective.name` names the link;
//! - `learner.gradient_booster.model`: `trees`, and `tree_info` with each tree's output. DART before 3.3 keeps `model`
//!   in `gbtree` and `weight_drop` beside it; later versions keep the weights in `model`;
//! - a tree is parallel arrays by node. A node is a leaf when its `left_children` is −1; its value then stands in
//!   `split_conditions`. `x < split_conditions` goes left; values are f32.
//! - categorical splits (`split_type` 1): `categories[segment..segment + size]` go **right**, all others left;
//! - since 3.1 `model.cats` has the texts of categories whose codes were made of texts: `enc[feature]` with `values` of all their bytes and
//!   `offsets`, the places where texts begin and the last ends;
//! - the booster `gblinear` has no trees but `model.weights`: for each feature, then for the bias, a weight an output; f32. NaN is left out,
//!   and XGBoost adds the first output's base to all outputs;
//! - vector leaves (`size_leaf_vector` > 1): in `leaf_weights` at the row that the leaf's `right_children` says, or before
//!   3.1 in `base_weights` by node; these versions write no `sum_hessian` for them, so there are no path-dependent values.

use super::document::Part;
use super::linear;
use crate::categories::CategorySet;
use crate::ensemble::{
    Dialect, Ensemble, Kind, Leaf, Linear, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX, Rule, Split, Sum,
    Test, Tree,
};
use crate::error::ReadError;
use crate::texts::{Text, Texts};

/// Reads a parsed document.
pub(super) fn read(root: Part<'_>) -> Result<Ensemble, ReadError> {
    let version =
        root.find("version").and_then(|v| v.numbers().ok().map(<[f64]>::to_vec)).unwrap_or_default();
    if version.first().is_some_and(|major| *major > 3.0) {
        let found = source(&version);
        return Err(ReadError::Version { path: "$.version".to_owned(), found, known: "XGBoost 1 to 3" });
    }
    let learner = root.get("learner")?;
    let parameters = learner.get("learner_model_param")?;
    let features = parameters.get("num_feature")?.count()?;
    let count = |name: &str| parameters.find(name).map_or(Ok(0), |part| part.count());
    let outputs = count("num_class")?.max(count("num_target")?).max(1);
    if outputs > OUTPUTS_MAX {
        return Err(ReadError::Limit { what: "outputs", found: outputs, limit: OUTPUTS_MAX });
    }
    let objective = learner.get("objective")?;
    let objective = objective.get("name")?;
    let (mut link, inverse) = link(objective)?;
    // 3.4 sorts the quantiles of a row, 3.2 does not; the model's version decides, for the library may be any.
    if objective.text()? == "reg:quantileerror" && version.first().zip(version.get(1)) >= Some((&3.0, &4.0)) {
        link = Link::Sorted;
    }
    let base = base_score(parameters.get("base_score")?, outputs, inverse)?;

    let booster = learner.get("gradient_booster")?;
    let name = booster.get("name")?;
    let feature_names = learner.find("feature_names").map_or(Ok(Vec::new()), |names| names.texts())?;
    let mut ensemble = Ensemble {
        source: source(&version),
        dialect: Dialect::XgBoost,
        feature_names,
        features,
        texts: Texts::new(),
        base,
        divisor: 1.0,
        link,
        sum: Sum::F32,
        has_cover: true,
        trees: Vec::new(),
    };
    if name.text()? == "gblinear" {
        ensemble.trees = linear_functions(&booster.get("model")?, features, &ensemble.base)?;
        ensemble.base.fill(0.0);
        return Ok(ensemble);
    }
    let inner = booster.find("gbtree");
    let outer = match name.text()? {
        "gbtree" => &booster,
        "dart" => inner.as_ref().unwrap_or(&booster),
        other => return Err(name.unsupported(format!("the booster `{other}`"))),
    };
    let model = outer.get("model")?;
    ensemble.texts = texts(&model)?;
    let weights = model.find("weight_drop").or_else(|| booster.find("weight_drop"));
    ensemble.trees = trees(&model, weights, features, outputs)?;
    ensemble.has_cover = model.get("trees")?.elements()?.all(|tree| tree.find("sum_hessian").is_some());
    Ok(ensemble)
}

fn source(version: &[f64]) -> String {
    let version: Vec<String> = version.iter().map(f64::to_string).collect();
    format!("XGBoost {}", version.join(".")).trim_end().to_owned()
}

/// Texts of the features whose categories have some.
fn texts(model: &Part<'_>) -> Result<Texts, ReadError> {
    let mut texts = Texts::new();
    let Some(cats) = model.find("cats") else { return Ok(texts) };
    let Some(encodings) = cats.find("enc") else { return Ok(texts) };
    for (feature, encoding) in encodings.elements()?.enumerate() {
        // Categories that are numbers have no offsets, and features without categories no texts.
        let Some(offsets) = encoding.find("offsets") else { continue };
        let offsets = offsets.indices_of(offsets.numbers()?.len())?;
        let values = encoding.get("values")?;
        // UBJSON has them as signed bytes.
        let bytes: Vec<u8> = values.numbers()?.iter().map(|byte| *byte as i64 as u8).collect();
        let text = |pair: &[usize]| {
            bytes.get(pair[0]..pair[1]).map(|text| String::from_utf8_lossy(text).into_owned())
        };
        let all: Option<Vec<String>> = offsets.windows(2).map(text).collect();
        let all = all.ok_or_else(|| values.wrong("texts go beyond the end"))?;
        if !all.is_empty() {
            texts.insert(feature as u32, Text::codes(all));
        }
    }
    Ok(texts)
}

/// What `gblinear` adds up; it begins with bias and base.
fn linear_functions(model: &Part<'_>, features: usize, base: &[f64]) -> Result<Vec<Tree>, ReadError> {
    let outputs = base.len();
    let cells = linear::cells(features.saturating_add(1), outputs)?;
    let weights = model.get("weights")?.numbers_of(cells)?;
    let weight = |feature: usize, output: usize| weights[feature * outputs + output] as f32;
    let tree = |output: usize| {
        let function = Linear {
            constant: f64::from(weight(features, output) + base[0] as f32),
            terms: (0..features).map(|at| (at as u32, f64::from(weight(at, output)))).collect(),
            means: Vec::new(),
            rule: Rule::XgBoost,
        };
        linear::tree(output, function, features)
    };
    (0..outputs).map(tree).collect()
}

/// From `base_score` to a raw value.
type Inverse = fn(f32) -> f32;

/// The link of an objective, and how `base_score` becomes a raw value.
fn link(objective: Part<'_>) -> Result<(Link, Inverse), ReadError> {
    let logit: Inverse = |p| -(1.0 / p - 1.0).ln();
    let same: Inverse = |raw| raw;
    Ok(match objective.text()? {
        "binary:logistic" | "reg:logistic" => (Link::Logistic { factor: 1.0 }, logit),
        "binary:logitraw" => (Link::Identity, logit),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (Link::Exp, f32::ln)
        }
        "multi:softprob" | "multi:softmax" => (Link::Softmax, same),
        "binary:hinge" => (Link::Step, same),
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "reg:expectileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map" => (Link::Identity, same),
        other => return Err(objective.unsupported(format!("the objective `{other}`"))),
    })
}

fn base_score(part: Part<'_>, outputs: usize, inverse: Inverse) -> Result<Vec<f64>, ReadError> {
    let scores: Vec<f32> = match part.text() {
        Ok(text) => {
            let list = text.trim().trim_start_matches('[').trim_end_matches(']').split(',');
            let parsed: Result<_, _> = list.map(|score| score.trim().parse()).collect();
            parsed.map_err(|_| part.wrong("this is no list of numbers"))?
        }
        Err(_) => vec![part.number()? as f32],
    };
    let raw = |score: f32| f64::from(inverse(score));
    match scores.as_slice() {
        [score] => Ok(vec![raw(*score); outputs]),
        scores if scores.len() == outputs => Ok(scores.iter().copied().map(raw).collect()),
        scores => Err(part.wrong(format!("{} values for {outputs} outputs", scores.len()))),
    }
}

fn trees(
    model: &Part<'_>,
    weights: Option<Part<'_>>,
    features: usize,
    outputs: usize,
) -> Result<Vec<Tree>, ReadError> {
    let list = model.get("trees")?;
    let count = list.elements()?.count();
    let info = model.get("tree_info")?.indices_of(count)?;
    let weights = weights.map(|weights| weights.numbers_of(count)).transpose()?;
    let (mut trees, mut nodes) = (Vec::new(), 0);
    for (at, tree) in list.elements()?.enumerate() {
        let weight = weights.map_or(1.0, |weights| weights[at] as f32);
        for tree in one_tree(&tree, info[at], weight, features, outputs)? {
            nodes += tree.nodes.len();
            trees.push(tree);
        }
        if nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: nodes, limit: NODES_MAX });
        }
    }
    Ok(trees)
}

/// One tree, or one for each output when its leaves are vectors.
fn one_tree(
    tree: &Part<'_>,
    output: usize,
    weight: f32,
    features: usize,
    outputs: usize,
) -> Result<Vec<Tree>, ReadError> {
    let left = tree.get("left_children")?;
    let left = left.numbers()?;
    let length = left.len();
    let right = tree.get("right_children")?.numbers_of(length)?;
    let conditions = tree.get("split_conditions")?.numbers_of(length)?;
    let indices = tree.get("split_indices")?.indices_of(length)?;
    let default_left = flags(&tree.get("default_left")?, length)?;
    let cover = tree.find("sum_hessian").map(|cover| cover.numbers_of(length)).transpose()?;
    let mut sets = categories(tree, length)?;
    let mut nodes = Vec::with_capacity(length);
    for at in 0..length {
        let kind = if left[at] < 0.0 {
            Kind::Leaf(Leaf { value: 0.0, linear: None })
        } else {
            let child = |of: &[f64]| super::document::index(of[at]).map_or(u32::MAX, |child| child as u32);
            let test = match sets.get_mut(at).and_then(Option::take) {
                Some(set) => Test::Category { set, members_left: false },
                None => Test::Below(f64::from(conditions[at] as f32)),
            };
            let missing = Missing::Nan { left: default_left[at] };
            Kind::Split(Split {
                feature: indices[at] as u32,
                test,
                missing,
                left: child(left),
                right: child(right),
            })
        };
        nodes.push(Node { cover: cover.map_or(0.0, |cover| cover[at]), kind });
    }
    let size = tree.find("tree_param").and_then(|p| p.find("size_leaf_vector").map(|size| size.count()));
    let size = size.transpose()?.unwrap_or(1).max(1);
    if size == 1 {
        fill(&mut nodes, weight, |at| conditions[at]);
        return Ok(vec![Tree::arrange(output as u32, 0, &nodes, features, &tree.path())?]);
    }
    if size != outputs {
        return Err(tree.wrong(format!("leaves of {size} values where the model has {outputs} outputs")));
    }
    if size.saturating_mul(length) > NODES_MAX {
        return Err(ReadError::Limit { what: "nodes", found: size.saturating_mul(length), limit: NODES_MAX });
    }
    let by_leaf = tree.find("leaf_weights");
    let values = match &by_leaf {
        Some(weights) => weights.numbers()?,
        None => tree.get("base_weights")?.numbers_of(length * size)?,
    };
    let row = |at: usize| match &by_leaf {
        Some(_) => super::document::index(right[at]).unwrap_or(usize::MAX),
        None => at,
    };
    let leaves = (0..length).filter(|at| left[*at] < 0.0);
    if let Some(at) = leaves.into_iter().find(|at| row(*at) >= values.len() / size) {
        return Err(tree.wrong(format!("leaf {at} has no values")));
    }
    let of_output = |output: usize| {
        fill(&mut nodes, weight, |at| values[row(at) * size + output]);
        Tree::arrange(output as u32, 0, &nodes, features, &tree.path())
    };
    (0..size).map(of_output).collect()
}

/// Puts values into leaves, in f32 as XGBoost keeps them.
fn fill(nodes: &mut [Node], weight: f32, value: impl Fn(usize) -> f64) {
    for (at, node) in nodes.iter_mut().enumerate() {
        if let Kind::Leaf(leaf) = &mut node.kind {
            leaf.value = f64::from(value(at) as f32 * weight);
        }
    }
}

/// Booleans, which JSON files have as numbers or, before 1.3, as booleans.
fn flags(part: &Part<'_>, length: usize) -> Result<Vec<bool>, ReadError> {
    if let Ok(numbers) = part.numbers_of(length) {
        return Ok(numbers.iter().map(|number| *number != 0.0).collect());
    }
    let flags: Vec<bool> =
        part.elements()?.map(|f| f.number().map(|n| n != 0.0)).collect::<Result<_, _>>()?;
    if flags.len() == length { Ok(flags) } else { Err(part.wrong("flags for more or fewer nodes")) }
}

/// The category set of each node that has one; empty when none has.
fn categories(tree: &Part<'_>, length: usize) -> Result<Vec<Option<CategorySet>>, ReadError> {
    let Some(nodes) = tree.find("categories_nodes") else { return Ok(Vec::new()) };
    let count = nodes.numbers()?.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    let nodes_at = nodes.indices_of(count)?;
    let starts = tree.get("categories_segments")?.indices_of(count)?;
    let sizes = tree.get("categories_sizes")?.indices_of(count)?;
    let all = tree.get("categories")?;
    let codes = all.indices_of(all.numbers()?.len())?;
    if sizes.iter().fold(0, |sum: usize, size| sum.saturating_add(*size)) > codes.len() {
        return Err(all.wrong("nodes have more codes together than there are"));
    }
    let mut sets = vec![None; length];
    for ((node, start), size) in nodes_at.into_iter().zip(starts).zip(sizes) {
        let segment = start.checked_add(size).and_then(|end| codes.get(start..end));
        let segment = segment.ok_or_else(|| all.wrong(format!("node {node} has codes beyond the end")))?;
        let slot = sets.get_mut(node).ok_or_else(|| nodes.wrong(format!("node {node} does not exist")))?;
        *slot = Some(CategorySet::new(segment.iter().map(|code| *code as u32)));
    }
    Ok(sets)
}
