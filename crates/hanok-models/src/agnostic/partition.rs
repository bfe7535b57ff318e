//! Owen values over a tree of groups (G. Owen, "Values of games with a priori unions", 1977; applied level by level as in shap's
//! PartitionExplainer): the two parts of a group share out what the group is worth, each taken with and without the other, and so on down
//! to single features. Coalitions never split a group other than the one that is being shared out, so strongly dependent features that
//! stand together meet fewer mixtures that cannot occur.
//!
//! A group at depth k is met in 2^k contexts: about 2 m² coalitions for a balanced tree, up to 2^m for a chain. When `max_evals` does not
//! suffice, the groups with the largest shares are taken apart first, and what is left in the others is spread evenly over their features.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::game::Game;
use super::hierarchy::Hierarchy;
use super::{AgnosticError, Found};

/// Groups that are taken apart together; more of them fill batches better, and follow the order of their shares less closely.
const TOGETHER: usize = 16;

/// The tree of a row's players only: groups without players are gone, those with one are that player.
struct Groups {
    /// Children by group; single players have none. Children stand before their parents; the last is the root.
    children: Vec<Option<[usize; 2]>>,
    /// First and one past the last place of each group in `order`.
    ranges: Vec<(usize, usize)>,
    /// Players, so that each group's are neighbours.
    order: Vec<usize>,
}

impl Groups {
    fn new(tree: &Hierarchy, players: &[usize]) -> Groups {
        // Single players have their own numbers.
        let mut children: Vec<Option<[usize; 2]>> = vec![None; players.len()];
        let mut sizes = vec![1; players.len()];
        let mut of: Vec<Option<usize>> = vec![None; tree.features()];
        players.iter().enumerate().for_each(|(player, feature)| of[*feature] = Some(player));
        for [a, b] in tree.joins() {
            let joined = match (of[*a], of[*b]) {
                (Some(a), Some(b)) => {
                    children.push(Some([a, b]));
                    sizes.push(sizes[a] + sizes[b]);
                    Some(children.len() - 1)
                }
                (one, other) => one.or(other),
            };
            of.push(joined);
        }
        let mut ranges = vec![(0, 0); children.len()];
        let mut order = vec![0; players.len()];
        if let Some(root) = ranges.last_mut() {
            *root = (0, players.len());
        }
        for group in (0..children.len()).rev() {
            let (start, end) = ranges[group];
            match children[group] {
                Some([a, b]) => {
                    ranges[a] = (start, start + sizes[a]);
                    ranges[b] = (start + sizes[a], end);
                }
                None => order[start] = group,
            }
        }
        Groups { children, ranges, order }
    }

    fn members(&self, group: usize) -> &[usize] {
        let (start, end) = self.ranges[group];
        &self.order[start..end]
    }
}

/// Coalitions that complete values take for these players.
pub(super) fn evals(tree: &Hierarchy, players: &[usize]) -> usize {
    let groups = Groups::new(tree, players);
    let mut contexts = vec![1_usize; groups.children.len()];
    let mut evals = 0_usize;
    for (group, children) in groups.children.iter().enumerate().rev() {
        let Some(children) = children else { continue };
        let double = contexts[group].saturating_mul(2);
        evals = evals.saturating_add(double);
        for child in children {
            contexts[*child] = double;
        }
    }
    evals
}

/// A group in a context: what comes with it joining.
struct Share {
    group: usize,
    /// Share of the contexts.
    weight: f64,
    /// Players that are there before it joins.
    context: Vec<bool>,
    without: Vec<f64>,
    with: Vec<f64>,
    /// Its largest output, weighted.
    size: f64,
    /// When it was found, so that the order is the same every time.
    number: usize,
}

pub(super) fn values<E, F>(
    game: &mut Game<'_, F>,
    tree: &Hierarchy,
    max_evals: usize,
) -> Result<Found, AgnosticError<E>>
where
    F: FnMut(&[f64]) -> Result<Vec<f64>, E>,
{
    let (players, outputs) = (game.players.len(), game.outputs());
    let groups = Groups::new(tree, game.players);
    let mut found = Found { values: vec![0.0; outputs * players], errors: vec![0.0; outputs * players] };
    let mut queue = BinaryHeap::new();
    let mut number = 0;
    let root = groups.children.len() - 1;
    queue.push(Share::new(root, 1.0, vec![false; players], vec![0.0; outputs], game.total(), number));
    let mut left = max_evals / 2;
    loop {
        let mut batch: Vec<(Share, [usize; 2])> = Vec::with_capacity(TOGETHER);
        while batch.len() < TOGETHER.min(left)
            && let Some(share) = queue.pop()
            && let Some(children) = groups.children[share.group]
        {
            batch.push((share, children));
        }
        if batch.is_empty() {
            break;
        }
        left -= batch.len();
        let mut worths: Vec<Vec<f64>> = Vec::with_capacity(2 * batch.len());
        let next = |at: usize, mask: &mut [bool]| {
            let (share, children) = &batch[at / 2];
            mask.copy_from_slice(&share.context);
            groups.members(children[at % 2]).iter().for_each(|player| mask[*player] = true);
        };
        game.worths(2 * batch.len(), next, |_, _, worth| worths.push(worth.to_vec()))?;
        for ((share, children), alone) in batch.into_iter().zip(worths.chunks(2)) {
            for (at, child) in children.into_iter().enumerate() {
                // First without its sibling, then with it.
                let mut joined = share.context.clone();
                groups.members(children[1 - at]).iter().for_each(|player| joined[*player] = true);
                for (context, without, with) in [
                    (share.context.clone(), &share.without, &alone[at]),
                    (joined, &alone[1 - at], &share.with),
                ] {
                    number += 1;
                    let part =
                        Share::new(child, 0.5 * share.weight, context, without.clone(), with.clone(), number);
                    if groups.children[child].is_some() {
                        queue.push(part);
                    } else {
                        part.give(&groups, &mut found, players);
                    }
                }
            }
        }
    }
    queue.into_sorted_vec().iter().for_each(|share| share.give(&groups, &mut found, players));
    Ok(found)
}

impl Share {
    fn new(
        group: usize,
        weight: f64,
        context: Vec<bool>,
        without: Vec<f64>,
        with: Vec<f64>,
        number: usize,
    ) -> Share {
        let size =
            with.iter().zip(&without).map(|(with, without)| (with - without).abs()).fold(0.0, f64::max);
        Share { group, weight, context, without, with, size: weight * size, number }
    }

    /// Gives the group's members equal parts; the errors of more than one are not known.
    fn give(&self, groups: &Groups, found: &mut Found, players: usize) {
        let members = groups.members(self.group);
        for (output, (with, without)) in self.with.iter().zip(&self.without).enumerate() {
            for member in members {
                let cell = output * players + member;
                found.values[cell] += self.weight * (with - without) / members.len() as f64;
                if members.len() > 1 {
                    found.errors[cell] = f64::NAN;
                }
            }
        }
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Share) -> Ordering {
        self.size.total_cmp(&other.size).then(other.number.cmp(&self.number))
    }
}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Share) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Share) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}
