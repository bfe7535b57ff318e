//! CatBoost models from JSON: `model.save_model("m.json", format="json")`.
//!
//! - `features_info.float_features`: the number of each among all columns (`flat_feature_index`), and what NaN does
//!   (`nan_value_treatment`): `AsTrue` passes every test, `AsFalse` and `AsIs` none;
//! - a split asks `x > border`, in f32; its number (`float_feature_index`) counts float features only;
//! - `oblivious_trees`: split i of a tree sets bit i of the leaf's number. Here the last split becomes the root. Values stand leaf
//!   after leaf with all outputs of each, `leaf_weights` are the covers;
//! - `trees`, where trees are not symmetric: nested nodes with `split`, `left`, `right`, or `value` and `weight`;
//! - `scale_and_bias`: the raw value is scale · Σ + bias.
//!
//! Splits on categories (one-hot or by target statistics) are refused: they need CatBoost's hashes of the texts.

use super::document::Part;
use super::json;
use crate::ensemble::{
    DEPTH_MAX, Dialect, Ensemble, FEATURES_MAX, Kind, Leaf, Link, Missing, NODES_MAX, Node, OUTPUTS_MAX,
    Split, Sum, Test, Tree,
};
use crate::error::ReadError;

/// A float feature: its number among all features and whether NaN passes tests.
struct Float {
    flat: usize,
    nan_passes: bool,
}

/// Reads a parsed document.
pub(super) fn read(root: Part<'_>) -> Result<Ensemble, ReadError> {
    let info = root.get("features_info")?;
    let mut names = Vec::new();
    let floats = features(&info, &mut names)?;
    let scale_and_bias = root.get("scale_and_bias")?;
    let (scale, base) = scale_and_base(&scale_and_bias)?;
    if base.len() > OUTPUTS_MAX {
        return Err(ReadError::Limit { what: "outputs", found: base.len(), limit: OUTPUTS_MAX });
    }
    let mut reader =
        Reader { floats, features: names.len(), outputs: base.len(), scale, nodes: 0, trees: Vec::new() };
    if let Some(trees) = root.find("oblivious_trees") {
        trees.elements()?.try_for_each(|tree| reader.oblivious(&tree))?;
    }
    if let Some(trees) = root.find("trees") {
        trees.elements()?.try_for_each(|tree| reader.nested(&tree))?;
    }
    let is_named = names.iter().all(|name| !name.is_empty());
    Ok(Ensemble {
        source: "CatBoost".to_owned(),
        dialect: Dialect::CatBoost,
        features: names.len(),
        feature_names: if is_named { names } else { Vec::new() },
        base,
        divisor: 1.0,
        link: link(&root)?,
        sum: Sum::F64BaseLast,
        has_cover: true,
        trees: reader.trees,
    })
}

fn features(info: &Part<'_>, names: &mut Vec<String>) -> Result<Vec<Float>, ReadError> {
    let mut floats = Vec::new();
    for kind in ["float_features", "categorical_features", "text_features", "embedding_features"] {
        let Some(list) = info.find(kind) else { continue };
        for feature in list.elements()? {
            let flat = feature.get("flat_feature_index")?;
            let at = flat.count()?;
            if at >= FEATURES_MAX {
                return Err(ReadError::Limit { what: "features", found: at, limit: FEATURES_MAX });
            }
            if names.len() <= at {
                names.resize(at + 1, String::new());
            }
            feature.find("feature_id").map_or(Ok(""), |name| name.text())?.clone_into(&mut names[at]);
            if kind == "float_features" {
                let treatment = feature.find("nan_value_treatment");
                let treatment = treatment.as_ref().map_or(Ok("AsIs"), |treatment| treatment.text())?;
                floats.push(Float { flat: at, nan_passes: treatment == "AsTrue" });
            }
        }
    }
    Ok(floats)
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
    let of = |parameters: &Part<'_>| -> Option<Link> {
        let loss = parameters.find("loss_function")?;
        Some(match loss.find("type")?.text().ok()? {
            "Logloss" | "CrossEntropy" | "MultiClassOneVsAll" | "MultiLogloss" | "MultiCrossEntropy" => {
                Link::Logistic { factor: 1.0 }
            }
            "MultiClass" => Link::Softmax,
            "Poisson" | "Tweedie" => Link::Exp,
            _ => Link::Identity,
        })
    };
    let link = match parameters.text() {
        Ok(text) => of(&Part::root(&json::parse(text.as_bytes())?)),
        Err(_) => of(&parameters),
    };
    Ok(link.unwrap_or(Link::Identity))
}

