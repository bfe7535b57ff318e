//! LightGBM models, versions 2 to 4, from their text: `Booster.save_model("m.txt")`.
//!
//! Lines of `key=value`; a head, then a section for each tree from `Tree=n` on, until `end of trees`. In a tree:
//! - children below zero are leaves, as ~leaf; `x <= threshold` goes left, in f64;
//! - `decision_type`: bit 0 categorical, bit 1 missing goes left, bits 2–3 what is missing: nothing (NaN is 0), 0 or NaN;
//! - a categorical split's `threshold` is the number of its set: words `cat_boundaries[n]..cat_boundaries[n + 1]` of
//!   `cat_threshold`, 32 codes each. Codes of the set go left; NaN and codes below 0 go right;
//! - `leaf_count` and `internal_count` are the covers that LightGBM's own SHAP values use;
//! - `is_linear=1`: `leaf_const`, and `num_features` of `leaf_features` and `leaf_coeff` for each leaf; `leaf_value` where a
//!   feature is NaN.
//!
//! After the parameters, `pandas_categorical` has the categories of pandas columns as JSON, in the order of the categorical features, which
//! `feature_infos` shows as codes with colons. Where the two are as many, texts are known.
//!
//! Tree n belongs to output n mod `num_tree_per_iteration`. A line `average_output` in the head makes sums averages.

use std::ops::Range;
use std::str::FromStr;

use super::document::Part;
use super::json;
use crate::categories::CategorySet;
use crate::ensemble::{
    Dialect, Ensemble, Kind, Leaf, Linear, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX, Rule, Split, Sum,
    Test, Tree,
};
use crate::error::ReadError;
use crate::texts::{Text, Texts};

/// Whether bytes begin like a model.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"tree").is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n"))
}

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::Syntax {
        place: format!("byte {}", error.valid_up_to()),
        problem: "not UTF-8",
    })?;
    let mut sections = sections(text);
    let head = sections.next().unwrap_or_default();
    let version = head.find("version").map_or("", |(_, version)| version.trim());
    if version.strip_prefix('v').and_then(|major| major.parse().ok()).is_some_and(|major: u32| major > 4) {
        let (path, found) = (format!("line {}", head.line), version.to_owned());
        return Err(ReadError::Version { path, found, known: "versions up to v4" });
    }
    let features: usize = head.one("max_feature_idx")?;
    let features = features.saturating_add(1);
    let outputs: usize = head.one("num_tree_per_iteration")?;
    if outputs == 0 || outputs > OUTPUTS_MAX {
        return Err(ReadError::Limit { what: "outputs", found: outputs, limit: OUTPUTS_MAX });
    }
    let link = link(&head)?;
    let (mut trees, mut nodes, mut ended) = (Vec::new(), 0, false);
    for section in sections {
        if section.is_end {
            ended = true;
            break;
        }
        let tree = tree(&section, trees.len() % outputs, features)?;
        nodes += tree.nodes.len();
        if nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: nodes, limit: NODES_MAX });
        }
        trees.push(tree);
    }
    if !ended {
        let place = format!("line {}", text.lines().count());
        return Err(ReadError::Syntax { place, problem: "the model breaks off before `end of trees`" });
    }
    let iterations = (trees.len() / outputs).max(1);
    let is_average = head.lines.iter().any(|(_, line)| line.trim() == "average_output");
    Ok(Ensemble {
        source: format!("LightGBM {version}").trim_end().to_owned(),
        dialect: Dialect::LightGbm,
        feature_names: head
            .find("feature_names")
            .map_or_else(Vec::new, |(_, names)| names.split_ascii_whitespace().map(str::to_owned).collect()),
        features,
        texts: texts(&head, text),
        base: vec![0.0; outputs],
        divisor: if is_average { iterations as f64 } else { 1.0 },
        link,
        sum: if is_average { Sum::F64BaseLast } else { Sum::F64 },
        has_cover: true,
        trees,
    })
}

