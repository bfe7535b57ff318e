//! CatBoost's own files: `model.save_model("m.cbm")`.
//!
//! `CBM1`, a length, and as long a FlatBuffer (`TModelCore` of CatBoost's `model.fbs`); then what its `ModelPartIds` name, of which
//! `static_provider_v1` is the counts of target statistics: how many, then for each a length and a FlatBuffer. A length is a u32.
//!
//! `TreeSplits` are numbers of questions, which are counted in this order: borders of float features, borders of features estimated from
//! texts, values of one-hot features, borders of statistics. Trees that are not symmetric have for each node the distances to its children,
//! 0 where the node itself is the leaf.

use super::statistics::{Counted, Counts, Statistic};
use super::{Builder, Features, Float};
use crate::ensemble::{Ensemble, Kind, Leaf, Link, Node, Split};
use crate::error::ReadError;
use crate::format::bytes::Cursor;
use crate::format::document::Part;
use crate::format::flat::{Buffer, Table};
use crate::format::json;

/// Fields of `TModelCore`.
mod core {
    pub(super) const FORMAT: usize = 0;
    pub(super) const TREES: usize = 1;
    pub(super) const INFO: usize = 2;
    pub(super) const PARTS: usize = 3;
}

/// Fields of `TModelTrees`.
mod trees {
    pub(super) const OUTPUTS: usize = 0;
    pub(super) const SPLITS: usize = 1;
    pub(super) const SIZES: usize = 2;
    pub(super) const STARTS: usize = 3;
    pub(super) const CATEGORIES: usize = 4;
    pub(super) const FLOATS: usize = 5;
    pub(super) const ONE_HOT: usize = 6;
    pub(super) const STATISTICS: usize = 7;
    pub(super) const VALUES: usize = 8;
    pub(super) const WEIGHTS: usize = 9;
    pub(super) const STEPS: usize = 10;
    pub(super) const LEAVES: usize = 11;
    pub(super) const TEXTS: usize = 12;
    pub(super) const ESTIMATED: usize = 13;
    pub(super) const SCALE: usize = 14;
    pub(super) const BIAS: usize = 15;
    pub(super) const BIASES: usize = 16;
    pub(super) const EMBEDDINGS: usize = 18;
}

const MAGIC: &[u8] = b"CBM1";
const FORMAT: &str = "FlabuffersModel_v1";

/// Whether bytes begin like a model.
pub(in super::super) fn looks_like(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads a model.
pub(in super::super) fn read(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let mut rest = Cursor::new(bytes);
    rest.take(MAGIC.len())?;
    let buffer = Buffer::new(part(&mut rest)?);
    let root = buffer.root()?;
    let format = root.text(core::FORMAT)?;
    if format != FORMAT {
        let (path, found) = ("$.FormatVersion".to_owned(), format.to_owned());
        return Err(ReadError::Version { path, found, known: FORMAT });
    }
    let model = root.table(core::TREES)?.ok_or_else(|| wrong("", "there are no trees"))?;
    let outputs = index(model.number(trees::OUTPUTS, 0)?);
    let outputs = super::check_outputs(outputs.ok_or_else(|| wrong("ApproxDimension", "this is no count"))?)?;
    let mut base: Vec<f64> = model.numbers(trees::BIASES)?;
    if base.is_empty() {
        base = vec![model.number(trees::BIAS, 0.0)?; outputs];
    }
    if base.len() != outputs {
        return Err(wrong("MultiBias", "there are more or fewer values than outputs"));
    }
    let counts = if root.list(core::PARTS, 4)?.len() > 0 { counts(&mut rest)? } else { Vec::new() };
    let features = features(&model)?;
    let mut reader = Reader {
        splits: model.numbers(trees::SPLITS)?,
        values: model.numbers(trees::VALUES)?,
        weights: model.numbers(trees::WEIGHTS)?,
        questions: questions(&model)?,
        statistics: statistics(&model, &features, &counts)?,
        builder: Builder::new(features, outputs, model.number(trees::SCALE, 1.0)?),
    };
    let sizes: Vec<i32> = model.numbers(trees::SIZES)?;
    if model.list(trees::STEPS, 4)?.len() == 0 {
        reader.symmetric(&sizes)?;
    } else {
        reader.nested(&model, &sizes)?;
    }
    let has_cover = !reader.weights.is_empty();
    Ok(reader.builder.finish(base, link(&root)?, has_cover))
}

fn wrong(field: &str, problem: &str) -> ReadError {
    ReadError::Part { path: format!("$.ModelTrees.{field}"), problem: problem.to_owned() }
}

fn index(number: i32) -> Option<usize> {
    usize::try_from(number).ok()
}

/// Takes a length and as many bytes.
fn part<'a>(rest: &mut Cursor<'a>) -> Result<&'a [u8], ReadError> {
    let length = rest.number::<u32>()?;
    rest.take(length as usize)
}

