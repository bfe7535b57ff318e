//! Treelite checkpoints of version 4: `model.serialize("m.bin")`. Little-endian; a list is its length as a u64 and its elements, a flag one byte.
//!
//! - head: version as three i32, types of thresholds and leaves (2: f32, 3: f64), number of trees as u64, of features as i32, task, whether
//!   sums are averages, number of targets as i32; lists: classes of each target, shape of vector leaves, target and class of each tree (−1:
//!   all); `postprocessor`, two f32 for it, base scores in f64, attributes; how many optional fields follow, each a name, a size and bytes;
//! - a tree: number of nodes, a flag, then lists by node, of which a split has kind, children, feature, whether NaN goes left, threshold and
//!   comparison, or a list of categories; a leaf a value or a part of the list of vectors. Categories of a split's list go left, unless a
//!   flag sends them right;
//! - covers are `sum_hess` where all nodes have it, else `data_count`.
//!
//! An output is a class of a target. What the trees say is added up in the leaves' precision, averaged, and the base added at the end. Values
//! are compared in the thresholds' precision.

use std::collections::BTreeMap;

use super::bytes::{Cursor, Scalar};
use super::compare::{self, Branches, Compare};
use crate::categories::CategorySet;
use crate::ensemble::{
    Dialect, Ensemble, Kind, Leaf, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX, Split, Sum, TREES_MAX, Test,
    Tree,
};
use crate::error::ReadError;

/// The version that is read.
const VERSION: i32 = 4;
/// Largest category that a value in f32 can be.
const F32_CATEGORY_MAX: u32 = 1 << 24;
/// Most optional fields in a row.
const OPTIONAL_MAX: i32 = 1_000;

/// Whether bytes begin like a model of any version so far, whose number is a whole word.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes, [1..=32, 0, 0, 0, ..]) && bytes.len() > 32
}

/// Reads a model.
pub(super) fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let mut cursor = Cursor::new(bytes);
    let version: [i32; 3] = [cursor.number()?, cursor.number()?, cursor.number()?];
    if version[0] != VERSION {
        let (path, found) = ("byte 0".to_owned(), version.map(|part| part.to_string()).join("."));
        return Err(ReadError::Version { path, found, known: "4, and no earlier ones" });
    }
    match (cursor.number::<u8>()?, cursor.number::<u8>()?) {
        (2, 2) => body::<f32>(&mut cursor, version, true),
        (3, 3) => body::<f64>(&mut cursor, version, false),
        _ => Err(cursor.wrong("the types of thresholds and leaves are not known")),
    }
}