fn link(head: &Section<'_>) -> Result<Link, ReadError> {
    let Some((line, objective)) = head.find("objective") else { return Ok(Link::Identity) };
    let mut words = objective.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let words: Vec<&str> = words.collect();
    let factor = words.iter().find_map(|word| word.strip_prefix("sigmoid:")).map_or(Ok(1.0), str::parse);
    let factor = factor.map_err(|_| wrong(line, "the sigmoid is no number"))?;
    Ok(match name {
        "binary" | "multiclassova" => Link::Logistic { factor },
        "cross_entropy" | "xentropy" => Link::Logistic { factor: 1.0 },
        "cross_entropy_lambda" | "xentlambda" => Link::Softplus,
        "multiclass" => Link::Softmax,
        "poisson" | "gamma" | "tweedie" => Link::Exp,
        "regression" if words.contains(&"sqrt") => Link::SignedSquare,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "none" => Link::Identity,
        other => {
            let what = format!("the objective `{other}`");
            return Err(ReadError::Unsupported { path: format!("line {line}"), what });
        }
    })
}

fn tree(section: &Section<'_>, output: usize, features: usize) -> Result<Tree, ReadError> {
    let leaves: usize = section.one("num_leaves")?;
    let values: Vec<f64> = section.list("leaf_value", Some(leaves))?;
    if leaves == 0 {
        return Err(wrong(section.line, "a tree without leaves"));
    }
    let splits = leaves - 1;
    let is_linear = section.find("is_linear").is_some_and(|(_, value)| value.trim() == "1");
    let linear = if is_linear { linear(section, leaves)? } else { Vec::new() };
    let mut nodes = Vec::with_capacity(splits + leaves);
    if splits > 0 {
        let feature: Vec<u32> = section.list("split_feature", Some(splits))?;
        let threshold: Vec<f64> = section.list("threshold", Some(splits))?;
        let decision: Vec<u8> = section.list("decision_type", Some(splits))?;
        let left: Vec<i64> = section.list("left_child", Some(splits))?;
        let right: Vec<i64> = section.list("right_child", Some(splits))?;
        let cover: Vec<f64> = section.list("internal_count", Some(splits))?;
        let sets = categories(section)?;
        let child = |child: i64| if child < 0 { splits as i64 + !child } else { child };
        for at in 0..splits {
            let (test, missing) = if decision[at] & 1 == 1 {
                let set = super::document::index(threshold[at]).and_then(|set| sets.get(set).cloned());
                let set = set.ok_or_else(|| wrong(section.line, "a split's category set does not exist"))?;
                (Test::Category { set, members_left: true }, Missing::Nan { left: false })
            } else {
                let left = decision[at] & 2 == 2;
                let missing = match decision[at] >> 2 & 3 {
                    0 => Missing::NanIsZero,
                    1 => Missing::ZeroOrNan { left },
                    _ => Missing::Nan { left },
                };
                (Test::Below(threshold[at]), missing)
            };
            let index = |of: i64| u32::try_from(child(of)).unwrap_or(u32::MAX);
            let (left, right) = (index(left[at]), index(right[at]));
            let split = Split { feature: feature[at], test, missing, left, right };
            nodes.push(Node { cover: cover[at], kind: Kind::Split(split) });
        }
    }
    let cover: Vec<f64> = match section.find("leaf_count") {
        Some(_) if splits > 0 => section.list("leaf_count", Some(leaves))?,
        _ => vec![0.0; leaves],
    };
    let mut linear = linear.into_iter();
    for (leaf, value) in values.into_iter().enumerate() {
        let linear = linear.next().map(Box::new);
        nodes.push(Node { cover: cover[leaf], kind: Kind::Leaf(Leaf { value, linear }) });
    }
    Tree::arrange(output as u32, 0, &nodes, features, &format!("line {}", section.line))
}

/// Texts of the categorical features, if they are known and it is certain whose they are.
fn texts(head: &Section<'_>, text: &str) -> Texts {
    let infos = head.find("feature_infos").map_or("", |(_, infos)| infos);
    let infos = infos.split_ascii_whitespace().enumerate();
    let features: Vec<usize> =
        infos.filter(|(_, info)| !info.starts_with('[') && *info != "none").map(|(at, _)| at).collect();
    let line = text.rsplit_once("\npandas_categorical:").map_or("", |(_, line)| line.trim());
    let Ok(document) = json::parse(line.as_bytes()) else { return Texts::new() };
    let lists = Part::root(&document);
    let Ok(lists) = lists.elements().map(|lists| lists.map(|list| list.texts().ok()).collect::<Vec<_>>())
    else {
        return Texts::new();
    };
    if lists.len() != features.len() {
        return Texts::new();
    }
    let named = features.into_iter().zip(lists).filter_map(|(feature, list)| Some((feature as u32, list?)));
    named.map(|(feature, list)| (feature, Text::codes(list))).collect()
}