fn features(model: &Table<'_>) -> Result<Features, ReadError> {
    // Flat index and name stand at other places in float features.
    let kinds = [
        (trees::FLOATS, [2, 4]),
        (trees::CATEGORIES, [1, 2]),
        (trees::TEXTS, [1, 2]),
        (trees::EMBEDDINGS, [1, 2]),
    ];
    let mut features = Features::default();
    for (kind, [flat, name]) in kinds {
        for feature in model.tables(kind)? {
            let at =
                index(feature.number(flat, -1)?).ok_or_else(|| wrong("FlatIndex", "this is no index"))?;
            features.name(at, feature.text(name)?)?;
            if kind == trees::FLOATS {
                features.floats.push(Float { flat: at, nan_passes: feature.number(5, 0_i8)? == 2 });
            } else if kind == trees::CATEGORIES {
                features.categories.push(at);
            }
        }
    }
    Ok(features)
}

/// What a tree can ask.
#[derive(Clone, Copy, Debug)]
enum Question {
    /// Float feature and border.
    Float(i32, f32),
    /// Categorical feature and hash.
    OneHot(i32, i32),
    /// Statistic and border.
    Statistic(usize, f32),
    /// Of a feature that is estimated from texts.
    Estimated,
}

fn questions(model: &Table<'_>) -> Result<Vec<Question>, ReadError> {
    let mut questions = Vec::new();
    for feature in model.tables(trees::FLOATS)? {
        let at = feature.number(1, -1)?;
        questions.extend(feature.numbers(3)?.into_iter().map(|border| Question::Float(at, border)));
    }
    for feature in model.tables(trees::ESTIMATED)? {
        questions.extend(feature.numbers::<f32>(3)?.iter().map(|_| Question::Estimated));
    }
    for feature in model.tables(trees::ONE_HOT)? {
        let at = feature.number(0, -1)?;
        questions.extend(feature.numbers(1)?.into_iter().map(|value| Question::OneHot(at, value)));
    }
    for (at, feature) in model.tables(trees::STATISTICS)?.iter().enumerate() {
        questions.extend(feature.numbers(1)?.into_iter().map(|border| Question::Statistic(at, border)));
    }
    Ok(questions)
}

/// What is counted: the categorical features, how many splits take part, and the kind.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    categories: Vec<i32>,
    splits: usize,
    counted: i8,
}

fn key(base: Option<Table<'_>>) -> Result<Key, ReadError> {
    let base = base.ok_or_else(|| wrong("CtrFeatures", "a statistic of nothing"))?;
    let combination = base.table(0)?.ok_or_else(|| wrong("CtrFeatures", "a statistic of nothing"))?;
    Ok(Key {
        categories: combination.numbers(0)?,
        splits: combination.list(1, 8)?.len() + combination.list(2, 8)?.len(),
        counted: base.number(1, 0)?,
    })
}

fn counted(kind: i8) -> Result<Counted, ReadError> {
    Ok(match kind {
        0 => Counted::Borders,
        1 => Counted::Buckets,
        2 | 3 => Counted::Mean,
        4 | 5 => Counted::Rows,
        _ => return Err(wrong("CtrFeatures", "a statistic of a kind that is not known")),
    })
}

