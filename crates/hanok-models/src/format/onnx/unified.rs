//! The operator of version 5, whose leaves stand in lists of their own.

use std::collections::HashMap;

use super::attributes::{Attributes, LeafValue, branch, divisor, index, leaf, link, of_length, wrong};
use super::{Forest, unsupported};
use crate::categories::CategorySet;
use crate::ensemble::{Kind, Node, Test};
use crate::error::ReadError;
use crate::format::compare::{self, Branches, Compare};

/// Its forest; values are compared in f32 if they are `single`.
pub(super) fn read(attributes: &Attributes<'_>, single: bool) -> Result<Forest, ReadError> {
    let features = attributes.integers("nodes_featureids")?;
    let length = features.len();
    let list = |name: &str| of_length(attributes.integers(name)?, length, name);
    let mut nodes = Unified {
        yes: [list("nodes_truenodeids")?, list("nodes_trueleafs")?],
        no: [list("nodes_falsenodeids")?, list("nodes_falseleafs")?],
        splits: of_length(attributes.numbers("nodes_splits")?, length, "nodes_splits")?,
        modes: of_length(attributes.numbers("nodes_modes")?, length, "nodes_modes")?,
        tracks: attributes.integers("nodes_missing_value_tracks_true")?,
        weights: attributes.numbers("leaf_weights")?,
        outputs: attributes.integers("leaf_targetids")?,
        sets: HashMap::new(),
        features,
        single,
    };
    nodes.sets = sets(attributes, &nodes.modes)?;
    let transforms = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
    let aggregates = ["AVERAGE", "SUM", "MIN", "MAX"];
    let name = |names: &[&'static str], attribute: &str, default: i64| -> Result<&'static str, ReadError> {
        let number = attributes.integer(attribute)?.unwrap_or(default);
        let name = usize::try_from(number).ok().and_then(|at| names.get(at).copied());
        name.ok_or_else(|| wrong(attribute, format!("{number} has no meaning")))
    };
    let outputs = attributes.integer("n_targets")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
    let mut forest = Forest::new(outputs, Vec::new(), link(name(&transforms, "post_transform", 0)?)?)?;
    let roots = attributes.integers("tree_roots")?;
    let mut seen = vec![false; length];
    for root in &roots {
        let (tree, leaves) = nodes.tree(*root, &mut seen)?;
        forest.push(0, &tree, leaves)?;
    }
    forest.divisor = divisor(name(&aggregates, "aggregate_function", 1)?, roots.len())?;
    Ok(forest)
}

/// The set of each node that asks for membership, in whose order their members stand, ended by NaN.
fn sets(attributes: &Attributes<'_>, modes: &[f64]) -> Result<HashMap<usize, CategorySet>, ReadError> {
    let all = attributes.numbers("membership_values")?;
    let nodes = modes.iter().enumerate().filter(|(_, mode)| **mode as usize == MEMBER).map(|(at, _)| at);
    let set = |(at, values): (usize, &[f64])| {
        let set = compare::members(values);
        Ok((
            at,
            set.ok_or_else(|| wrong("membership_values", format!("the set of node {at} is not of f32")))?,
        ))
    };
    nodes.zip(all.split(|value| value.is_nan())).map(set).collect()
}

struct Unified {
    features: Vec<i64>,
    /// Numbers of children, and whether they are leaves.
    yes: [Vec<i64>; 2],
    no: [Vec<i64>; 2],
    splits: Vec<f64>,
    modes: Vec<f64>,
    tracks: Vec<i64>,
    weights: Vec<f64>,
    outputs: Vec<i64>,
    sets: HashMap<usize, CategorySet>,
    single: bool,
}

/// The mode of a node that asks for membership.
const MEMBER: usize = 6;

impl Unified {
    /// The nodes of a tree, its root first, and its leaves' values. A leaf that is named twice is two.
    fn tree(&self, root: i64, seen: &mut [bool]) -> Result<(Vec<Node>, Vec<LeafValue>), ReadError> {
        let (mut nodes, mut leaves) = (vec![leaf()], Vec::new());
        let mut open = vec![(root, false, 0)];
        while let Some((number, is_leaf, place)) = open.pop() {
            let at = index(number, "nodes_truenodeids")? as usize;
            if is_leaf {
                let found = self.weights.get(at).zip(self.outputs.get(at));
                let (weight, output) = found.ok_or_else(|| wrong("leaf_weights", format!("no leaf {at}")))?;
                leaves.push((place, index(*output, "leaf_targetids")?, *weight));
                continue;
            }
            match seen.get_mut(at) {
                None => return Err(wrong("nodes_truenodeids", format!("no node {at}"))),
                Some(true) => return Err(wrong("nodes_truenodeids", format!("node {at} is reached twice"))),
                Some(seen) => *seen = true,
            }
            let (yes, no) = (nodes.len(), nodes.len() + 1);
            nodes.extend([leaf(), leaf()]);
            open.push((self.no[0][at], self.no[1][at] != 0, no));
            open.push((self.yes[0][at], self.yes[1][at] != 0, yes));
            let nan_to_yes = self.tracks.get(at).is_some_and(|tracks| *tracks != 0);
            let branches = Branches { yes: yes as u32, no: no as u32, nan_to_yes };
            nodes[place] = self.node(at, branches)?;
        }
        Ok((nodes, leaves))
    }

    fn node(&self, at: usize, branches: Branches) -> Result<Node, ReadError> {
        let feature = index(self.features[at], "nodes_featureids")?;
        let compare = match self.modes[at] as usize {
            0 => Compare::AtMost,
            1 => Compare::Below,
            2 => Compare::AtLeast,
            3 => Compare::Above,
            4 => Compare::Equal,
            5 => Compare::Unequal,
            MEMBER => {
                let set = self.sets.get(&at).cloned();
                let set = set.ok_or_else(|| wrong("membership_values", format!("no set of node {at}")))?;
                let test = Test::Category { set, members_left: true };
                return Ok(Node { cover: 0.0, kind: Kind::Split(branches.split(feature, test, false)) });
            }
            other => return Err(unsupported("$.nodes_modes", format!("the mode {other}"))),
        };
        branch(feature, compare, self.splits[at], self.single, branches)
    }
}
