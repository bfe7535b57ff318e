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

use super::bytes::{Cursor, Scalar};
use super::compare::{self, Branches, Compare};
use crate::categories::CategorySet;
use crate::ensemble::{
    Dialect, Ensemble, Kind, Leaf, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX, Split, Sum, TREES_MAX, Test,
    Tree,
};
use crate::error::ReadError;
use crate::texts::Texts;

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
        return Err(ReadError::Version { path, found, known: "version 4" });
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

/// What stands before the trees.
struct Head<'a> {
    trees: usize,
    features: usize,
    is_average: bool,
    targets: usize,
    /// Most classes of a target.
    classes: usize,
    /// Target and class of each tree.
    tree_targets: Vec<i32>,
    tree_classes: Vec<i32>,
    postprocessor: &'a str,
    sigmoid_alpha: f32,
    ratio: f32,
    base: Vec<f64>,
}

impl<'a> Head<'a> {
    fn new(cursor: &mut Cursor<'a>) -> Result<Head<'a>, ReadError> {
        let size = |number: i32| usize::try_from(number).unwrap_or(0);
        let trees = usize::try_from(cursor.number::<u64>()?).unwrap_or(usize::MAX);
        let features = size(cursor.number()?);
        let _task = cursor.number::<u8>()?;
        let is_average = cursor.number::<u8>()? != 0;
        let targets = size(cursor.number()?);
        let (classes, _leaf_shape) = (list::<i32>(cursor)?, list::<i32>(cursor)?);
        let head = Head {
            trees,
            features,
            is_average,
            targets,
            classes: classes.iter().copied().max().map_or(1, size).max(1),
            tree_targets: list(cursor)?,
            tree_classes: list(cursor)?,
            postprocessor: text(cursor)?,
            sigmoid_alpha: cursor.number()?,
            ratio: cursor.number()?,
            base: list(cursor)?,
        };
        let _attributes = text(cursor)?;
        skip_optional(cursor)?;

        let outputs = targets.saturating_mul(head.classes);
        for (what, found, limit) in [("outputs", outputs, OUTPUTS_MAX), ("trees", trees, TREES_MAX)] {
            if found > limit {
                return Err(ReadError::Limit { what, found, limit });
            }
        }
        let lengths = [head.tree_targets.len(), head.tree_classes.len()];
        if classes.len() != targets || lengths.iter().any(|length| *length != trees) {
            return Err(part("$.target_id", "there are more or fewer elements than trees or targets"));
        }
        if head.base.len() != outputs {
            return Err(part(
                "$.base_scores",
                format!("{} base scores for {outputs} outputs", head.base.len()),
            ));
        }
        Ok(head)
    }

    /// The outputs of a tree in the order of its vectors' elements.
    fn outputs(&self, tree: usize) -> Result<Vec<usize>, ReadError> {
        let range = |number: i32, end: usize| match usize::try_from(number) {
            Err(_) => Ok(0..end),
            Ok(at) if at < end => Ok(at..at + 1),
            Ok(_) => Err(part("$.class_id", format!("{number} does not exist"))),
        };
        let targets = range(self.tree_targets[tree], self.targets)?;
        let classes = range(self.tree_classes[tree], self.classes)?;
        Ok(targets
            .flat_map(|target| classes.clone().map(move |class| target * self.classes + class))
            .collect())
    }
}

/// Reads what follows the types.
fn body<T: Scalar + Into<f64>>(
    cursor: &mut Cursor<'_>,
    version: [i32; 3],
    is_single: bool,
) -> Result<Ensemble, ReadError> {
    let mut head = Head::new(cursor)?;
    let (mut trees, mut nodes, mut has_cover) = (Vec::new(), 0_usize, true);
    let mut trees_of = vec![0_usize; head.base.len()];
    for at in 0..head.trees {
        let outputs = head.outputs(at)?;
        for output in &outputs {
            trees_of[*output] += 1;
        }
        let parts = Parts::<T>::new(cursor, &format!("$.trees[{at}]"), is_single)?;
        has_cover &= parts.cover.is_some();
        nodes = nodes.saturating_add(parts.kinds.len().saturating_mul(outputs.len()));
        if nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: nodes, limit: NODES_MAX });
        }
        parts.trees(head.features, &outputs, &mut trees)?;
    }
    let mut divisor = if head.is_average { trees_of_each(&trees_of)? } else { 1.0 };
    let link = link(head.postprocessor, f64::from(head.sigmoid_alpha))?;
    if link == Link::PowerOfHalf {
        // The depth is divided by its expectation before the link.
        let ratio = f64::from(head.ratio);
        divisor *= ratio;
        for base in &mut head.base {
            *base /= ratio;
        }
    }
    Ok(Ensemble {
        source: format!("Treelite {}", version.map(|part| part.to_string()).join(".")),
        dialect: if is_single { Dialect::SklearnF32 } else { Dialect::SklearnF64 },
        feature_names: Vec::new(),
        features: head.features,
        texts: Texts::new(),
        base: head.base,
        divisor,
        link,
        sum: if is_single { Sum::F32BaseLast } else { Sum::F64BaseLast },
        has_cover,
        trees,
    })
}

