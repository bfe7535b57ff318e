//! CatBoost models from JSON: `model.save_model("m.json", format="json")`. Its own files are in `catboost/binary.rs`.
//!
//! - `features_info.float_features`: the number of each among all columns (`flat_feature_index`), and what NaN does
//!   (`nan_value_treatment`): `AsTrue` passes every test, `AsFalse` and `AsIs` none;
//! - `OneHotFeature` splits ask whether a category's hash is `value`; categories are texts, and integers stand for their decimal text;
//! - `OnlineCtr` splits ask for a target statistic: `statistics.rs`. Which one, their `split_index` says: it counts the borders of float
//!   features, the values of one-hot features, and the borders of `ctrs`, in this order. `ctr_data` has the counts, by `identifier`;
//! - a split asks `x > border`, in f32; its number (`float_feature_index`) counts float features only;
//! - `oblivious_trees`: split i of a tree sets bit i of the leaf's number. Here the last split becomes the root. Values stand leaf
//!   after leaf with all outputs of each, `leaf_weights` are the covers;
//! - `trees`, where trees are not symmetric: nested nodes with `split`, `left`, `right`, or `value` and `weight`;
//! - `scale_and_bias`: the raw value is scale · Σ + bias.
//!
//!
//! Features made of texts and embeddings are refused.

pub(super) mod binary;
mod statistics;

use super::document::Part;
use super::json;
use crate::categories::CategorySet;
use crate::ensemble::{
    DEPTH_MAX, Dialect, Ensemble, FEATURES_MAX, Kind, Leaf, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX,
    Split, Sum, Test, Tree,
};
use crate::error::ReadError;
use crate::texts::{Text, Texts};
use statistics::{Counted, Counts, Made, Statistic};

/// A float feature: its number among all features and whether NaN passes tests.
#[derive(Debug)]
struct Float {
    flat: usize,
    nan_passes: bool,
}

/// What a model knows of its features.
#[derive(Debug, Default)]
struct Features {
    floats: Vec<Float>,
    /// Flat numbers of the categorical ones.
    categories: Vec<usize>,
    /// Names by flat number.
    names: Vec<String>,
}

impl Features {
    fn name(&mut self, flat: usize, name: &str) -> Result<(), ReadError> {
        if flat >= FEATURES_MAX {
            return Err(ReadError::Limit { what: "features", found: flat, limit: FEATURES_MAX });
        }
        if self.names.len() <= flat {
            self.names.resize(flat + 1, String::new());
        }
        name.clone_into(&mut self.names[flat]);
        Ok(())
    }

    /// The names, if all features have one.
    fn all_names(&self) -> Vec<String> {
        if self.names.iter().all(|name| !name.is_empty()) { self.names.clone() } else { Vec::new() }
    }

    fn texts(&self) -> Texts {
        self.categories.iter().map(|flat| (*flat as u32, Text::Hash)).collect()
    }

    /// A test of a float feature, children yet to be set.
    fn float(&self, index: usize, border: f32) -> Option<Split> {
        let float = self.floats.get(index)?;
        let (test, missing) = (Test::Below(f64::from(border)), Missing::Nan { left: !float.nan_passes });
        Some(Split { feature: float.flat as u32, test, missing, left: 0, right: 0 })
    }

    /// A test whether a category is one, children yet to be set.
    fn one_hot(&self, index: usize, hash: i32) -> Option<Split> {
        let feature = *self.categories.get(index)? as u32;
        let test = Test::Category { set: CategorySet::new([hash as u32]), members_left: false };
        Some(Split { feature, test, missing: Missing::Nan { left: true }, left: 0, right: 0 })
    }

    /// The feature of a statistic of some categorical features and splits, if it is one.
    fn statistic(
        &self,
        path: &str,
        categories: impl Iterator<Item = Option<usize>>,
        splits: usize,
    ) -> Result<usize, ReadError> {
        let flat: Option<Vec<usize>> =
            categories.map(|at| at.and_then(|at| self.categories.get(at).copied())).collect();
        match flat.as_deref() {
            Some([feature]) if splits == 0 => Ok(*feature),
            Some([_, ..]) => {
                let name = |flat: usize| match self.names[flat].as_str() {
                    "" => flat.to_string(),
                    name => name.to_owned(),
                };
                let mut features: Vec<String> = flat.into_iter().flatten().map(name).collect();
                if splits > 0 {
                    features.push(format!("{splits} tests of others"));
                }
                Err(ReadError::Combination { path: path.to_owned(), features })
            }
            _ => {
                let problem = "a statistic of no categorical feature".to_owned();
                Err(ReadError::Part { path: path.to_owned(), problem })
            }
        }
    }
}