/// Numbers of a list.
fn list<T: Scalar>(cursor: &mut Cursor<'_>) -> Result<Vec<T>, ReadError> {
    let length = cursor.number::<u64>()?;
    cursor.numbers(length)
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ReadError> {
    let length = cursor.number::<u64>()?;
    let length = usize::try_from(length).map_err(|_| cursor.wrong("the file breaks off"))?;
    let text = cursor.take(length)?;
    std::str::from_utf8(text).map_err(|_| cursor.wrong("a text is not UTF-8"))
}

/// Leaves out fields of later versions.
fn skip_optional(cursor: &mut Cursor<'_>) -> Result<(), ReadError> {
    let count = cursor.number::<i32>()?;
    if !(0..=OPTIONAL_MAX).contains(&count) {
        return Err(cursor.wrong("this is no number of optional fields"));
    }
    for _ in 0..count {
        text(cursor)?;
        let size = cursor.number::<u64>()?;
        let elements = cursor.number::<u64>()?;
        let bytes = size.checked_mul(elements).and_then(|bytes| usize::try_from(bytes).ok());
        cursor.take(bytes.ok_or_else(|| cursor.wrong("the file breaks off"))?)?;
    }
    Ok(())
}

fn part(path: &str, problem: impl Into<String>) -> ReadError {
    ReadError::Part { path: path.to_owned(), problem: problem.into() }
}

/// What a model's trees have in common.
struct Shape {
    features: usize,
    targets: usize,
    /// Most classes of a target.
    classes: usize,
    is_single: bool,
}

impl Shape {
    /// The outputs of a tree in the order of its vectors' elements.
    fn outputs(&self, target: i32, class: i32) -> Result<Vec<usize>, ReadError> {
        let range = |number: i32, end: usize| match usize::try_from(number) {
            Err(_) => Ok(0..end),
            Ok(at) if at < end => Ok(at..at + 1),
            Ok(_) => Err(part("$.class_id", format!("{number} does not exist"))),
        };
        let (targets, classes) = (range(target, self.targets)?, range(class, self.classes)?);
        Ok(targets
            .flat_map(|target| classes.clone().map(move |class| target * self.classes + class))
            .collect())
    }
}

fn body<T: Scalar + Into<f64>>(
    cursor: &mut Cursor<'_>,
    version: [i32; 3],
    is_single: bool,
) -> Result<Ensemble, ReadError> {
    let count = cursor.number::<u64>()?;
    let features = cursor.number::<i32>()?;
    let _task = cursor.number::<u8>()?;
    let is_average = cursor.number::<u8>()? != 0;
    let targets = cursor.number::<i32>()?;
    let (classes, _leaf_shape) = (list::<i32>(cursor)?, list::<i32>(cursor)?);
    let (tree_targets, tree_classes) = (list::<i32>(cursor)?, list::<i32>(cursor)?);
    let postprocessor = text(cursor)?;
    let (sigmoid_alpha, ratio) = (cursor.number::<f32>()?, cursor.number::<f32>()?);
    let mut base = list::<f64>(cursor)?;
    text(cursor)?;
    skip_optional(cursor)?;

    let size = |number: i32| usize::try_from(number).unwrap_or(0);
    let shape = Shape {
        features: size(features),
        targets: size(targets),
        classes: classes.iter().copied().max().map_or(1, size).max(1),
        is_single,
    };
    let outputs = shape.targets.saturating_mul(shape.classes);
    let limits = [
        ("outputs", outputs, OUTPUTS_MAX),
        ("trees", usize::try_from(count).unwrap_or(usize::MAX), TREES_MAX),
    ];
    if let Some((what, found, limit)) = limits.into_iter().find(|(_, found, limit)| found > limit) {
        return Err(ReadError::Limit { what, found, limit });
    }
    let count = count as usize;
    if classes.len() != shape.targets || tree_targets.len() != count || tree_classes.len() != count {
        return Err(part("$.target_id", "there are more or fewer elements than trees or targets"));
    }
    if base.len() != outputs {
        return Err(part("$.base_scores", format!("{} base scores for {outputs} outputs", base.len())));
    }
    let (mut trees, mut nodes, mut has_cover) = (Vec::new(), 0, true);
    let mut trees_of = vec![0_usize; outputs];
    for at in 0..count {
        let outputs = shape.outputs(tree_targets[at], tree_classes[at])?;
        for output in &outputs {
            trees_of[*output] += 1;
        }
        let parts = Parts::<T>::new(cursor, &format!("$.trees[{at}]"))?;
        has_cover &= parts.cover.is_some();
        nodes += parts.kinds.len().saturating_mul(outputs.len());
        if nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: nodes, limit: NODES_MAX });
        }
        parts.trees(&shape, &outputs, &mut trees)?;
    }
    let mut divisor = 1.0;
    if is_average {
        // Outputs beyond the classes of their target have no trees.
        let counts = trees_of.iter().copied().filter(|trees| *trees > 0);
        let (fewest, most) = (counts.clone().min().unwrap_or(1), counts.max().unwrap_or(1));
        if fewest != most {
            let (path, what) = ("$.average_tree_output".to_owned(), "averages of unequal numbers of trees");
            return Err(ReadError::Unsupported { path, what: what.to_owned() });
        }
        divisor = most as f64;
    }
    let link = link(postprocessor, f64::from(sigmoid_alpha))?;
    if link == Link::PowerOfHalf {
        // The depth is divided by its expectation before the link.
        divisor *= f64::from(ratio);
        for base in &mut base {
            *base /= f64::from(ratio);
        }
    }
    Ok(Ensemble {
        source: format!("Treelite {}", version.map(|part| part.to_string()).join(".")),
        dialect: if is_single { Dialect::SklearnF32 } else { Dialect::SklearnF64 },
        feature_names: Vec::new(),
        features: shape.features,
        texts: BTreeMap::new(),
        base,
        divisor,
        link,
        sum: if is_single { Sum::F32BaseLast } else { Sum::F64BaseLast },
        has_cover,
        trees,
    })
}

