//! What operators make of a batch.

use super::{Arithmetic, Function, Operator, Reduction, learned};
use crate::graph::Value;
use crate::graph::tensor::{Constant, Matrix};

/// Dimensions that an error repeats.
const DIMENSIONS_SHOWN: usize = 6;

impl Operator {
    /// Computes the output, of at most so many numbers, or says what does not fit.
    pub(in crate::graph) fn compute(
        &self,
        inputs: &[Option<&Value<'_>>],
        limit: usize,
    ) -> Result<Matrix, String> {
        if let Operator::Pair(arithmetic) = self {
            return arithmetic.compute(inputs, limit);
        }
        if let Operator::Concat = self {
            return concat(inputs, limit);
        }
        let Some(Some(Value::Matrix(input))) = inputs.first() else {
            return Err("its first input is no matrix of rows".to_owned());
        };
        let given = |at: usize| inputs.get(at).copied().flatten();
        if input.is_flat
            && !matches!(self, Operator::Same | Operator::Cast { .. } | Operator::Each(_) | Operator::Reshape)
        {
            return Err("its first input is a vector, not a matrix".to_owned());
        }
        match self {
            Operator::Same => Ok(input.clone()),
            Operator::Cast { single } => Ok(Matrix { single: *single, ..input.clone() }.rounded()),
            Operator::Each(function) => Ok(input.each(|value| function.of(value))),
            Operator::Clip { least, most } => {
                let number = |at: usize, default: f64| match given(at) {
                    None => Ok(default),
                    Some(Value::Constant(constant)) if constant.data.len() == 1 => Ok(constant.data[0]),
                    Some(_) => Err("a bound is no constant number".to_owned()),
                };
                let (least, most) = (number(1, *least)?, number(2, *most)?);
                Ok(input.each(|value| {
                    if value < least {
                        least
                    } else if value > most {
                        most
                    } else {
                        value
                    }
                }))
            }
            Operator::MatMul => {
                let matrix = constant_of(given(1), "the matrix")?;
                multiply(input, matrix, false, limit, |_, dot| dot)
            }
            Operator::Gemm { alpha, beta, transposed } => {
                let matrix = constant_of(given(1), "the matrix")?;
                let added = match given(2) {
                    None => &[0.0][..],
                    Some(value) => row_of(Some(value), "what is added")?,
                };
                let columns =
                    matrix.matrix().map_or(0, |(rows, columns)| if *transposed { rows } else { columns });
                if added.len() != 1 && added.len() != columns {
                    return Err(format!("{} numbers are added to {columns} columns", added.len()));
                }
                let added = |column: usize| added[if added.len() == 1 { 0 } else { column }];
                multiply(input, matrix, *transposed, limit, |column, dot| alpha * dot + beta * added(column))
            }
            Operator::Softmax => Ok(input.by_row(input.width, softmax)),
            Operator::Reshape => reshape(input, constant_of(given(1), "the shape")?),
            Operator::Reduce { reduction, has_axis } => {
                let is_columns =
                    |value| Ok::<_, String>(matches!(constant_of(value, "the axis")?.data[..], [1.0 | -1.0]));
                if !has_axis && !is_columns(given(1))? {
                    return Err("it goes along other axes than the columns'".to_owned());
                }
                Ok(input.by_row(1, |row, out| {
                    let sum: f64 = row.iter().sum();
                    out[0] = match reduction {
                        Reduction::Sum => sum,
                        Reduction::Mean => sum / row.len() as f64,
                    };
                }))
            }
            Operator::Columns => columns(input, constant_of(given(1), "the columns")?, limit),
            Operator::BatchNormalization { epsilon } => {
                let row = |at: usize| of_width(row_of(given(at), "a parameter")?, input.width);
                let (scale, bias, mean, variance) = (row(1)?, row(2)?, row(3)?, row(4)?);
                Ok(input.by_row(input.width, |row, out| {
                    for (at, (out, value)) in out.iter_mut().zip(row).enumerate() {
                        *out = scale[at] * (value - mean[at]) / (variance[at] + epsilon).sqrt() + bias[at];
                    }
                }))
            }
            Operator::Pair(_) | Operator::Concat => Err("it has no rows".to_owned()),
            Operator::Trees(trees) => trees.compute(input, limit),
            _ => learned::compute(self, input, limit),
        }
    }
}

fn constant_of<'a>(value: Option<&Value<'a>>, what: &str) -> Result<&'a Constant, String> {
    match value {
        Some(Value::Constant(constant)) => Ok(constant),
        _ => Err(format!("{what} is no constant")),
    }
}

