//! The one form that every model takes: trees of tests on features, summed and put through a link.

use std::ops::Deref;
use std::sync::Arc;

use crate::categories::CategorySet;
use crate::city;
use crate::error::ReadError;
use crate::texts::Texts;

/// Most trees of a model, counting one a output.
pub(crate) const TREES_MAX: usize = 1_000_000;
/// Most nodes of all trees together.
pub(crate) const NODES_MAX: usize = 100_000_000;
/// Most outputs.
pub(crate) const OUTPUTS_MAX: usize = 100_000;
/// Most features.
pub(crate) const FEATURES_MAX: usize = 10_000_000;
/// Most levels of a tree.
pub(crate) const DEPTH_MAX: usize = 1_000;

/// A sum of trees. `raw[o] = base[o] + Σ leaf / divisor`, over the trees of output `o`; the link makes predictions of it.
#[derive(Clone, Debug)]
pub struct Ensemble {
    /// Library and version that wrote the model, for people.
    pub(crate) source: String,
    /// The library whose rules of comparison hold.
    pub(crate) dialect: Dialect,
    /// Names of the features by number; empty when the file has none.
    pub(crate) feature_names: Vec<String>,
    /// How many features there are.
    pub(crate) features: usize,
    /// Features that are categories which have texts.
    pub(crate) texts: Texts,
    /// Raw value of each output before the first tree.
    pub(crate) base: Vec<f64>,
    /// What the sum of leaves is divided by: the number of trees for averages, else one.
    pub(crate) divisor: f64,
    /// What makes predictions of raw values.
    pub(crate) link: Link,
    /// How the library adds leaves up.
    pub(crate) sum: Sum,
    /// Whether the nodes' covers are known.
    pub(crate) has_cover: bool,
    /// The trees, in the order in which they are added.
    pub(crate) trees: Vec<Tree>,
}

/// A model that what is made of it borrows, or keeps.
#[derive(Clone, Debug)]
pub enum EnsembleRef<'a> {
    /// For as long as the caller has it.
    Borrowed(&'a Ensemble),
    /// For as long as anybody has it: what a server makes ready lives as long as the server.
    Shared(Arc<Ensemble>),
}

impl Deref for EnsembleRef<'_> {
    type Target = Ensemble;

    fn deref(&self) -> &Ensemble {
        match self {
            Self::Borrowed(ensemble) => ensemble,
            Self::Shared(ensemble) => ensemble,
        }
    }
}

impl<'a> From<&'a Ensemble> for EnsembleRef<'a> {
    fn from(ensemble: &'a Ensemble) -> Self {
        Self::Borrowed(ensemble)
    }
}

impl From<Arc<Ensemble>> for EnsembleRef<'_> {
    fn from(ensemble: Arc<Ensemble>) -> Self {
        Self::Shared(ensemble)
    }
}

/// Whose rules hold when a value meets a threshold or a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Values rounded to f32; `x < threshold` goes left; a category below 0 is in no set.
    XgBoost,
    /// `x <= threshold` goes left, in f64; categories are cut to integers first, so −0.5 is 0.
    LightGbm,
    /// Values rounded to f32; `x <= border` goes left; categories are hashes of texts.
    CatBoost,
    /// Values rounded to f32; `x <= threshold` goes left, with the threshold in f64.
    SklearnF32,
    /// `x <= threshold` goes left, in f64.
    SklearnF64,
    /// Values rounded to f32; `x <= threshold` goes left; a category is the bits of an f32.
    OnnxF32,
    /// `x <= threshold` goes left, in f64; a category is the bits of an f32.
    OnnxF64,
}

impl Dialect {
    /// Whether `x < threshold` goes left, rather than `x <= threshold`.
    pub(crate) fn is_strict(self) -> bool {
        self == Dialect::XgBoost
    }

