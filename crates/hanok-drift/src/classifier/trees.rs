//! Gradient-boosted trees over codes, with the logistic loss.

use super::codes::{CODES, Codes};

const TREES: usize = 100;
const DEPTH: usize = 5;
/// The share of each tree that is taken.
const RATE: f64 = 0.1;
/// What a leaf's values are drawn to zero by.
const RIDGE: f64 = 1.0;
/// The same where the codes have no order, of which one is found for every split.
const RIDGE_CATEGORIES: f64 = 10.0;
/// The least sum of second derivatives of a leaf: twenty rows of which nothing is known.
const WEIGHT_MIN: f64 = 5.0;
/// A split must lower the loss by more.
const GAIN_MIN: f64 = 1e-9;

/// First and second derivatives of the loss.
type Sum = [f64; 2];
/// Of each feature the sums of each code.
type Histogram = Vec<[Sum; CODES]>;

/// A sum of trees.
pub(super) struct Trees {
    start: f64,
    trees: Vec<Vec<Node>>,
}

#[derive(Clone, Copy)]
enum Node {
    /// Rows whose code's bit is set go to one node, others to the next one.
    Split {
        feature: u32,
        lower: u64,
        then: u32,
    },
    Leaf(f32),
}

/// Rows of a node that may be split.
struct Open {
    node: usize,
    start: usize,
    end: usize,
    depth: usize,
    sum: Sum,
    histogram: Histogram,
}

struct Split {
    feature: usize,
    lower: u64,
    gain: f64,
}

impl Trees {
    /// Learns which rows are current.
    pub(super) fn new(codes: &Codes, rows: &[u32]) -> Trees {
        let current = rows.iter().filter(|row| codes.is_current[**row as usize]).count() as f64;
        let start = libm::log((current / (rows.len() as f64 - current)).max(1e-9));
        let mut scores = vec![start; codes.is_current.len()];
        let mut trees = Vec::with_capacity(TREES);
        let mut order = rows.to_vec();
        let mut derivatives = vec![[0.0_f32; 2]; codes.is_current.len()];
        for _ in 0..TREES {
            for row in &order {
                let row = *row as usize;
                let p = 1.0 / (1.0 + libm::exp(-scores[row]));
                let label = f64::from(u8::from(codes.is_current[row]));
                derivatives[row] = [(p - label) as f32, (p * (1.0 - p)) as f32];
            }
            let tree = grow(codes, &derivatives, &mut order, &mut scores);
            if tree.len() == 1 {
                break;
            }
            trees.push(tree);
        }
        Trees { start, trees }
    }

    /// How current a row looks, as a logarithm of odds.
    pub(super) fn score(&self, code: impl Fn(usize) -> u8) -> f32 {
        let of_tree = |tree: &Vec<Node>| {
            let mut at = 0;
            // A node's children come after it.
            loop {
                match tree[at] {
                    Node::Leaf(value) => return f64::from(value),
                    Node::Split { feature, lower, then } => {
                        at = then as usize + usize::from(lower >> code(feature as usize) & 1 == 0);
                    }
                }
            }
        };
        (self.start + self.trees.iter().map(of_tree).sum::<f64>()) as f32
    }

    pub(super) fn uses(&self, feature: usize) -> bool {
        let is_split =
            |node: &Node| matches!(node, Node::Split { feature: at, .. } if *at as usize == feature);
        self.trees.iter().flatten().any(is_split)
    }
}

/// One tree; `order` is rearranged by leaves, and the scores of its rows are raised by what they get.
fn grow(codes: &Codes, derivatives: &[[f32; 2]], order: &mut [u32], scores: &mut [f64]) -> Vec<Node> {
    let histogram = histogram(codes, derivatives, order);
    let sum = total(&histogram);
    let mut nodes = vec![Node::Leaf(0.0)];
    let mut open = vec![Open { node: 0, start: 0, end: order.len(), depth: 0, sum, histogram }];
    while let Some(mut at) = open.pop() {
        let split = if at.depth < DEPTH { best(codes, &at) } else { None };
        let rows = &mut order[at.start..at.end];
        let Some(split) = split else {
            let value = -RATE * at.sum[0] / (at.sum[1] + RIDGE);
            nodes[at.node] = Node::Leaf(value as f32);
            rows.iter().for_each(|row| scores[*row as usize] += value);
            continue;
        };
        let of = &codes.of[split.feature];
        let middle = at.start + partition(rows, |row| split.lower >> of[row as usize] & 1 == 1);
        let then = nodes.len();
        nodes[at.node] = Node::Split { feature: split.feature as u32, lower: split.lower, then: then as u32 };
        nodes.extend([Node::Leaf(0.0), Node::Leaf(0.0)]);
        // The smaller child is summed up, the larger one is what is left.
        let halves = [(at.start, middle), (middle, at.end)];
        let small = usize::from(halves[1].1 - halves[1].0 < halves[0].1 - halves[0].0);
        let is_last = at.depth + 1 == DEPTH;
        let child = |side: usize, sum: Sum, histogram: Histogram| {
            let (start, end) = halves[side];
            Open { node: then + side, start, end, depth: at.depth + 1, sum, histogram }
        };
        let few = &order[halves[small].0..halves[small].1];
        if is_last {
            let sum =
                few.iter().fold([0.0; 2], |sum, row| plus(sum, derivatives[*row as usize].map(f64::from)));
            open.push(child(small, sum, Vec::new()));
            open.push(child(1 - small, minus(at.sum, sum), Vec::new()));
        } else {
            let histogram = self::histogram(codes, derivatives, few);
            let sum = total(&histogram);
            for (whole, part) in at.histogram.iter_mut().flatten().zip(histogram.iter().flatten()) {
                *whole = minus(*whole, *part);
            }
            let rest = std::mem::take(&mut at.histogram);
            open.push(child(small, sum, histogram));
            open.push(child(1 - small, minus(at.sum, sum), rest));
        }
    }
    nodes
}