fn check_outputs(found: usize) -> Result<usize, ReadError> {
    if found > OUTPUTS_MAX {
        return Err(ReadError::Limit { what: "outputs", found, limit: OUTPUTS_MAX });
    }
    Ok(found)
}

/// Reads a parsed document.
pub(super) fn read(root: Part<'_>) -> Result<Ensemble, ReadError> {
    let info = root.get("features_info")?;
    let features = features(&info)?;
    let scale_and_bias = root.get("scale_and_bias")?;
    let (scale, base) = scale_and_base(&scale_and_bias)?;
    let outputs = check_outputs(base.len())?;
    let mut reader = Reader {
        questions_before: questions_before(&info)?,
        statistics: statistics_of(&root, &info, &features)?,
        builder: Builder::new(features, outputs, scale),
    };
    if let Some(trees) = root.find("oblivious_trees") {
        trees.elements()?.try_for_each(|tree| reader.symmetric(&tree))?;
    }
    if let Some(trees) = root.find("trees") {
        trees.elements()?.try_for_each(|tree| reader.nested(&tree))?;
    }
    Ok(reader.builder.finish(base, link(&root)?, true))
}

fn features(info: &Part<'_>) -> Result<Features, ReadError> {
    let mut features = Features::default();
    for kind in ["float_features", "categorical_features", "text_features", "embedding_features"] {
        let Some(list) = info.find(kind) else { continue };
        for feature in list.elements()? {
            let flat = feature.get("flat_feature_index")?.count()?;
            let name = feature.find("feature_id");
            features.name(flat, name.as_ref().map_or(Ok(""), |name| name.text())?)?;
            if kind == "float_features" {
                let treatment = feature.find("nan_value_treatment");
                let treatment = treatment.as_ref().map_or(Ok("AsIs"), |treatment| treatment.text())?;
                features.floats.push(Float { flat, nan_passes: treatment == "AsTrue" });
            } else if kind == "categorical_features" {
                features.categories.push(flat);
            }
        }
    }
    Ok(features)
}

/// How many questions are counted before those of statistics.
fn questions_before(info: &Part<'_>) -> Result<usize, ReadError> {
    let mut count = 0;
    for (kind, list) in [("float_features", "borders"), ("categorical_features", "values")] {
        let Some(features) = info.find(kind) else { continue };
        for feature in features.elements()? {
            count += feature.find(list).map_or(Ok(0), |list| list.numbers().map(<[f64]>::len))?;
        }
    }
    Ok(count)
}

/// A statistic, its borders and its counts.
struct Asked {
    statistic: Statistic,
    borders: Vec<f32>,
    counts: Counts,
}

fn statistics_of(root: &Part<'_>, info: &Part<'_>, features: &Features) -> Result<Vec<Asked>, ReadError> {
    let Some(list) = info.find("ctrs") else { return Ok(Vec::new()) };
    let data = root.find("ctr_data");
    let mut all = Vec::new();
    for part in list.elements()? {
        let (mut categories, mut splits) = (Vec::new(), 0);
        for element in part.get("elements")?.elements()? {
            match element.find("cat_feature_index").filter(|_| element.find("value").is_none()) {
                Some(index) => categories.push(Some(index.count()?)),
                None => splits += 1,
            }
        }
        let kind = part.get("ctr_type")?;
        let counted = match kind.text()? {
            "Borders" => Counted::Borders,
            "Buckets" => Counted::Buckets,
            "BinarizedTargetMeanValue" | "FloatTargetMeanValue" => Counted::Mean,
            "Counter" | "FeatureFreq" => Counted::Rows,
            other => return Err(kind.unsupported(format!("a statistic of the kind `{other}`"))),
        };
        let number =
            |key: &'static str| part.get(key).and_then(|part| part.number()).map(|number| number as f32);
        let statistic = Statistic {
            feature: features.statistic(&part.path(), categories.into_iter(), splits)?,
            counted,
            target: part.find("target_border_idx").map_or(Ok(0), |target| target.count())?,
            prior: [number("prior_numerator")?, number("prior_denomerator")?],
            shift: number("shift")?,
            scale: number("scale")?,
        };
        let identifier = part.get("identifier")?;
        let table = data.as_ref().and_then(|data| data.find(identifier.text().ok()?));
        let table = table.ok_or_else(|| identifier.wrong("there are no counts of this statistic"))?;
        let borders = part.get("borders")?.numbers()?.iter().map(|border| *border as f32).collect();
        all.push(Asked { statistic, borders, counts: counts(&table)? });
    }
    Ok(all)
}