struct Reader {
    floats: Vec<Float>,
    features: usize,
    outputs: usize,
    scale: f64,
    nodes: usize,
    trees: Vec<Tree>,
}

impl Reader {
    /// A test, with its children yet to be set.
    fn split(&self, part: &Part<'_>) -> Result<Split, ReadError> {
        if let Some(kind) =
            part.find("split_type").filter(|kind| !kind.text().is_ok_and(|k| k == "FloatFeature"))
        {
            return Err(part.unsupported(format!("a split of the type `{}`", kind.text().unwrap_or("?"))));
        }
        let index = part.get("float_feature_index")?;
        let float = self.floats.get(index.count()?).ok_or_else(|| index.wrong("no such feature"))?;
        Ok(Split {
            feature: float.flat as u32,
            test: Test::Below(f64::from(part.get("border")?.number()? as f32)),
            missing: Missing::Nan { left: !float.nan_passes },
            left: 0,
            right: 0,
        })
    }

    fn oblivious(&mut self, part: &Part<'_>) -> Result<(), ReadError> {
        let splits = part.find("splits");
        let splits: Vec<Split> = match &splits {
            Some(splits) => splits.elements()?.map(|split| self.split(&split)).collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let values = part.get("leaf_values")?;
        let leaves =
            1_usize.checked_shl(splits.len() as u32).filter(|_| splits.len() < 32).unwrap_or(usize::MAX);
        let values = values.numbers_of(leaves.saturating_mul(self.outputs))?;
        let weights = part.get("leaf_weights")?.numbers_of(leaves)?;
        // A heap: the children of node n are 2n + 1 and 2n + 2; level l asks the split l from the last.
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
        self.push(nodes, part, |at, output| values[(at - inner) * outputs + output])
    }

    fn nested(&mut self, part: &Part<'_>) -> Result<(), ReadError> {
        let (mut nodes, mut values) = (Vec::new(), Vec::new());
        self.node(part, 0, &mut nodes, &mut values)?;
        let outputs = self.outputs;
        self.push(nodes, part, |at, output| values[at * outputs + output])
    }

    /// Appends a node and those below it; one value a node and output.
    fn node(
        &self,
        part: &Part<'_>,
        level: usize,
        nodes: &mut Vec<Node>,
        values: &mut Vec<f64>,
    ) -> Result<(), ReadError> {
        if level > DEPTH_MAX {
            return Err(ReadError::Limit { what: "levels in a tree", found: level, limit: DEPTH_MAX });
        }
        let at = nodes.len();
        if let Some(split) = part.find("split") {
            let mut split = self.split(&split)?;
            nodes.push(Node { cover: 0.0, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) });
            values.extend(std::iter::repeat_n(0.0, self.outputs));
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
            Ok(_) => values.extend(value.numbers_of(self.outputs)?),
            Err(_) if self.outputs == 1 => values.push(value.number()?),
            Err(error) => return Err(error),
        }
        let cover = part.get("weight")?.number()?;
        nodes.push(Node { cover, kind: Kind::Leaf(Leaf { value: 0.0, linear: None }) });
        Ok(())
    }

    /// The tree once for each output.
    fn push(
        &mut self,
        mut nodes: Vec<Node>,
        part: &Part<'_>,
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
            self.trees.push(Tree::arrange(output as u32, 0, &nodes, self.features, &part.path())?);
        }
        Ok(())
    }
}