    /// The value that is compared: some libraries keep inputs as f32.
    pub(crate) fn input(self, value: f64) -> f64 {
        match self {
            Dialect::LightGbm | Dialect::SklearnF64 | Dialect::OnnxF64 => value,
            Dialect::XgBoost | Dialect::CatBoost | Dialect::SklearnF32 | Dialect::OnnxF32 => {
                f64::from(value as f32)
            }
        }
    }

    /// The value that is compared, or whose category is looked up. A category of CatBoost is the hash of a text: an integer stands for its
    /// decimal digits, and a hash plus a half for a text that had the hash.
    pub(crate) fn prepare(self, value: f64, is_category: bool) -> f64 {
        match self {
            Dialect::CatBoost if is_category && value.fract() == 0.0 => {
                f64::from(city::category(format!("{:.0}", value + 0.0).as_bytes()))
            }
            Dialect::CatBoost if is_category => value.floor(),
            _ => self.input(value),
        }
    }

    /// The category of a value that is not NaN; none when it can be in no set.
    pub(crate) fn category(self, value: f64) -> Option<u32> {
        let value = match self {
            Dialect::OnnxF32 | Dialect::OnnxF64 => {
                let single = value as f32;
                return (f64::from(single).total_cmp(&value).is_eq()).then_some((single + 0.0).to_bits());
            }
            Dialect::LightGbm => value.trunc(),
            _ => value,
        };
        (0.0..4_294_967_296.0).contains(&value).then_some(value as u32)
    }
}

/// How leaves are added up, which decides the last bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    /// In f32 from the base on, tree by tree.
    F32,
    /// In f64 from the base on; the divisor is one.
    F64,
    /// In f64 from zero on, divided, the base added at the end.
    F64BaseLast,
    /// In f32 from zero on, divided, the base added at the end.
    F32BaseLast,
}

impl Sum {
    /// Whether links are computed in f32 too.
    pub(crate) fn is_f32(self) -> bool {
        matches!(self, Sum::F32 | Sum::F32BaseLast)
    }
}

/// From raw values to predictions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// The raw value itself.
    Identity,
    /// 1 / (1 + exp(−factor · raw)).
    Logistic {
        /// LightGBM's `sigmoid`; one elsewhere.
        factor: f64,
    },
    /// exp(raw).
    Exp,
    /// exp(raw) over the sum of all outputs' exp(raw).
    Softmax,
    /// The outputs of a row in ascending order: quantiles that do not cross.
    Sorted,
    /// One when raw is above zero, else zero.
    Step,
    /// log(1 + exp(raw)), LightGBM's cross-entropy with weights.
    Softplus,
    /// sign(raw) · raw², LightGBM's `reg_sqrt`.
    SignedSquare,
    /// 2^−raw, the anomaly score of an isolation forest whose raw value is the mean depth over its expectation.
    PowerOfHalf,
}

/// One tree; its root is node 0, and parents come before their children. The readers have checked that it is a tree.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    /// Which output its leaves are added to.
    pub(crate) output: u32,
    /// Parents before children.
    pub(crate) nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Weight of the training rows that came here (sum of hessians, or a count); zero when unknown.
    pub(crate) cover: f64,
    /// Leaf or split.
    pub(crate) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Goes on to one of two children.
    Split(Split),
    /// Ends.
    Leaf(Leaf),
}

/// A leaf.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// What it adds.
    pub(crate) value: f64,
    /// For linear trees and linear models: what is added instead.
    pub(crate) linear: Option<Box<Linear>>,
}

/// A linear function of features.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    /// The constant.
    pub(crate) constant: f64,
    /// (feature, coefficient), added up in this order.
    pub(crate) terms: Vec<(u32, f64)>,
    /// By term, the feature's mean over the training rows; empty when the file has none.
    pub(crate) means: Vec<f64>,
    /// Whose rules hold.
    pub(crate) rule: Rule,
}

/// How a linear function is added up, and what NaN does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// In f64; where a feature is NaN, the leaf's value holds instead.
    LightGbm,
    /// In f32; a term of NaN is left out.
    XgBoost,
    /// In f64; NaN makes NaN.
    Plain,
}