fn link(postprocessor: &str, alpha: f64) -> Result<Link, ReadError> {
    Ok(match postprocessor {
        "identity" | "identity_multiclass" => Link::Identity,
        "signed_square" => Link::SignedSquare,
        "hinge" => Link::Step,
        "sigmoid" | "multiclass_ova" => Link::Logistic { factor: alpha },
        "exponential" => Link::Exp,
        "exponential_standard_ratio" => Link::PowerOfHalf,
        "logarithm_one_plus_exp" => Link::Softplus,
        "softmax" => Link::Softmax,
        other => {
            let what = format!("the postprocessor `{other}`");
            return Err(ReadError::Unsupported { path: "$.postprocessor".to_owned(), what });
        }
    })
}

/// A tree's lists, all checked to be as long as it has nodes.
struct Parts<T> {
    path: String,
    /// 0: leaf, 1: compares, 2: categories.
    kinds: Vec<i8>,
    children: [Vec<i32>; 2],
    features: Vec<i32>,
    default_left: Vec<u8>,
    values: Vec<T>,
    thresholds: Vec<T>,
    compares: Vec<i8>,
    members_right: Vec<u8>,
    vectors: Vec<T>,
    vector_ranges: [Vec<u64>; 2],
    categories: Vec<u32>,
    category_ranges: [Vec<u64>; 2],
    cover: Option<Vec<f64>>,
}

impl<T: Scalar + Into<f64>> Parts<T> {
    fn new(cursor: &mut Cursor<'_>, path: &str) -> Result<Parts<T>, ReadError> {
        let length = cursor.number::<i32>()?;
        let _has_categories = cursor.number::<u8>()?;
        let mut parts = Parts {
            path: path.to_owned(),
            kinds: list(cursor)?,
            children: [list(cursor)?, list(cursor)?],
            features: list(cursor)?,
            default_left: list(cursor)?,
            values: list(cursor)?,
            thresholds: list(cursor)?,
            compares: list(cursor)?,
            members_right: list(cursor)?,
            vectors: list(cursor)?,
            vector_ranges: [list(cursor)?, list(cursor)?],
            categories: list(cursor)?,
            category_ranges: [list(cursor)?, list(cursor)?],
            cover: None,
        };
        let (counts, has_counts) = (list::<u64>(cursor)?, list::<u8>(cursor)?);
        let (hessians, has_hessians) = (list::<f64>(cursor)?, list::<u8>(cursor)?);
        let (_gains, _has_gains) = (list::<f64>(cursor)?, list::<u8>(cursor)?);
        skip_optional(cursor)?;
        skip_optional(cursor)?;

        let nodes = parts.kinds.len();
        let lengths = [
            parts.children[0].len(),
            parts.children[1].len(),
            parts.features.len(),
            parts.default_left.len(),
            parts.values.len(),
            parts.thresholds.len(),
            parts.compares.len(),
            parts.members_right.len(),
        ];
        if usize::try_from(length) != Ok(nodes) || lengths.iter().any(|length| *length != nodes) {
            return Err(part(path, "lists are not as long as there are nodes"));
        }
        // Lists that no node uses may be empty.
        for ranges in [&parts.vector_ranges, &parts.category_ranges] {
            if ranges.iter().any(|list| !list.is_empty() && list.len() != nodes) {
                return Err(part(path, "lists are not as long as there are nodes"));
            }
        }
        let all = |present: &[u8]| present.len() == nodes && present.iter().all(|flag| *flag != 0);
        if all(&has_hessians) && hessians.len() == nodes {
            parts.cover = Some(hessians);
        } else if all(&has_counts) && counts.len() == nodes {
            parts.cover = Some(counts.into_iter().map(|count| count as f64).collect());
        }
        Ok(parts)
    }

