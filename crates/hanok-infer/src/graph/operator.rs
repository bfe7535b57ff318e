//! The operators.

mod compute;
mod learned;
mod trees;

use std::collections::HashMap;

use hanok_models::ReadError as MessageError;
use hanok_models::onnx::Message;

use super::error::GraphError;
use super::read::{DOUBLE, FLOAT, INT32, INT64};
use trees::Trees;

/// Axes that an error repeats.
const AXES_SHOWN: usize = 6;

/// An operator could not be read.
pub(super) enum ReadError {
    /// It is none of these.
    Unsupported(String),
    /// Its attributes are damaged.
    Graph(GraphError),
}

impl From<MessageError> for ReadError {
    fn from(error: MessageError) -> ReadError {
        ReadError::Graph(error.into())
    }
}

/// What makes a matrix of matrices and constants.
#[derive(Debug)]
pub(super) enum Operator {
    /// The first input: what changes neither numbers nor their places within a row.
    Same,
    /// To float or double.
    Cast { single: bool },
    /// One number after the other.
    Each(Function),
    /// Two inputs, number by number; one row, one column or one number meets all.
    Pair(Arithmetic),
    /// Numbers of the input between bounds, which are constants.
    Clip { least: f64, most: f64 },
    /// Rows times a constant matrix.
    MatMul,
    /// alpha · rows · matrix + beta · row.
    Gemm { alpha: f64, beta: f64, transposed: bool },
    /// Of each row.
    Softmax,
    /// Columns side by side.
    Concat,
    /// To rows of the same numbers.
    Reshape,
    /// Of each row, to one number; unless its attributes say so, the axis is an input.
    Reduce { reduction: Reduction, has_axis: bool },
    /// Some columns, by a constant.
    Columns,
    /// scale · (x − mean) / √(variance + epsilon) + bias.
    BatchNormalization { epsilon: f64 },
    /// (x − offset) · scale.
    Scaler { offset: Vec<f64>, scale: Vec<f64> },
    /// Each row over its norm.
    Normalizer(Norm),
    /// Values instead of missing ones.
    Imputer { values: Vec<f64>, missing: f64 },
    /// coefficients · x + intercepts, through a link.
    Linear { coefficients: Vec<f64>, intercepts: Vec<f64>, link: Link },
    /// One column becomes a column a category; another value is none of them, or refused.
    OneHot { categories: Vec<i64>, takes_others: bool },
    /// An ensemble of trees.
    Trees(Box<Trees>),
}

/// Functions of one number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Relu,
    LeakyRelu(f64),
    Elu(f64),
    Sigmoid,
    Softplus,
    Tanh,
    Exp,
    Log,
    Sqrt,
    Neg,
    Abs,
    /// Towards zero, as casts to integers do.
    Truncate,
}

/// Functions of two numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
}

/// Functions of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reduction {
    Sum,
    Mean,
}

/// Norms of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Norm {
    Max,
    L1,
    L2,
}

/// What linear models do with their scores.
#[derive(Clone, Copy, Debug)]
pub(super) enum Link {
    None,
    Logistic,
    Softmax,
}

/// Attributes of an operator by name.
pub(super) struct Attributes<'a>(HashMap<&'a str, Message<'a>>);

impl<'a> Attributes<'a> {
    pub(super) fn new(node: Message<'a>) -> Result<Attributes<'a>, MessageError> {
        let named = node.messages(5)?.into_iter().map(|attribute| Ok((attribute.text(1)?, attribute)));
        Ok(Attributes(named.collect::<Result<_, MessageError>>()?))
    }

    fn float(&self, name: &str, default: f64) -> Result<f64, MessageError> {
        Ok(self.floats_of(name, 2)?.pop().unwrap_or(default))
    }

    fn floats(&self, name: &str) -> Result<Vec<f64>, MessageError> {
        self.floats_of(name, 7)
    }

    fn floats_of(&self, name: &str, field: u64) -> Result<Vec<f64>, MessageError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.floats(field))
    }

    fn integer(&self, name: &str, default: i64) -> Result<i64, MessageError> {
        let integer = self.0.get(name).map_or(Ok(None), |attribute| attribute.integer(3));
        Ok(integer?.unwrap_or(default))
    }

    fn integers(&self, name: &str) -> Result<Vec<i64>, MessageError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.integers(8))
    }

    fn text(&self, name: &str) -> Result<&'a str, MessageError> {
        self.0.get(name).map_or(Ok(""), |attribute| attribute.text(4))
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>, MessageError> {
        self.0.get(name).map_or(Ok(Vec::new()), |attribute| attribute.texts(9))
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Option<Message<'a>>, MessageError> {
        self.0.get(name).map_or(Ok(None), |attribute| Ok(attribute.messages(5)?.pop()))
    }

    /// The columns' axis, of two.
    fn along_columns(&self, default: i64) -> Result<(), ReadError> {
        match self.integer("axis", default)? {
            1 | -1 => Ok(()),
            other => Err(ReadError::Unsupported(format!("an operation along the axis {other}"))),
        }
    }
}