/// A test of one feature with two outcomes.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// Number of the feature.
    pub(crate) feature: u32,
    /// The test of a value that is there.
    pub(crate) test: Test,
    /// What counts as missing, and where it goes.
    pub(crate) missing: Missing,
    /// Index of the child for rows that pass the test.
    pub(crate) left: u32,
    /// Index of the other child.
    pub(crate) right: u32,
}

/// What sends a row left.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    /// A value below the threshold, or equal to it: see [`Dialect::is_strict`].
    Below(f64),
    /// A category in the set or, when `members_left` is false, not in it.
    Category {
        /// The codes.
        set: CategorySet,
        /// Whether codes of the set go left.
        members_left: bool,
    },
}

/// What counts as missing, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Missing {
    /// NaN, left or right.
    Nan {
        /// Whether it goes left.
        left: bool,
    },
    /// Nothing: NaN is 0.
    NanIsZero,
    /// NaN and everything within 1e-35 of 0.
    ZeroOrNan {
        /// Whether it goes left.
        left: bool,
    },
}

/// LightGBM's bound of what counts as zero, a float constant there.
const ZERO: f64 = 1e-35_f32 as f64;

impl Missing {
    /// The side of a missing value, or the value that is tested.
    pub(crate) fn resolve(self, value: f64) -> Result<f64, bool> {
        match self {
            Missing::Nan { left } if value.is_nan() => Err(left),
            Missing::NanIsZero if value.is_nan() => Ok(0.0),
            Missing::ZeroOrNan { left } if value.is_nan() || value.abs() <= ZERO => Err(left),
            _ => Ok(value),
        }
    }
}

impl Split {
    /// Whether a value goes left. The value has been through [`Dialect::input`].
    pub(crate) fn goes_left(&self, dialect: Dialect, value: f64) -> bool {
        let value = match self.missing.resolve(value) {
            Ok(value) => value,
            Err(left) => return left,
        };
        match &self.test {
            Test::Below(threshold) if dialect.is_strict() => value < *threshold,
            Test::Below(threshold) => value <= *threshold,
            Test::Category { set, members_left } => {
                dialect.category(value).is_some_and(|code| set.contains(code)) == *members_left
            }
        }
    }
}

impl Leaf {
    /// What the leaf adds in the mean over the training rows, where it is known.
    pub(crate) fn expected(&self) -> f64 {
        match &self.linear {
            Some(linear) if linear.means.len() == linear.terms.len() => {
                let terms = linear.terms.iter().zip(&linear.means);
                linear.constant + terms.map(|((_, coefficient), mean)| coefficient * mean).sum::<f64>()
            }
            _ => self.value,
        }
    }

    /// What the leaf adds for a row of values.
    pub(crate) fn value_at(&self, row: &[f64]) -> f64 {
        let Some(linear) = &self.linear else { return self.value };
        let terms = linear.terms.iter().map(|(feature, coefficient)| (row[*feature as usize], *coefficient));
        if linear.rule == Rule::XgBoost {
            let add = |sum: f32, (value, coefficient): (f64, f64)| sum + value as f32 * coefficient as f32;
            let sum = terms.filter(|(value, _)| !value.is_nan()).fold(linear.constant as f32, add);
            return f64::from(sum);
        }
        let mut sum = linear.constant;
        for (value, coefficient) in terms {
            if value.is_nan() && linear.rule == Rule::LightGbm {
                return self.value;
            }
            sum += coefficient * value;
        }
        sum
    }
}

impl Tree {
    /// The leaf that a row reaches; `value` gives a feature's value, through [`Dialect::input`].
    pub(crate) fn leaf(&self, dialect: Dialect, value: impl Fn(u32) -> f64) -> Option<&Leaf> {
        let mut at = 0;
        loop {
            match &self.nodes.get(at)?.kind {
                Kind::Leaf(leaf) => return Some(leaf),
                Kind::Split(split) => {
                    let left = split.goes_left(dialect, value(split.feature));
                    at = if left { split.left } else { split.right } as usize;
                }
            }
        }
    }