fn plus(a: Sum, b: Sum) -> Sum {
    [a[0] + b[0], a[1] + b[1]]
}

fn minus(a: Sum, b: Sum) -> Sum {
    [a[0] - b[0], a[1] - b[1]]
}

fn total(histogram: &Histogram) -> Sum {
    histogram.first().map_or([0.0; 2], |codes| codes.iter().fold([0.0; 2], |sum, code| plus(sum, *code)))
}

fn histogram(codes: &Codes, derivatives: &[[f32; 2]], rows: &[u32]) -> Histogram {
    let some: Vec<[f32; 2]> = rows.iter().map(|row| derivatives[*row as usize]).collect();
    let of_feature = |codes: &Vec<u8>| {
        let mut sums = [[0.0; 2]; CODES];
        for (row, derivatives) in rows.iter().zip(&some) {
            let sum = &mut sums[codes[*row as usize] as usize % CODES];
            *sum = plus(*sum, derivatives.map(f64::from));
        }
        sums
    };
    codes.of.iter().map(of_feature).collect()
}

/// Puts the rows that are for the lower node first, and gives their number.
fn partition(rows: &mut [u32], is_lower: impl Fn(u32) -> bool) -> usize {
    let mut first = 0;
    for at in 0..rows.len() {
        let lower = is_lower(rows[at]);
        rows.swap(first, at);
        first += usize::from(lower);
    }
    first
}

fn best(codes: &Codes, at: &Open) -> Option<Split> {
    let mut best: Option<Split> = None;
    for (feature, sums) in at.histogram.iter().enumerate() {
        let (gain, lower) =
            if codes.is_category[feature] { unordered(sums, at.sum) } else { ordered(sums, at.sum) };
        if gain > best.as_ref().map_or(GAIN_MIN, |best| best.gain) {
            best = Some(Split { feature, lower, gain });
        }
    }
    best
}

/// What the loss falls by when a part of all is a leaf of its own.
fn gain(part: Sum, all: Sum, ridge: f64) -> f64 {
    let rest = minus(all, part);
    if part[1] < WEIGHT_MIN || rest[1] < WEIGHT_MIN {
        return 0.0;
    }
    let score = |sum: Sum| sum[0] * sum[0] / (sum[1] + ridge);
    score(part) + score(rest) - score(all)
}

/// The best split between codes, with the missing ones on either side.
fn ordered(sums: &[Sum; CODES], all: Sum) -> (f64, u64) {
    let mut best = (0.0, 0);
    let has_missing = sums[0][1] > 0.0;
    for with_missing in [false, true] {
        if with_missing && !has_missing {
            break;
        }
        let (mut part, mut lower) = if with_missing { (sums[0], 1) } else { ([0.0; 2], 0) };
        if with_missing {
            best = larger(best, (gain(part, all, RIDGE), lower));
        }
        for (code, sum) in sums.iter().enumerate().skip(1) {
            part = plus(part, *sum);
            lower |= 1 << code;
            best = larger(best, (gain(part, all, RIDGE), lower));
        }
    }
    best
}

/// The best split of codes in the order of what they would get (Fisher 1958).
fn unordered(sums: &[Sum; CODES], all: Sum) -> (f64, u64) {
    let mut order = [0_u8; CODES];
    let mut count = 0;
    for (code, sum) in sums.iter().enumerate() {
        if sum[1] > 0.0 {
            order[count] = code as u8;
            count += 1;
        }
    }
    let value = |code: u8| sums[code as usize][0] / (sums[code as usize][1] + RIDGE_CATEGORIES);
    let order = &mut order[..count];
    order.sort_unstable_by(|a, b| value(*a).total_cmp(&value(*b)).then(a.cmp(b)));
    let (mut part, mut lower, mut best) = ([0.0; 2], 0, (0.0, 0));
    for code in order {
        part = plus(part, sums[*code as usize]);
        lower |= 1 << *code;
        best = larger(best, (gain(part, all, RIDGE_CATEGORIES), lower));
    }
    best
}

fn larger(best: (f64, u64), other: (f64, u64)) -> (f64, u64) {
    if other.0 > best.0 { other } else { best }
}