impl Operator {
    /// The operator of a node, of which the output of this number is used; its first input is double or float.
    pub(super) fn read(
        node: Message<'_>,
        output: usize,
        attributes: &Attributes<'_>,
        is_double: bool,
    ) -> Result<Operator, ReadError> {
        let (domain, kind) = (node.text(7)?, node.text(4)?);
        let unknown = || {
            let domain = if domain.is_empty() { "" } else { &format!(" of {domain}") };
            ReadError::Unsupported(format!("the operator `{kind}`{domain}"))
        };
        if domain == "ai.onnx.ml" && kind.starts_with("TreeEnsemble") {
            return Ok(Operator::Trees(Box::new(Trees::read(node, kind, output, attributes, is_double)?)));
        }
        if domain == "ai.onnx.ml" {
            return learned::read(kind, output, attributes)?.ok_or_else(unknown);
        }
        if !matches!(domain, "" | "ai.onnx") || output > 0 {
            return Err(unknown());
        }
        let each = |function| Ok(Operator::Each(function));
        let pair = |arithmetic| Ok(Operator::Pair(arithmetic));
        match kind {
            "Identity" | "Dropout" => Ok(Operator::Same),
            "Cast" => match attributes.integer("to", 0)? {
                FLOAT => Ok(Operator::Cast { single: true }),
                DOUBLE => Ok(Operator::Cast { single: false }),
                INT32 | INT64 => each(Function::Truncate),
                other => Err(ReadError::Unsupported(format!("a cast to the type {other}"))),
            },
            "Relu" => each(Function::Relu),
            "LeakyRelu" => each(Function::LeakyRelu(attributes.float("alpha", 0.01)?)),
            "Elu" => each(Function::Elu(attributes.float("alpha", 1.0)?)),
            "Sigmoid" => each(Function::Sigmoid),
            "Softplus" => each(Function::Softplus),
            "Tanh" => each(Function::Tanh),
            "Exp" => each(Function::Exp),
            "Log" => each(Function::Log),
            "Sqrt" => each(Function::Sqrt),
            "Neg" => each(Function::Neg),
            "Abs" => each(Function::Abs),
            "Add" => pair(Arithmetic::Add),
            "Sub" => pair(Arithmetic::Sub),
            "Mul" => pair(Arithmetic::Mul),
            "Div" => pair(Arithmetic::Div),
            "Pow" => pair(Arithmetic::Pow),
            "Clip" => Ok(Operator::Clip {
                least: attributes.float("min", f64::NEG_INFINITY)?,
                most: attributes.float("max", f64::INFINITY)?,
            }),
            "MatMul" => Ok(Operator::MatMul),
            "Gemm" if attributes.integer("transA", 0)? == 0 => Ok(Operator::Gemm {
                alpha: attributes.float("alpha", 1.0)?,
                beta: attributes.float("beta", 1.0)?,
                transposed: attributes.integer("transB", 0)? != 0,
            }),
            "Softmax" => attributes.along_columns(-1).map(|()| Operator::Softmax),
            "Concat" => attributes.along_columns(1).map(|()| Operator::Concat),
            "Reshape" => Ok(Operator::Reshape),
            "Flatten" => attributes.along_columns(1).map(|()| Operator::Same),
            "Gather" => attributes.along_columns(0).map(|()| Operator::Columns),
            "ReduceSum" | "ReduceMean" => {
                // Since versions 13 and 18 the axes are an input.
                let axes = attributes.integers("axes")?;
                if !matches!(axes[..], [] | [1 | -1]) || attributes.integer("keepdims", 1)? == 0 {
                    let begin = &axes[..axes.len().min(AXES_SHOWN)];
                    return Err(ReadError::Unsupported(format!("{kind} along {begin:?}")));
                }
                let reduction = if kind == "ReduceSum" { Reduction::Sum } else { Reduction::Mean };
                Ok(Operator::Reduce { reduction, has_axis: !axes.is_empty() })
            }
            "BatchNormalization" => {
                Ok(Operator::BatchNormalization { epsilon: attributes.float("epsilon", 1e-5)? })
            }
            _ => Err(unknown()),
        }
    }

    /// Whether the output is float, not double, given the same of the inputs that are matrices.
    pub(super) fn is_single(&self, mut inputs: impl Iterator<Item = bool>) -> bool {
        match self {
            Operator::Cast { single } => *single,
            Operator::Pair(_) | Operator::Concat => inputs.all(|single| single),
            Operator::Scaler { .. }
            | Operator::Normalizer(_)
            | Operator::Imputer { .. }
            | Operator::Linear { .. }
            | Operator::OneHot { .. } => true,
            Operator::Trees(trees) => trees.is_single,
            _ => inputs.next().unwrap_or(true),
        }
    }
}