fn counts(rest: &mut Cursor<'_>) -> Result<Vec<(Key, Counts)>, ReadError> {
    let mut all = Vec::new();
    for _ in 0..rest.number::<u32>()? {
        let buffer = Buffer::new(part(rest)?);
        let table = buffer.root()?;
        let key = key(table.table(0)?)?;
        let kind = counted(key.counted)?;
        let width = match kind {
            Counted::Rows => 1,
            Counted::Mean => 2,
            Counted::Borders | Counted::Buckets => index(table.number(4, 0)?).unwrap_or(0),
        };
        let mut counts = Counts { denominator: f64::from(table.number(3, 0_i32)?), ..Counts::default() };
        let blob = table.bytes(2)?.as_chunks::<4>().0;
        // Places of 12 bytes: a key, and which row of the counts is its own.
        for place in table.bytes(1)?.as_chunks::<12>().0 {
            let [word @ .., a, b, c, d] = *place;
            let row = u32::from_le_bytes([a, b, c, d]) as usize;
            let key = u64::from_le_bytes(word);
            if key == Counts::EMPTY {
                continue;
            }
            let start = row.saturating_mul(width);
            let numbers = blob.get(start..start.saturating_add(width));
            let numbers = numbers.ok_or_else(|| wrong("CtrFeatures", "counts beyond their end"))?;
            counts.keys.push(key);
            counts.numbers.extend(numbers.iter().enumerate().map(|(at, word)| match kind {
                Counted::Mean if at == 0 => f64::from(f32::from_le_bytes(*word)),
                _ => f64::from(i32::from_le_bytes(*word)),
            }));
        }
        all.push((key, counts));
    }
    Ok(all)
}

/// Statistics with their counts.
fn statistics<'a>(
    model: &Table<'_>,
    features: &Features,
    counts: &'a [(Key, Counts)],
) -> Result<Vec<(Statistic, &'a Counts)>, ReadError> {
    let mut statistics = Vec::new();
    for feature in model.tables(trees::STATISTICS)? {
        let part = feature.table(0)?.ok_or_else(|| wrong("CtrFeatures", "a statistic of nothing"))?;
        let key = key(part.table(0)?)?;
        let path = format!("$.ModelTrees.CtrFeatures[{}]", statistics.len());
        let category = features.statistic(&path, key.categories.iter().map(|at| index(*at)), key.splits)?;
        let counts = counts.iter().find(|(other, _)| *other == key).map(|(_, counts)| counts);
        let statistic = Statistic {
            feature: category,
            counted: counted(key.counted)?,
            target: index(part.number(1, 0)?).unwrap_or(usize::MAX),
            prior: [part.number(2, 0.0)?, part.number(3, 1.0)?],
            shift: part.number(4, 0.0)?,
            scale: part.number(5, 1.0)?,
        };
        statistics
            .push((statistic, counts.ok_or_else(|| wrong("CtrFeatures", "a statistic has no counts"))?));
    }
    Ok(statistics)
}

/// The link of the loss function; the training parameters are JSON in a text.
fn link(root: &Table<'_>) -> Result<Link, ReadError> {
    for entry in root.tables(core::INFO)? {
        if entry.bytes(0)? == b"params" {
            let parameters = json::parse(entry.text(1)?.as_bytes())?;
            return Ok(super::link_of(&Part::root(&parameters)).unwrap_or(Link::Identity));
        }
    }
    Ok(Link::Identity)
}

struct Reader<'a> {
    splits: Vec<i32>,
    values: Vec<f64>,
    weights: Vec<f64>,
    questions: Vec<Question>,
    statistics: Vec<(Statistic, &'a Counts)>,
    builder: Builder,
}