fn counts(table: &Part<'_>) -> Result<Counts, ReadError> {
    let stride = table.get("hash_stride")?.count()?.max(1);
    let mut counts = Counts {
        denominator: table.find("counter_denominator").map_or(Ok(0.0), |part| part.number())?,
        ..Counts::default()
    };
    for (at, part) in table.get("hash_map")?.elements()?.enumerate() {
        if at % stride == 0 {
            let key = part.text()?.parse().map_err(|_| part.wrong("this is no hash"))?;
            counts.keys.push(key);
        } else {
            counts.numbers.push(part.number()?);
        }
    }
    Ok(counts)
}

fn scale_and_base(part: &Part<'_>) -> Result<(f64, Vec<f64>), ReadError> {
    if let Ok(pair) = part.numbers_of(2) {
        return Ok((pair[0], vec![pair[1]]));
    }
    let parts: Vec<Part<'_>> = part.elements()?.collect();
    let [scale, bias] = parts.as_slice() else { return Err(part.wrong("this is no scale and bias")) };
    Ok((scale.number()?, bias.numbers()?.to_vec()))
}

/// The link of the loss function, which the training parameters name; they are JSON, in a text.
fn link(root: &Part<'_>) -> Result<Link, ReadError> {
    let Some(info) = root.find("model_info") else { return Ok(Link::Identity) };
    let Some(parameters) = info.find("params") else { return Ok(Link::Identity) };
    let link = match parameters.text() {
        Ok(text) => link_of(&Part::root(&json::parse(text.as_bytes())?)),
        Err(_) => link_of(&parameters),
    };
    Ok(link.unwrap_or(Link::Identity))
}

/// The link of the loss function that training parameters name.
fn link_of(parameters: &Part<'_>) -> Option<Link> {
    let loss = parameters.find("loss_function")?;
    Some(match loss.find("type")?.text().ok()? {
        "Logloss" | "CrossEntropy" | "MultiClassOneVsAll" | "MultiLogloss" | "MultiCrossEntropy" => {
            Link::Logistic { factor: 1.0 }
        }
        "MultiClass" => Link::Softmax,
        "Poisson" | "Tweedie" => Link::Exp,
        _ => Link::Identity,
    })
}

/// Makes trees, whatever they are read from.
struct Builder {
    features: Features,
    outputs: usize,
    scale: f64,
    nodes: usize,
    made: Made,
    trees: Vec<Tree>,
}

impl Builder {
    fn new(features: Features, outputs: usize, scale: f64) -> Builder {
        Builder { features, outputs, scale, nodes: 0, made: Made::default(), trees: Vec::new() }
    }

    /// The model of all trees.
    fn finish(self, base: Vec<f64>, link: Link, has_cover: bool) -> Ensemble {
        Ensemble {
            source: "CatBoost".to_owned(),
            dialect: Dialect::CatBoost,
            features: self.features.names.len(),
            texts: self.features.texts(),
            feature_names: self.features.all_names(),
            base,
            divisor: 1.0,
            link,
            sum: Sum::F64BaseLast,
            has_cover,
            trees: self.trees,
        }
    }

    /// A tree that asks the same at all nodes of a level.
    fn symmetric(
        &mut self,
        splits: &[Split],
        values: &[f64],
        weights: &[f64],
        path: &str,
    ) -> Result<(), ReadError> {
        // A heap: the children of node n are 2n + 1 and 2n + 2; level l asks the split l from the last.
        let leaves = weights.len();
        let inner = leaves - 1;
        let mut cover = vec![0.0; inner + leaves];
        let mut nodes: Vec<Node> = Vec::with_capacity(inner + leaves);
        for at in 0..inner + leaves {
            let kind = if at < inner {
                let level = (at + 1).ilog2() as usize;
                let (left, right) = (2 * at as u32 + 1, 2 * at as u32 + 2);
                Kind::Split(Split { left, right, ..splits[splits.len() - 1 - level].clone() })
            } else {
                cover[at] = weights[at - inner];
                Kind::Leaf(Leaf { value: 0.0, linear: None })
            };
            nodes.push(Node { cover: 0.0, kind });
        }
        for at in (1..cover.len()).rev() {
            cover[(at - 1) / 2] += cover[at];
        }
        nodes.iter_mut().zip(&cover).for_each(|(node, cover)| node.cover = *cover);
        let outputs = self.outputs;
        self.push(nodes, path, |at, output| values[(at - inner) * outputs + output])
    }