    /// Levels below the root.
    pub(crate) fn depth(&self) -> usize {
        let mut depths = vec![0; self.nodes.len()];
        let mut deepest = 0;
        for (at, node) in self.nodes.iter().enumerate() {
            if let Kind::Split(split) = &node.kind {
                for child in [split.left, split.right] {
                    depths[child as usize] = depths[at] + 1;
                    deepest = deepest.max(depths[at] + 1);
                }
            }
        }
        deepest
    }

    /// A tree from nodes in any order, of which `root` is the root: parents come before children, unreachable nodes are
    /// dropped. `path` names the tree in errors.
    pub(crate) fn arrange(
        output: u32,
        root: usize,
        nodes: &[Node],
        features: usize,
        path: &str,
    ) -> Result<Tree, ReadError> {
        let part = |problem: String| ReadError::Part { path: path.to_owned(), problem };
        let mut arranged: Vec<Node> = Vec::new();
        let mut seen = vec![false; nodes.len()];
        // (node, where its parent keeps it, level)
        let mut open = vec![(root, None::<(usize, bool)>, 0)];
        while let Some((from, parent, level)) = open.pop() {
            let node = nodes.get(from).ok_or_else(|| part(format!("node {from} does not exist")))?;
            if std::mem::replace(&mut seen[from], true) {
                return Err(part(format!("node {from} is reached twice")));
            }
            if level > DEPTH_MAX {
                return Err(ReadError::Limit { what: "levels in a tree", found: level, limit: DEPTH_MAX });
            }
            let at = arranged.len();
            if let Some(Kind::Split(split)) = parent.map(|(parent, _)| &mut arranged[parent].kind) {
                let is_left = parent.is_some_and(|(_, is_left)| is_left);
                *(if is_left { &mut split.left } else { &mut split.right }) = at as u32;
            }
            if !node.cover.is_finite() || node.cover < 0.0 {
                return Err(part(format!("node {from} has the cover {}", node.cover)));
            }
            match &node.kind {
                Kind::Split(split) => {
                    if split.feature as usize >= features {
                        return Err(part(format!(
                            "node {from} tests feature {} of {features}",
                            split.feature
                        )));
                    }
                    if matches!(split.test, Test::Below(threshold) if threshold.is_nan()) {
                        return Err(part(format!("node {from} has the threshold NaN")));
                    }
                    open.push((split.right as usize, Some((at, false)), level + 1));
                    open.push((split.left as usize, Some((at, true)), level + 1));
                }
                Kind::Leaf(leaf) => {
                    let terms = leaf.linear.iter().flat_map(|linear| &linear.terms);
                    if let Some((feature, _)) = terms.into_iter().find(|(f, _)| *f as usize >= features) {
                        return Err(part(format!("node {from} uses feature {feature} of {features}")));
                    }
                    let numbers = leaf.linear.iter().flat_map(|linear| {
                        linear.terms.iter().map(|(_, c)| c).chain(&linear.means).chain([&linear.constant])
                    });
                    if numbers.into_iter().any(|number| !number.is_finite()) {
                        return Err(part(format!("leaf {from} has a coefficient that is not finite")));
                    }
                    if !leaf.value.is_finite() {
                        return Err(part(format!("leaf {from} has the value {}", leaf.value)));
                    }
                }
            }
            arranged.push(node.clone());
        }
        Ok(Tree { output, nodes: arranged })
    }
}

impl Ensemble {
    /// The same with features of these names, if any, and of this number; none if trees test features beyond.
    pub fn with_features(self, names: Vec<String>, count: usize) -> Option<Ensemble> {
        let fits =
            count >= self.features && count <= FEATURES_MAX && (names.is_empty() || names.len() == count);
        fits.then_some(Ensemble { feature_names: names, features: count, ..self })
    }

    /// Library and version that wrote the model, for people.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many features there are.
    pub fn features(&self) -> usize {
        self.features
    }

    /// Names of the features by number; empty when the file has none.
    pub fn feature_names(&self) -> &[String] {
        &self.feature_names
    }