fn categories(section: &Section<'_>) -> Result<Vec<CategorySet>, ReadError> {
    if section.find("cat_boundaries").is_none() {
        return Ok(Vec::new());
    }
    let boundaries: Vec<usize> = section.list("cat_boundaries", None)?;
    let words: Vec<u32> = section.list("cat_threshold", None)?;
    let set = |range: Range<usize>| words.get(range).map(CategorySet::from_words);
    let sets = boundaries.windows(2).map(|pair| set(pair[0]..pair[1]));
    sets.collect::<Option<_>>().ok_or_else(|| wrong(section.line, "category sets beyond their end"))
}

fn linear(section: &Section<'_>, leaves: usize) -> Result<Vec<Linear>, ReadError> {
    let constants: Vec<f64> = section.list("leaf_const", Some(leaves))?;
    let counts: Vec<usize> = section.list("num_features", Some(leaves))?;
    let features: Vec<u32> = section.list("leaf_features", None)?;
    let coefficients: Vec<f64> = section.list("leaf_coeff", Some(features.len()))?;
    let mut terms = features.into_iter().zip(coefficients);
    let mut leaf = |(constant, count)| {
        let terms: Vec<_> = terms.by_ref().take(count).collect();
        (terms.len() == count).then_some(Linear { constant, terms, means: Vec::new(), rule: Rule::LightGbm })
    };
    let linear = constants.into_iter().zip(counts).map(&mut leaf).collect::<Option<_>>();
    linear.ok_or_else(|| wrong(section.line, "fewer features of linear leaves than are counted"))
}

fn wrong(line: usize, problem: impl Into<String>) -> ReadError {
    ReadError::Part { path: format!("line {line}"), problem: problem.into() }
}

/// The head, a tree, or the end.
#[derive(Debug, Default)]
struct Section<'a> {
    line: usize,
    lines: Vec<(usize, &'a str)>,
    is_end: bool,
}

fn sections(text: &str) -> impl Iterator<Item = Section<'_>> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line)).peekable();
    std::iter::from_fn(move || {
        let (line, first) = lines.next()?;
        let mut section = Section { line, lines: Vec::new(), is_end: first.trim() == "end of trees" };
        while let Some(next) =
            lines.next_if(|(_, line)| !line.starts_with("Tree=") && line.trim() != "end of trees")
        {
            section.lines.push(next);
        }
        Some(section)
    })
}

impl<'a> Section<'a> {
    fn find(&self, key: &str) -> Option<(usize, &'a str)> {
        let value = |line: &'a str| line.strip_prefix(key)?.strip_prefix('=');
        self.lines.iter().find_map(|(number, line)| Some((*number, value(line)?)))
    }

    fn get(&self, key: &str) -> Result<(usize, &'a str), ReadError> {
        self.find(key).ok_or_else(|| wrong(self.line, format!("`{key}` is missing")))
    }

    fn one<T: FromStr>(&self, key: &str) -> Result<T, ReadError> {
        let (line, value) = self.get(key)?;
        value.trim().parse().map_err(|_| wrong(line, format!("`{key}` is no number of its kind")))
    }

    /// A list, of a length if one is given.
    fn list<T: FromStr>(&self, key: &str, length: Option<usize>) -> Result<Vec<T>, ReadError> {
        let (line, value) = self.get(key)?;
        let items = value.split_ascii_whitespace().map(str::parse);
        let list: Vec<T> = items
            .collect::<Result<_, _>>()
            .map_err(|_| wrong(line, format!("`{key}` is no list of numbers")))?;
        match length {
            Some(length) if length != list.len() => {
                Err(wrong(line, format!("`{key}` has {} elements where {length} are needed", list.len())))
            }
            _ => Ok(list),
        }
    }
}
