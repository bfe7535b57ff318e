//! The order of tables that refer to each other.

/// Tables in groups, those that are referred to first. Tables of one group refer to each other in a circle; a group of one
/// may refer to itself.
pub(crate) fn groups(references: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let count = references.len();
    let reach: Vec<Vec<bool>> = (0..count).map(|from| reachable(references, from)).collect();
    // Whoever refers to another reaches all that the other does, and more when the other does not reach back.
    let weight = |at: usize| reach[at].iter().filter(|reached| **reached).count();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|at| (weight(*at), *at));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in order {
        let circle = groups.iter_mut().find(|group| reach[group[0]][at] && reach[at][group[0]]);
        match circle {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups
}

/// What is reached from a table, itself always among it.
fn reachable(references: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut reached = vec![false; references.len()];
    let mut open = vec![from];
    reached[from] = true;
    while let Some(at) = open.pop() {
        for next in &references[at] {
            if !reached[*next] {
                reached[*next] = true;
                open.push(*next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn referred_tables_come_first_and_circles_are_one_group() {
        // loan 0 → student 1 ⇄ class 2 → school 3; log 4 → log 4; meal 5 → student 1.
        let references = vec![vec![1], vec![2], vec![1, 3], vec![], vec![4], vec![1]];
        let groups = groups(&references);
        let place = |at: usize| groups.iter().position(|group| group.contains(&at)).unwrap();
        assert_eq!(place(1), place(2));
        assert!(place(3) < place(1) && place(1) < place(0) && place(1) < place(5));
        assert_eq!(groups[place(4)], [4]);
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), 6);
    }
}
