//! Which node may run next. Knows nothing of models, tasks or time, so that it can be tested on any graph.

use std::collections::BTreeSet;

use crate::graph::Graph;

/// A node in the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Not selected, or finished one way or another.
    Done,
    /// Waits for this many nodes.
    Waiting(usize),
}

/// Hands out the selected nodes of a graph, each after all that it needs.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// For each node, the selected nodes that need it, also through nodes that are not selected.
    dependants: Vec<Vec<usize>>,
    states: Vec<State>,
    /// A set, so that the order is that of the indices and a run can be repeated.
    ready: BTreeSet<usize>,
}

impl Schedule {
    pub(crate) fn new(graph: &Graph, selected: &[usize]) -> Self {
        let mut states = vec![State::Done; graph.len()];
        let mut dependants = vec![Vec::new(); graph.len()];
        let chosen: BTreeSet<usize> = selected.iter().copied().filter(|&node| node < graph.len()).collect();
        for &node in &chosen {
            let mut waits = 0;
            for needed in graph.ancestors(node).intersection(&chosen) {
                dependants[*needed].push(node);
                waits += 1;
            }
            states[node] = State::Waiting(waits);
        }
        let ready = chosen.into_iter().filter(|&node| states[node] == State::Waiting(0)).collect();
        Self { dependants, states, ready }
    }

    /// A node whose needs are met. It must be finished with [`succeed`](Self::succeed) or [`fail`](Self::fail).
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// `node` is built.
    pub(crate) fn succeed(&mut self, node: usize) {
        self.states[node] = State::Done;
        for &dependant in &self.dependants[node] {
            if let State::Waiting(waits) = &mut self.states[dependant] {
                *waits -= 1;
                if *waits == 0 {
                    self.ready.insert(dependant);
                }
            }
        }
    }

    /// `node` failed. Returns the nodes that are given up because of it, ascending.
    pub(crate) fn fail(&mut self, node: usize) -> Vec<usize> {
        self.states[node] = State::Done;
        let mut skipped = Vec::new();
        for &dependant in &self.dependants[node] {
            if self.states[dependant] != State::Done {
                self.states[dependant] = State::Done;
                skipped.push(dependant);
            }
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_node_runs_after_its_ancestors_or_is_skipped_with_reason(
            parents in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..4), 1..25),
            chosen in proptest::collection::vec(any::<bool>(), 25),
            broken in proptest::collection::vec(prop::bool::weighted(0.2), 25),
            workers in 1_usize..5,
            picks in proptest::collection::vec(any::<prop::sample::Index>(), 25),
        ) {
            // Parents before children make the graph free of circles.
            let parents: Vec<Vec<usize>> = parents
                .iter()
                .enumerate()
                .map(|(node, list)| if node == 0 { vec![] } else { list.iter().map(|i| i.index(node)).collect() })
                .collect();
            let graph = Graph::new(parents).unwrap();
            let selected: Vec<usize> = (0..graph.len()).filter(|&node| chosen[node]).collect();
            let mut schedule = Schedule::new(&graph, &selected);
            let (mut running, mut built, mut failed, mut skipped) =
                (Vec::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            let mut step = 0;
            loop {
                while running.len() < workers && let Some(node) = schedule.next() {
                    for ancestor in graph.ancestors(node) {
                        prop_assert!(!chosen[ancestor] || built.contains(&ancestor));
                    }
                    running.push(node);
                }
                if running.is_empty() {
                    break;
                }
                // Any of the running nodes may be the first to finish.
                let node = running.swap_remove(picks[step].index(running.len()));
                step += 1;
                if broken[node] {
                    failed.insert(node);
                    for other in schedule.fail(node) {
                        prop_assert!(skipped.insert(other));
                    }
                } else {
                    schedule.succeed(node);
                    built.insert(node);
                }
            }
            for &node in &selected {
                let doomed = graph.ancestors(node).iter().any(|&other| chosen[other] && broken[other]);
                prop_assert_eq!(skipped.contains(&node), doomed);
                prop_assert_eq!(failed.contains(&node), !doomed && broken[node]);
                prop_assert_eq!(built.contains(&node), !doomed && !broken[node]);
            }
            prop_assert_eq!(built.len() + failed.len() + skipped.len(), selected.len());
        }
    }
}