    /// A part of a list that belongs to a node.
    fn range<'a, U>(&self, list: &'a [U], ranges: &[Vec<u64>; 2], at: usize) -> Result<&'a [U], ReadError> {
        let end = |side: usize| ranges[side].get(at).map_or(Ok(0), |end| usize::try_from(*end));
        let range = end(0).ok().zip(end(1).ok()).and_then(|(start, end)| list.get(start..end));
        range.ok_or_else(|| part(&self.path, format!("node {at} has a part beyond the end of a list")))
    }

    fn split(&self, at: usize, shape: &Shape) -> Result<Split, ReadError> {
        let index = |number: i32| u32::try_from(number).unwrap_or(u32::MAX);
        let [left, right] = [&self.children[0], &self.children[1]].map(|children| index(children[at]));
        let (feature, is_left) = (index(self.features[at]), self.default_left[at] != 0);
        if self.kinds[at] == 2 {
            let codes = self.range(&self.categories, &self.category_ranges, at)?;
            if shape.is_single && codes.iter().any(|code| *code > F32_CATEGORY_MAX) {
                return Err(part(&self.path, format!("node {at} has a category that no value can be")));
            }
            let (set, members_left) = (CategorySet::new(codes.iter().copied()), self.members_right[at] == 0);
            let (test, missing) = (Test::Category { set, members_left }, Missing::Nan { left: is_left });
            return Ok(Split { feature, test, missing, left, right });
        }
        let compare = match self.compares[at] {
            2 => Compare::Below,
            3 => Compare::AtMost,
            4 => Compare::Above,
            5 => Compare::AtLeast,
            other => {
                let what = format!("the comparison {other} of node {at}");
                return Err(ReadError::Unsupported { path: self.path.clone(), what });
            }
        };
        let branches = Branches { yes: left, no: right, nan_to_yes: is_left };
        let split = compare::split(feature, compare, self.thresholds[at].into(), shape.is_single, branches);
        split.ok_or_else(|| part(&self.path, format!("node {at} compares with nothing")))
    }

    /// The tree once for each of its outputs.
    fn trees(&self, shape: &Shape, outputs: &[usize], trees: &mut Vec<Tree>) -> Result<(), ReadError> {
        let mut nodes = Vec::with_capacity(self.kinds.len());
        let mut vectors = Vec::with_capacity(self.kinds.len());
        for (at, kind) in self.kinds.iter().enumerate() {
            let mut vector: &[T] = &[];
            let kind = if *kind == 0 {
                vector = self.range(&self.vectors, &self.vector_ranges, at)?;
                if !vector.is_empty() && vector.len() != outputs.len() {
                    let problem =
                        format!("leaf {at} has {} values for {} outputs", vector.len(), outputs.len());
                    return Err(part(&self.path, problem));
                }
                Kind::Leaf(Leaf { value: 0.0, linear: None })
            } else {
                Kind::Split(self.split(at, shape)?)
            };
            vectors.push(vector);
            nodes.push(Node { cover: self.cover.as_ref().map_or(0.0, |cover| cover[at]), kind });
        }
        for (place, output) in outputs.iter().enumerate() {
            for (at, node) in nodes.iter_mut().enumerate() {
                if let Kind::Leaf(leaf) = &mut node.kind {
                    leaf.value = vectors[at].get(place).copied().unwrap_or(self.values[at]).into();
                }
            }
            trees.push(Tree::arrange(*output as u32, 0, &nodes, shape.features, &self.path)?);
        }
        Ok(())
    }
}