    /// The tree once for each output.
    fn push(
        &mut self,
        mut nodes: Vec<Node>,
        path: &str,
        value: impl Fn(usize, usize) -> f64,
    ) -> Result<(), ReadError> {
        self.nodes = self.nodes.saturating_add(nodes.len().saturating_mul(self.outputs));
        if self.nodes > NODES_MAX {
            return Err(ReadError::Limit { what: "nodes", found: self.nodes, limit: NODES_MAX });
        }
        for output in 0..self.outputs {
            for (at, node) in nodes.iter_mut().enumerate() {
                if let Kind::Leaf(leaf) = &mut node.kind {
                    leaf.value = self.scale * value(at, output);
                }
            }
            self.trees.push(Tree::arrange(output as u32, 0, &nodes, self.features.names.len(), path)?);
        }
        Ok(())
    }
}

struct Reader {
    questions_before: usize,
    statistics: Vec<Asked>,
    builder: Builder,
}

impl Reader {
    /// A test, with its children yet to be set.
    fn split(&mut self, part: &Part<'_>) -> Result<Split, ReadError> {
        let kind = part.find("split_type");
        let features = &self.builder.features;
        match kind.as_ref().map_or(Ok("FloatFeature"), |kind| kind.text())? {
            "FloatFeature" => {
                let index = part.get("float_feature_index")?;
                let border = part.get("border")?.number()? as f32;
                features.float(index.count()?, border).ok_or_else(|| index.wrong("no such feature"))
            }
            "OneHotFeature" => {
                let (index, value) = (part.get("cat_feature_index")?, part.get("value")?);
                let hash = value.number()?;
                if hash.fract() != 0.0 || hash < f64::from(i32::MIN) || hash > f64::from(i32::MAX) {
                    return Err(value.wrong("this is no hash"));
                }
                features.one_hot(index.count()?, hash as i32).ok_or_else(|| index.wrong("no such feature"))
            }
            "OnlineCtr" => {
                let index = part.get("split_index")?;
                let mut at = index.count()?.checked_sub(self.questions_before);
                for (number, asked) in self.statistics.iter().enumerate() {
                    let Some(border) = at else { break };
                    if let Some(border) = asked.borders.get(border) {
                        let (statistic, counts) = (&asked.statistic, &asked.counts);
                        return self.builder.made.split(number, statistic, counts, *border, &part.path());
                    }
                    at = Some(border - asked.borders.len());
                }
                Err(index.wrong("no such question"))
            }
            other => Err(part.unsupported(format!("a split of the type `{other}`"))),
        }
    }

    fn symmetric(&mut self, part: &Part<'_>) -> Result<(), ReadError> {
        let splits = part.find("splits");
        let splits: Vec<Split> = match &splits {
            Some(splits) => splits.elements()?.map(|split| self.split(&split)).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let values = part.get("leaf_values")?;
        let leaves =
            1_usize.checked_shl(splits.len() as u32).filter(|_| splits.len() < 32).unwrap_or(usize::MAX);
        let values = values.numbers_of(leaves.saturating_mul(self.builder.outputs))?;
        let weights = part.get("leaf_weights")?.numbers_of(leaves)?;
        self.builder.symmetric(&splits, values, weights, &part.path())
    }

    fn nested(&mut self, part: &Part<'_>) -> Result<(), ReadError> {
        let (mut nodes, mut values) = (Vec::new(), Vec::new());
        self.node(part, 0, &mut nodes, &mut values)?;
        self.builder.push(nodes, &part.path(), |at, output| values[at][output])
    }

    /// Appends a node and those below it; for each leaf a value an output.
    fn node(
        &mut self,
        part: &Part<'_>,
        level: usize,
        nodes: &mut Vec<Node>,
        values: &mut Vec<Vec<f64>>,
    ) -> Result<(), ReadError> {
        if level > DEPTH_MAX {
            return Err(ReadError::Limit { what: "levels in a tree", found: level, limit: DEPTH_MAX });
        }
        let (at, outputs) = (nodes.len(), self.builder.outputs);
        if let Some(split) = part.find("split") {
            let mut split = self.split(&split)?;
            nodes.push(Node { cover: 0.0, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) });
            values.push(Vec::new());
            split.left = nodes.len() as u32;
            self.node(&part.get("left")?, level + 1, nodes, values)?;
            split.right = nodes.len() as u32;
            self.node(&part.get("right")?, level + 1, nodes, values)?;
            let cover = nodes[split.left as usize].cover + nodes[split.right as usize].cover;
            nodes[at] = Node { cover, kind: Kind::Split(split) };
            return Ok(());
        }
        let value = part.get("value")?;
        match value.numbers() {
            Ok(_) => values.push(value.numbers_of(outputs)?.to_vec()),
            Err(_) if outputs == 1 => values.push(vec![value.number()?]),
            Err(error) => return Err(error),
        }
        let cover = part.get("weight")?.number()?;
        nodes.push(Node { cover, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) });
        Ok(())
    }
}