/// How many trees each output has; those beyond the classes of their target have none.
fn trees_of_each(trees_of: &[usize]) -> Result<f64, ReadError> {
    let counts = trees_of.iter().copied().filter(|trees| *trees > 0);
    let (fewest, most) = (counts.clone().min().unwrap_or(1), counts.max().unwrap_or(1));
    if fewest != most {
        let (path, what) = ("$.average_tree_output".to_owned(), "averages of unequal numbers of trees");
        return Err(ReadError::Unsupported { path, what: what.to_owned() });
    }
    Ok(most as f64)
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
    /// Whether values are compared in f32.
    is_single: bool,
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
    fn new(cursor: &mut Cursor<'_>, path: &str, is_single: bool) -> Result<Parts<T>, ReadError> {
        let length = cursor.number::<i32>()?;
        let _has_categories = cursor.number::<u8>()?;
        let mut parts = Parts {
            path: path.to_owned(),
            is_single,
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
        let sizes = parts.category_ranges[0].iter().zip(&parts.category_ranges[1]);
        let size = sizes.fold(0, |sum: u64, (start, end)| sum.saturating_add(end.saturating_sub(*start)));
        if size > parts.categories.len() as u64 {
            return Err(part(path, "nodes have more categories together than there are"));
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

    fn split(&self, at: usize) -> Result<Split, ReadError> {
        let index = |number: i32| u32::try_from(number).unwrap_or(u32::MAX);
        let [left, right] = [&self.children[0], &self.children[1]].map(|children| index(children[at]));
        let (feature, is_left) = (index(self.features[at]), self.default_left[at] != 0);
        if self.kinds[at] == 2 {
            let codes = self.range(&self.categories, &self.category_ranges, at)?;
            if self.is_single && codes.iter().any(|code| *code > F32_CATEGORY_MAX) {
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
        let split = compare::split(feature, compare, self.thresholds[at].into(), self.is_single, branches);
        split.ok_or_else(|| part(&self.path, format!("node {at} compares with nothing")))
    }

    /// The tree once for each of its outputs.
    fn trees(&self, features: usize, outputs: &[usize], trees: &mut Vec<Tree>) -> Result<(), ReadError> {
        let mut nodes = Vec::with_capacity(self.kinds.len());
        let mut vectors = Vec::with_capacity(self.kinds.len());
        for (at, kind) in self.kinds.iter().enumerate() {
            let mut vector: &[T] = &[];
            let kind = if *kind == 0 {
                vector = self.range(&self.vectors, &self.vector_ranges, at)?;
                if vector.len() != outputs.len() && (outputs.len() > 1 || !vector.is_empty()) {
                    let problem =
                        format!("leaf {at} has {} values for {} outputs", vector.len(), outputs.len());
                    return Err(part(&self.path, problem));
                }
                Kind::Leaf(Leaf { value: 0.0, linear: None })
            } else {
                Kind::Split(self.split(at)?)
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
            trees.push(Tree::arrange(*output as u32, 0, &nodes, features, &self.path)?);
        }
        Ok(())
    }
}