fn row_of<'a>(value: Option<&Value<'a>>, what: &str) -> Result<&'a [f64], String> {
    constant_of(value, what)?.row().ok_or_else(|| format!("{what} is no single row"))
}

pub(super) fn of_width(row: &[f64], width: usize) -> Result<&[f64], String> {
    if row.len() == width { Ok(row) } else { Err(format!("{} numbers meet {width} columns", row.len())) }
}

impl Matrix {
    fn each(&self, function: impl Fn(f64) -> f64) -> Matrix {
        let data = self.data.iter().map(|value| function(*value)).collect();
        Matrix { data, ..*self }.rounded()
    }

    /// A matrix of another width, row by row.
    pub(super) fn by_row(&self, width: usize, mut fill: impl FnMut(&[f64], &mut [f64])) -> Matrix {
        let mut data = vec![0.0; self.rows * width];
        for (row, out) in self.lines().zip(data.chunks_mut(width.max(1))) {
            fill(row, out);
        }
        Matrix::new(self.rows, width, data, self.single)
    }
}

impl Function {
    fn of(self, x: f64) -> f64 {
        match self {
            Function::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Function::LeakyRelu(alpha) => {
                if x < 0.0 {
                    alpha * x
                } else {
                    x
                }
            }
            Function::Elu(alpha) => {
                if x < 0.0 {
                    alpha * x.exp_m1()
                } else {
                    x
                }
            }
            Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::Tanh => x.tanh(),
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Neg => -x,
            Function::Abs => x.abs(),
            Function::Truncate => x.trunc(),
        }
    }
}

impl Arithmetic {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Arithmetic::Add => a + b,
            Arithmetic::Sub => a - b,
            Arithmetic::Mul => a * b,
            Arithmetic::Div => a / b,
            Arithmetic::Pow => a.powf(b),
        }
    }

    fn compute(self, inputs: &[Option<&Value<'_>>], limit: usize) -> Result<Matrix, String> {
        let [Some(a), Some(b)] = inputs else { return Err("it does not have two inputs".to_owned()) };
        let (rows, single) = match (a, b) {
            (Value::Matrix(a), Value::Matrix(b)) => (a.rows, a.single && b.single),
            (Value::Matrix(one), _) | (_, Value::Matrix(one)) => (one.rows, one.single),
            _ => return Err("neither of its inputs has rows".to_owned()),
        };
        // Width, and distances from row to row and from column to column: 0 where one meets all.
        let side = |value: &Value<'_>| match value {
            Value::Matrix(matrix) if matrix.is_flat => Err("an input is a vector, not a matrix".to_owned()),
            Value::Matrix(matrix) => Ok((matrix.width, matrix.width, usize::from(matrix.width > 1))),
            Value::Constant(constant) => {
                let row = constant.row().ok_or("an input is a constant of several rows")?;
                Ok((row.len(), 0, usize::from(row.len() > 1)))
            }
        };
        let ((width_a, row_a, step_a), (width_b, row_b, step_b)) = (side(a)?, side(b)?);
        let width = width_a.max(width_b);
        if [width_a, width_b].iter().any(|one| *one != 1 && *one != width) {
            return Err(format!("{width_a} columns meet {width_b}"));
        }
        check_size(rows, width, limit)?;
        let (a, b) = (a.data(), b.data());
        let mut all = Vec::with_capacity(rows * width);
        for row in 0..rows {
            for column in 0..width {
                all.push(self.of(a[row * row_a + column * step_a], b[row * row_b + column * step_b]));
            }
        }
        Ok(Matrix::new(rows, width, all, single))
    }
}

impl Value<'_> {
    fn data(&self) -> &[f64] {
        match self {
            Value::Matrix(matrix) => &matrix.data,
            Value::Constant(constant) => &constant.data,
        }
    }
}