impl Reader<'_> {
    fn split(&mut self, number: i32) -> Result<Split, ReadError> {
        let question = index(number).and_then(|at| self.questions.get(at));
        let no_feature = || wrong("TreeSplits", "a split tests no feature of the model");
        let features = &self.builder.features;
        match *question.ok_or_else(no_feature)? {
            Question::Float(at, border) => {
                index(at).and_then(|at| features.float(at, border)).ok_or_else(no_feature)
            }
            Question::OneHot(at, hash) => {
                index(at).and_then(|at| features.one_hot(at, hash)).ok_or_else(no_feature)
            }
            Question::Statistic(at, border) => {
                let (statistic, counts) = &self.statistics[at];
                self.builder.made.split(at, statistic, counts, border, "$.ModelTrees.CtrFeatures")
            }
            Question::Estimated => Err(ReadError::Unsupported {
                path: "$.ModelTrees.EstimatedFeatures".to_owned(),
                what: "a feature made of texts or embeddings".to_owned(),
            }),
        }
    }

    fn symmetric(&mut self, sizes: &[i32]) -> Result<(), ReadError> {
        let (mut first_split, mut first_leaf) = (0_usize, 0_usize);
        for (at, size) in sizes.iter().enumerate() {
            let size = index(*size).filter(|size| *size < 32);
            let size = size.ok_or_else(|| wrong("TreeSizes", "a tree of such a size cannot be"))?;
            let beyond = || wrong("TreeSizes", "a tree goes beyond the end of its parts");
            let splits = self.splits.get(first_split..first_split + size).ok_or_else(beyond)?.to_vec();
            let splits: Vec<Split> =
                splits.into_iter().map(|split| self.split(split)).collect::<Result<_, _>>()?;
            let (leaves, outputs) = (1 << size, self.builder.outputs);
            let of = |list: &[f64], width: usize| {
                list.get(first_leaf * width..(first_leaf + leaves) * width).map(<[f64]>::to_vec)
            };
            let values = of(&self.values, outputs).ok_or_else(beyond)?;
            let weights = if self.weights.is_empty() {
                vec![0.0; leaves]
            } else {
                of(&self.weights, 1).ok_or_else(beyond)?
            };
            self.builder.symmetric(&splits, &values, &weights, &format!("$.ModelTrees[{at}]"))?;
            first_split += size;
            first_leaf += leaves;
        }
        Ok(())
    }

    fn nested(&mut self, model: &Table<'_>, sizes: &[i32]) -> Result<(), ReadError> {
        let starts: Vec<i32> = model.numbers(trees::STARTS)?;
        let steps: Vec<u32> = model.numbers(trees::STEPS)?;
        let leaves: Vec<u32> = model.numbers(trees::LEAVES)?;
        let mut first = 0;
        for (at, (start, size)) in starts.iter().zip(sizes).enumerate() {
            let range =
                index(*start).zip(index(*size)).map(|(start, size)| start..start.saturating_add(size));
            // One tree stands behind the other, so that all together are no larger than the file.
            let range = range.filter(|range| {
                range.start == first && range.end <= steps.len().min(leaves.len()).min(self.splits.len())
            });
            let range = range.ok_or_else(|| wrong("TreeSizes", "a tree goes beyond the end of its parts"))?;
            first = range.end;
            let path = format!("$.ModelTrees[{at}]");
            let (nodes, firsts) = self.tree(&steps[range.clone()], &leaves[range.clone()], range.start)?;
            let values = &self.values;
            self.builder.push(nodes, &path, |node, output| values[firsts[node] + output])?;
        }
        Ok(())
    }

    /// The nodes of a tree, and where the values of each that is a leaf begin.
    fn tree(
        &mut self,
        steps: &[u32],
        leaves: &[u32],
        first: usize,
    ) -> Result<(Vec<Node>, Vec<usize>), ReadError> {
        let size = steps.len();
        let (mut nodes, mut firsts) = (Vec::new(), vec![0; size]);
        for (at, step) in steps.iter().enumerate() {
            // Two distances of 16 bits; without one, the row stays here.
            let [left, right] = [step & 0xffff, step >> 16].map(|distance| distance as usize);
            if left == 0 && right == 0 {
                firsts[at] = leaves[at] as usize;
                nodes.push(self.leaf(leaves[at])?);
                continue;
            }
            let mut split = self.split(self.splits[first + at])?;
            let mut child = |distance: usize| {
                if distance == 0 {
                    firsts.push(leaves[at] as usize);
                    firsts.len() - 1
                } else {
                    at + distance
                }
            };
            (split.left, split.right) = (child(left) as u32, child(right) as u32);
            nodes.push(Node { cover: 0.0, kind: Kind::Split(split) });
        }
        for first in &firsts[size..] {
            nodes.push(self.leaf(*first as u32)?);
        }
        covers(&mut nodes, size);
        Ok((nodes, firsts))
    }

    /// A leaf, given where its values begin.
    fn leaf(&self, first: u32) -> Result<Node, ReadError> {
        let (first, outputs) = (first as usize, self.builder.outputs);
        if first.saturating_add(outputs) > self.values.len() {
            return Err(wrong("NonSymmetricNodeIdToLeafId", "a leaf has no values"));
        }
        let cover = self.weights.get(first / outputs.max(1)).copied().unwrap_or(0.0);
        Ok(Node { cover, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) })
    }
}

/// Sums up the covers of the first so many nodes; their children stand behind them.
fn covers(nodes: &mut [Node], size: usize) {
    for at in (0..size.min(nodes.len())).rev() {
        if let Kind::Split(split) = &nodes[at].kind {
            let cover = |child: u32| nodes.get(child as usize).map_or(0.0, |node| node.cover);
            nodes[at].cover = cover(split.left) + cover(split.right);
        }
    }
}