    /// Numbers of the features that are categories which can be given as texts.
    pub fn text_features(&self) -> impl Iterator<Item = u32> {
        self.texts.keys().copied()
    }

    /// How many trees there are, counting one for each output of a tree with several.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Whether the nodes' covers are known, which path-dependent values need.
    pub fn has_cover(&self) -> bool {
        self.has_cover
    }

    /// What makes predictions of raw values.
    pub fn link(&self) -> Link {
        self.link
    }

    /// How many outputs there are.
    pub fn outputs(&self) -> usize {
        self.base.len()
    }

    /// Checks what no reader checks on its own. `path` names the model in errors.
    pub(crate) fn checked(self, path: &str) -> Result<Ensemble, ReadError> {
        let limits = [
            ("trees", self.trees.len(), TREES_MAX),
            ("nodes", self.trees.iter().map(|tree| tree.nodes.len()).sum(), NODES_MAX),
            ("outputs", self.outputs(), OUTPUTS_MAX),
            ("features", self.features, FEATURES_MAX),
        ];
        for (what, found, limit) in limits {
            if found > limit {
                return Err(ReadError::Limit { what, found, limit });
            }
        }
        let part =
            |problem: &str| Err(ReadError::Part { path: path.to_owned(), problem: problem.to_owned() });
        if self.base.is_empty()
            || self.base.iter().any(|base| !base.is_finite())
            || self.divisor.is_nan()
            || self.divisor <= 0.0
        {
            return part("the base values are not finite numbers");
        }
        if self.trees.iter().any(|tree| tree.output as usize >= self.outputs()) {
            return part("a tree belongs to an output that does not exist");
        }
        if self.texts.keys().any(|feature| *feature as usize >= self.features) {
            return part("categories belong to a feature that does not exist");
        }
        if !self.feature_names.is_empty() && self.feature_names.len() != self.features {
            return part("there are more or fewer feature names than features");
        }
        Ok(self)
    }

    /// Predictions from raw values, in place; `raw` has one value an output.
    pub fn apply_link(&self, raw: &mut [f64]) {
        let is_f32 = self.sum.is_f32();
        if self.link == Link::Softmax {
            return if is_f32 { softmax_f32(raw) } else { softmax(raw) };
        }
        if self.link == Link::Sorted {
            return raw.sort_unstable_by(f64::total_cmp);
        }
        for value in raw {
            let raw = *value;
            *value = match self.link {
                Link::Identity | Link::Softmax | Link::Sorted => raw,
                Link::Logistic { factor } if is_f32 => f64::from(logistic_f32((factor * raw) as f32)),
                Link::Logistic { factor } => 1.0 / (1.0 + (-factor * raw).exp()),
                Link::Exp if is_f32 => f64::from((raw as f32).exp()),
                Link::Exp => raw.exp(),
                Link::Step => f64::from(u8::from(raw > 0.0)),
                Link::Softplus => raw.exp().ln_1p(),
                Link::SignedSquare => raw * raw.abs(),
                Link::PowerOfHalf => (-raw).exp2(),
            };
        }
    }
}

fn softmax(raw: &mut [f64]) {
    let most = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in &mut *raw {
        *value = (*value - most).exp();
        sum += *value;
    }
    for value in raw {
        *value /= sum;
    }
}

/// As XGBoost computes it: in f32, with its bound of the exponent and its tiny addend.
fn logistic_f32(raw: f32) -> f32 {
    1.0 / ((-raw).min(88.7).exp() + 1.0 + 1e-16)
}

/// As XGBoost computes it: exponentials in f32, their sum in f64.
fn softmax_f32(raw: &mut [f64]) {
    let most = raw.iter().map(|v| *v as f32).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0_f64;
    for value in &mut *raw {
        let exp = (*value as f32 - most).exp();
        sum += f64::from(exp);
        *value = f64::from(exp);
    }
    for value in raw {
        *value = f64::from(*value as f32 / sum as f32);
    }
}