/// Rows times a constant matrix, or its transpose; `finish` gets each column's number and dot product.
fn multiply(
    input: &Matrix,
    matrix: &Constant,
    transposed: bool,
    limit: usize,
    finish: impl Fn(usize, f64) -> f64,
) -> Result<Matrix, String> {
    let (rows, columns) = matrix.matrix().ok_or("the matrix has not two dimensions")?;
    let (height, width) = if transposed { (columns, rows) } else { (rows, columns) };
    if height != input.width {
        return Err(format!("{} columns meet a matrix of {height} rows", input.width));
    }
    check_size(input.rows, width, limit)?;
    Ok(input.by_row(width, |row, out| {
        if transposed {
            for (out, coefficients) in out.iter_mut().zip(matrix.data.chunks(height.max(1))) {
                *out = row.iter().zip(coefficients).map(|(value, coefficient)| value * coefficient).sum();
            }
        } else {
            for (value, coefficients) in row.iter().zip(matrix.data.chunks(width.max(1))) {
                out.iter_mut().zip(coefficients).for_each(|(out, coefficient)| *out += value * coefficient);
            }
        }
        out.iter_mut().enumerate().for_each(|(column, out)| *out = finish(column, *out));
    }))
}

pub(super) fn check_size(rows: usize, width: usize, limit: usize) -> Result<(), String> {
    match rows.checked_mul(width) {
        Some(size) if size <= limit => Ok(()),
        _ => Err(format!("{width} columns are too many")),
    }
}

pub(super) fn softmax(row: &[f64], out: &mut [f64]) {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (out, value) in out.iter_mut().zip(row) {
        *out = (value - most).exp();
        sum += *out;
    }
    for out in out {
        *out /= sum;
    }
}

fn concat(inputs: &[Option<&Value<'_>>], limit: usize) -> Result<Matrix, String> {
    let mut parts = Vec::new();
    for input in inputs {
        match input {
            Some(Value::Matrix(matrix)) if !matrix.is_flat => parts.push(matrix),
            _ => return Err("an input is no matrix of rows".to_owned()),
        }
    }
    let Some(first) = parts.first() else { return Err("it has no inputs".to_owned()) };
    let width = parts.iter().fold(0_usize, |width, part| width.saturating_add(part.width));
    check_size(first.rows, width, limit)?;
    let mut data = Vec::with_capacity(first.rows * width);
    for row in 0..first.rows {
        for part in &parts {
            data.extend(&part.data[row * part.width..][..part.width]);
        }
    }
    Ok(Matrix::new(first.rows, width, data, parts.iter().all(|part| part.single)))
}

/// To a shape that keeps each row's numbers: [rows, width], or [rows] of one number each. What a graph says of the number of rows, -1, 0
/// or a batch of a fixed size, is not asked.
fn reshape(input: &Matrix, shape: &Constant) -> Result<Matrix, String> {
    let integers: Vec<i64> = shape.data.iter().map(|dim| *dim as i64).collect();
    let is_flat = match integers[..] {
        [_, columns] if columns == input.width as i64 || columns == -1 || columns == 0 && !input.is_flat => {
            false
        }
        [_] if input.width == 1 => true,
        _ => {
            let begin = &integers[..integers.len().min(DIMENSIONS_SHOWN)];
            return Err(format!("rows of {} numbers do not become {begin:?}", input.width));
        }
    };
    Ok(Matrix { is_flat, ..input.clone() })
}

fn columns(input: &Matrix, which: &Constant, limit: usize) -> Result<Matrix, String> {
    let (width, is_flat) = (input.width as f64, which.dims.is_empty());
    let column = |at: &f64| {
        let at = if *at < 0.0 { at + width } else { *at };
        if (0.0..width).contains(&at) { Ok(at as usize) } else { Err(format!("there is no column {at}")) }
    };
    let which = which.data.iter().map(column).collect::<Result<Vec<usize>, String>>()?;
    check_size(input.rows, which.len(), limit)?;
    let chosen = input.by_row(which.len(), |row, out| {
        out.iter_mut().zip(&which).for_each(|(out, column)| *out = row[*column]);
    });
    // One number that is no list takes the axis away.
    Ok(Matrix { is_flat, ..chosen })
}
