//! The operators for regression and classification, whose leaves stand among the nodes.

use std::collections::HashMap;

use super::attributes::{Attributes, LeafValue, branch, divisor, index, leaf, link, of_length, wrong};
use super::{Forest, unsupported};
use crate::ensemble::Node;
use crate::error::ReadError;
use crate::format::compare::{Branches, Compare};

/// The forest of an operator of this kind; values are compared in f32 if they are `single`.
pub(super) fn read(attributes: &Attributes<'_>, kind: &str, single: bool) -> Result<Forest, ReadError> {
    let is_classifier = kind == "TreeEnsembleClassifier";
    let nodes = Nodes::new(attributes)?;
    let order = Order::new(&nodes)?;
    let mut leaves = Leaves::new(attributes, if is_classifier { "class" } else { "target" })?;
    let base = attributes.numbers("base_values")?;
    let mut outputs = if is_classifier {
        attributes.integers("classlabels_int64s")?.len().max(attributes.texts("classlabels_strings")?.len())
    } else {
        attributes.integer("n_targets")?.and_then(|count| usize::try_from(count).ok()).unwrap_or(1)
    };
    // Of two classes, one raw value is enough.
    if is_classifier && outputs == 2 && leaves.outputs.windows(2).all(|pair| pair[0] == pair[1]) {
        outputs = 1;
        leaves.outputs.fill(0);
        if base.len() > 1 {
            return Err(unsupported("$.base_values", "two base values of one score"));
        }
    }
    let mut forest = Forest::new(outputs, base, link(attributes.text("post_transform")?)?)?;
    let mut values = leaves.by_tree(&order)?;
    for tree in &order.trees {
        let (root, nodes) = nodes.tree(*tree, &order, single)?;
        forest.push(root, &nodes, values.remove(tree).unwrap_or_default())?;
    }
    forest.divisor = divisor(attributes.text("aggregate_function")?, order.trees.len())?;
    Ok(forest)
}

/// The lists by node.
struct Nodes<'a> {
    trees: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    yes: Vec<i64>,
    no: Vec<i64>,
    values: Vec<f64>,
    modes: Vec<&'a str>,
    /// Empty if NaN goes where the comparison sends it.
    tracks: Vec<i64>,
}

impl<'a> Nodes<'a> {
    fn new(attributes: &Attributes<'a>) -> Result<Nodes<'a>, ReadError> {
        let trees = attributes.integers("nodes_treeids")?;
        let length = trees.len();
        let list = |name: &str| of_length(attributes.integers(name)?, length, name);
        let tracks = attributes.integers("nodes_missing_value_tracks_true")?;
        Ok(Nodes {
            ids: list("nodes_nodeids")?,
            features: list("nodes_featureids")?,
            yes: list("nodes_truenodeids")?,
            no: list("nodes_falsenodeids")?,
            values: of_length(attributes.numbers("nodes_values")?, length, "nodes_values")?,
            modes: of_length(attributes.texts("nodes_modes")?, length, "nodes_modes")?,
            tracks: match tracks.len() {
                0 => tracks,
                _ => of_length(tracks, length, "nodes_missing_value_tracks_true")?,
            },
            trees,
        })
    }

    /// The root and the nodes of a tree.
    fn tree(&self, tree: i64, order: &Order, single: bool) -> Result<(usize, Vec<Node>), ReadError> {
        let at = order.nodes.get(&tree).map_or(&[][..], Vec::as_slice);
        let mut is_child = vec![false; at.len()];
        let mut nodes = Vec::with_capacity(at.len());
        for at in at.iter().copied() {
            let Some(compare) = compare(self.modes[at])? else {
                nodes.push(leaf());
                continue;
            };
            let mut child = |id: i64| {
                let place = order.places.get(&(tree, id)).copied();
                let place = place.ok_or_else(|| wrong("nodes_truenodeids", format!("no node {id}")))?;
                is_child[place] = true;
                Ok(place as u32)
            };
            let nan_to_yes = self.tracks.get(at).is_some_and(|tracks| *tracks != 0);
            let branches = Branches { yes: child(self.yes[at])?, no: child(self.no[at])?, nan_to_yes };
            let feature = index(self.features[at], "nodes_featureids")?;
            nodes.push(branch(feature, compare, self.values[at], single, branches)?);
        }
        let root = is_child.iter().position(|is_child| !is_child);
        Ok((root.ok_or_else(|| wrong("nodes_treeids", format!("the tree {tree} has no root")))?, nodes))
    }
}

/// What a node does; nothing if it is a leaf.
fn compare(mode: &str) -> Result<Option<Compare>, ReadError> {
    Ok(Some(match mode {
        "BRANCH_LEQ" => Compare::AtMost,
        "BRANCH_LT" => Compare::Below,
        "BRANCH_GTE" => Compare::AtLeast,
        "BRANCH_GT" => Compare::Above,
        "BRANCH_EQ" => Compare::Equal,
        "BRANCH_NEQ" => Compare::Unequal,
        "LEAF" => return Ok(None),
        other => return Err(unsupported("$.nodes_modes", format!("the mode `{other}`"))),
    }))
}

/// Which nodes are of which tree.
struct Order {
    /// In the order in which they occur.
    trees: Vec<i64>,
    /// By tree, its nodes.
    nodes: HashMap<i64, Vec<usize>>,
    /// By tree and id, where a node is among those of its tree.
    places: HashMap<(i64, i64), usize>,
}

impl Order {
    fn new(nodes: &Nodes<'_>) -> Result<Order, ReadError> {
        let mut order = Order { trees: Vec::new(), nodes: HashMap::new(), places: HashMap::new() };
        for (at, (tree, id)) in nodes.trees.iter().zip(&nodes.ids).enumerate() {
            let nodes = order.nodes.entry(*tree).or_insert_with(|| {
                order.trees.push(*tree);
                Vec::new()
            });
            if order.places.insert((*tree, *id), nodes.len()).is_some() {
                return Err(wrong("nodes_nodeids", format!("two nodes {id} of the tree {tree}")));
            }
            nodes.push(at);
        }
        Ok(order)
    }
}

/// The lists by value of a leaf.
struct Leaves {
    trees: Vec<i64>,
    nodes: Vec<i64>,
    outputs: Vec<i64>,
    weights: Vec<f64>,
}

impl Leaves {
    fn new(attributes: &Attributes<'_>, prefix: &str) -> Result<Leaves, ReadError> {
        let weights = attributes.numbers(&format!("{prefix}_weights"))?;
        let list = |name: &str| {
            let name = format!("{prefix}_{name}");
            of_length(attributes.integers(&name)?, weights.len(), &name)
        };
        Ok(Leaves { trees: list("treeids")?, nodes: list("nodeids")?, outputs: list("ids")?, weights })
    }

    fn by_tree(&self, order: &Order) -> Result<HashMap<i64, Vec<LeafValue>>, ReadError> {
        let mut values: HashMap<i64, Vec<LeafValue>> = HashMap::new();
        for (at, weight) in self.weights.iter().enumerate() {
            let (tree, id) = (self.trees[at], self.nodes[at]);
            let place = order.places.get(&(tree, id));
            let place = place.ok_or_else(|| wrong("target_nodeids", format!("no node {id}")))?;
            let output = index(self.outputs[at], "target_ids")?;
            values.entry(tree).or_default().push((*place, output, *weight));
        }
        Ok(values)
    }
}
