//! Which model needs which: order, circles, ancestors and descendants.

use std::collections::BTreeSet;

/// Nodes `0..len` and the parents of each; free of circles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    parents: Vec<Vec<usize>>,
    children: Vec<Vec<usize>>,
}

/// A circle: each node needs the next, and the last needs the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the nodes {0:?} need each other in a circle")]
pub struct GraphCycle(pub Vec<usize>);

impl Graph {
    /// Makes the graph from the parents of each node. Parents beyond the last node are left out.
    pub fn new(mut parents: Vec<Vec<usize>>) -> Result<Self, GraphCycle> {
        let len = parents.len();
        let mut children = vec![Vec::new(); len];
        for (node, parents) in parents.iter_mut().enumerate() {
            parents.retain(|&parent| parent < len);
            parents.sort_unstable();
            parents.dedup();
            for &parent in &*parents {
                children[parent].push(node);
            }
        }
        let graph = Self { parents, children };
        match graph.cycle() {
            Some(cycle) => Err(cycle),
            None => Ok(graph),
        }
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.parents.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.parents.is_empty()
    }

    /// The nodes that `node` needs, ascending.
    pub fn parents(&self, node: usize) -> &[usize] {
        &self.parents[node]
    }

    /// The nodes that need `node`, ascending.
    pub fn children(&self, node: usize) -> &[usize] {
        &self.children[node]
    }

    /// All that `node` needs, however indirectly, without itself.
    pub fn ancestors(&self, node: usize) -> BTreeSet<usize> {
        reach(&self.parents, node)
    }

    /// All that need `node`, however indirectly, without itself.
    pub fn descendants(&self, node: usize) -> BTreeSet<usize> {
        reach(&self.children, node)
    }

    /// Depth-first search with a stack of its own: a chain of thousands of models must not overflow the thread's.
    fn cycle(&self) -> Option<GraphCycle> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.len()];
        for root in 0..self.len() {
            if marks[root] != Mark::New {
                continue;
            }
            marks[root] = Mark::Open;
            // A path of nodes from the root, and for each how many of its parents are done with.
            let mut path = vec![(root, 0)];
            while let Some((node, next)) = path.last_mut() {
                let Some(&parent) = self.parents[*node].get(*next) else {
                    marks[*node] = Mark::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                match marks[parent] {
                    Mark::Done => {}
                    Mark::New => {
                        marks[parent] = Mark::Open;
                        path.push((parent, 0));
                    }
                    Mark::Open => {
                        let circle = path.iter().map(|&(node, _)| node).skip_while(|&node| node != parent);
                        return Some(GraphCycle(circle.collect()));
                    }
                }
            }
        }
        None
    }
}

fn reach(edges: &[Vec<usize>], node: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = edges[node].clone();
    while let Some(next) = open.pop() {
        if found.insert(next) {
            open.extend_from_slice(&edges[next]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_circle_is_named_in_order() {
        let error = Graph::new(vec![vec![], vec![0, 3], vec![1], vec![2]]).unwrap_err();
        assert_eq!(error, GraphCycle(vec![1, 3, 2]));
        assert_eq!(Graph::new(vec![vec![0]]).unwrap_err(), GraphCycle(vec![0]));
    }

    #[test]
    fn a_long_chain_does_not_overflow() {
        let chain = (0..200_000).map(|n: usize| n.checked_sub(1).into_iter().collect()).collect();
        let graph = Graph::new(chain).unwrap();
        assert_eq!(graph.ancestors(199_999).len(), 199_999);
        assert_eq!(graph.descendants(0).len(), 199_999);
        assert!(graph.descendants(199_999).is_empty());
    }

    /// Reachability by repeated squaring of nothing cleverer than a matrix.
    fn closure(parents: &[Vec<usize>]) -> Vec<Vec<bool>> {
        let len = parents.len();
        let mut reach: Vec<Vec<bool>> =
            parents.iter().map(|list| (0..len).map(|other| list.contains(&other)).collect()).collect();
        for via in 0..len {
            for from in 0..len {
                for to in 0..len {
                    reach[from][to] |= reach[from][via] && reach[via][to];
                }
            }
        }
        reach
    }

    proptest! {
        #[test]
        fn circles_are_found_exactly_when_there_are_any(
            parents in proptest::collection::vec(proptest::collection::vec(0_usize..14, 0..3), 1..14)
        ) {
            let len = parents.len();
            let parents: Vec<Vec<usize>> =
                parents.into_iter().map(|list| list.into_iter().filter(|&p| p < len).collect()).collect();
            let reach = closure(&parents);
            let circular = (0..len).any(|node| reach[node][node]);
            match Graph::new(parents.clone()) {
                Ok(graph) => {
                    prop_assert!(!circular);
                    for (node, reached) in reach.iter().enumerate() {
                        let ancestors: BTreeSet<_> = (0..len).filter(|&other| reached[other]).collect();
                        let descendants: BTreeSet<_> = (0..len).filter(|&other| reach[other][node]).collect();
                        prop_assert_eq!(graph.ancestors(node), ancestors);
                        prop_assert_eq!(graph.descendants(node), descendants);
                    }
                }
                Err(GraphCycle(circle)) => {
                    prop_assert!(circular);
                    for (at, &node) in circle.iter().enumerate() {
                        prop_assert!(parents[node].contains(&circle[(at + 1) % circle.len()]));
                    }
                }
            }
        }
    }
}
