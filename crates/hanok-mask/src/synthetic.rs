//! Whole tables with no real row: each column's distribution, the correlations between columns, and how many children a
//! parent has.
//!
//! The model is a Gaussian copula (source: N. Patki et al., "The Synthetic Data Vault", 2016): every column's values become
//! ranks, ranks become normal scores, and their correlation matrix is what the columns have to do with each other. New
//! rows are correlated normal numbers, each turned back through its column's distribution. What several columns have in
//! common beyond pairwise rank correlation is lost, and so are exact rules between columns.
//!
//! **What is kept out.** A category, a text or a number that fewer than `k` rows have is never produced; extremes are means
//! of at least `k` values; texts that are not categories are invented. This is no differential privacy: a distribution
//! still says what is common, and a column of which `k` rows belong to one person says what that person has.
//!
//! A model holds what it must not produce, as numbers and hashes of the original. It is made to be sampled and dropped, not
//! to be stored.

mod category;
mod children;
mod copula;
mod grid;
mod matrix;
mod normal;
mod number;
mod words;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, new_null_array};
use arrow::datatypes::{DataType, Int64Type};

use crate::error::{MaskError, Result, unsupported};
use crate::key::{Key, Random};
use crate::noise::bounds;
use crate::text::{cast, is_text};
use crate::treatment::FakeKind;

use category::Categories;
use copula::Copula;
use grid::Grid;
use number::Numbers;
use words::Words;

pub use children::ChildCounts;

/// How a table is modelled.
#[derive(Clone, PartialEq, Debug)]
pub struct Options {
    /// Rows that must share a value for it to be produced; at least 2.
    pub k: u64,
    /// What rare categories become, when there are at least `k` of them together.
    pub other: String,
    /// Rows that correlations are estimated from at most, spread over the table.
    pub correlation_rows_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { k: 5, other: "기타".to_owned(), correlation_rows_max: 200_000 }
    }
}

/// What a column of a synthetic table is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Decided by its type and values: numbers, dates and booleans by their distribution; text by its categories, or
    /// invented where there are none. Integers that are all different and close together are taken as [`Role::Identity`].
    Value,
    /// A primary key: a new number or text for every row, above all numbers of the original.
    Identity,
    /// A foreign key: given to [`Model::sample`].
    Reference,
    /// Invented text.
    Fake(FakeKind),
}

/// A column to be modelled.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its values, all of them.
    pub values: ArrayRef,
}

/// What became of a column, for a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modelled {
    /// Numbers, dates or times by their distribution.
    Numbers,
    /// Categories by their frequencies.
    Categories,
    /// Invented text of a kind, or of the shapes that are common.
    Invented,
    /// New keys.
    Identity,
    /// Given by the caller.
    Reference,
    /// Nulls only: a type without a model, or fewer than `k` values.
    Nulls,
}

enum Source {
    Numbers(Numbers, Grid),
    Categories(Categories),
    Words(Words),
    /// Integers from here on.
    Sequence(i64),
    Tags,
    Reference,
    Nulls,
}

struct Fitted {
    name: String,
    data_type: DataType,
    source: Source,
    /// Share of rows without a value.
    nulls: f64,
}

/// A table's model, ready to be sampled.
pub struct Model {
    columns: Vec<Fitted>,
    copula: Copula,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("columns", &self.columns.len()).finish_non_exhaustive()
    }
}

impl Model {
    /// Models a table from all its rows.
    pub fn fit(columns: &[Column], options: &Options) -> Result<Self, MaskError> {
        let rows = columns.first().map_or(0, |column| column.values.len());
        let mut fitted = Vec::new();
        let mut codes = Vec::new();
        for column in columns {
            if column.values.len() != rows {
                let found = column.values.len();
                return Err(MaskError::Rows { what: "a column", found, expected: rows });
            }
            let (own, code) = fit_column(column, options)?;
            codes.push(code);
            fitted.push(own);
        }
        Ok(Self { columns: fitted, copula: Copula::fit(&codes, rows, options.correlation_rows_max) })
    }

    /// What became of each column.
    pub fn modelled(&self) -> impl Iterator<Item = (&str, Modelled)> {
        self.columns.iter().map(|column| {
            let modelled = match column.source {
                Source::Numbers(..) => Modelled::Numbers,
                Source::Categories(_) => Modelled::Categories,
                Source::Words(_) => Modelled::Invented,
                Source::Sequence(_) | Source::Tags => Modelled::Identity,
                Source::Reference => Modelled::Reference,
                Source::Nulls => Modelled::Nulls,
            };
            (column.name.as_str(), modelled)
        })
    }

    /// New rows, the same for the same key and domain (the table's name, say). `references` are the foreign keys by column,
    /// `rows` of each; [`ChildCounts`] says which parents to take. The columns come in the order and the types of the
    /// original; a dictionary becomes its plain type.
    pub fn sample(
        &self,
        rows: usize,
        key: &Key,
        domain: &str,
        references: &[(&str, ArrayRef)],
    ) -> Result<Vec<ArrayRef>, MaskError> {
        for (name, values) in references {
            if !self.columns.iter().any(|column| column.name == *name) {
                return Err(MaskError::UnknownColumn((*name).to_owned()));
            }
            if values.len() != rows {
                return Err(MaskError::Rows { what: "a reference", found: values.len(), expected: rows });
            }
        }
        let key = key.derive("synthetic", domain);
        let mut uniform = self.copula.sample(rows, &mut key.stream(b"copula"));
        let mut sampled = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            if let Some((_, values)) = references.iter().find(|(name, _)| *name == column.name) {
                sampled.push(values.clone());
                continue;
            }
            let own = key.derive("column", &column.name);
            let uniform = std::mem::take(&mut uniform[at]);
            sampled.push(column.sample(rows, &uniform, &own)?);
        }
        Ok(sampled)
    }
}

/// The model of a column, and numbers in the order of its values where it takes part in correlations (NaN: null).
fn fit_column(column: &Column, options: &Options) -> Result<(Fitted, Option<Vec<f64>>)> {
    let values = match column.values.data_type() {
        DataType::Dictionary(_, plain) => cast(&column.values, plain)?,
        _ => column.values.clone(),
    };
    let data_type = values.data_type().clone();
    let rows = values.len();
    let nulls = if rows == 0 { 0.0 } else { values.logical_null_count() as f64 / rows as f64 };
    let k = options.k.max(2) as usize;
    let (source, codes) = match column.role {
        Role::Reference => (Source::Reference, None),
        Role::Identity => (identity(&values)?, None),
        Role::Fake(kind) if is_text(&data_type) => (Source::Words(Words::of_kind(&values, kind)?), None),
        Role::Fake(_) => return Err(unsupported("fake", &data_type)),
        Role::Value => fit_value(&column.name, &values, k, options)?,
    };
    let nulls = if matches!(source, Source::Sequence(_) | Source::Tags) { 0.0 } else { nulls };
    Ok((Fitted { name: column.name.clone(), data_type, source, nulls }, codes))
}

fn fit_value(
    name: &str,
    values: &ArrayRef,
    k: usize,
    options: &Options,
) -> Result<(Source, Option<Vec<f64>>)> {
    let data_type = values.data_type();
    if is_text(data_type) || data_type == &DataType::Boolean {
        return Ok(match Categories::fit(values, k, &options.other)? {
            Some((categories, codes)) => (Source::Categories(categories), Some(codes)),
            None => (Source::Words(Words::fit(name, values, k)?), None),
        });
    }
    let Some((grid, cells)) = Grid::of(values)? else { return Ok((Source::Nulls, None)) };
    if data_type.is_integer()
        && is_sequence(&cells, k)
        && let Ok(source) = identity(values)
    {
        return Ok((source, None));
    }
    Ok(match Numbers::fit(&cells, k) {
        Some(numbers) => {
            let codes = cells.iter().map(|cell| cell.map_or(f64::NAN, |cell| cell as f64));
            (Source::Numbers(numbers, grid), Some(codes.collect()))
        }
        None => (Source::Nulls, None),
    })
}

/// True for integers that number rows: no nulls, all different, at least half of the numbers between used.
fn is_sequence(cells: &[Option<i64>], k: usize) -> bool {
    let mut sorted: Vec<i64> = cells.iter().flatten().copied().collect();
    sorted.sort_unstable();
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return false };
    let is_dense = last.abs_diff(*first) < 2 * sorted.len() as u64;
    is_dense
        && sorted.len() == cells.len()
        && sorted.len() >= k
        && sorted.windows(2).all(|pair| pair[0] < pair[1])
}

/// Integers continue at the next power of ten above the original, where none of it is repeated; in a type too narrow for
/// that, behind the greatest.
fn identity(values: &ArrayRef) -> Result<Source> {
    let data_type = values.data_type();
    if is_text(data_type) {
        return Ok(Source::Tags);
    }
    if !data_type.is_integer() {
        return Err(unsupported("synthetic", data_type));
    }
    let wide = cast(values, &DataType::Int64)?;
    let most = wide.as_primitive::<Int64Type>().iter().flatten().max().unwrap_or(0).max(0);
    let fits = |start: &i64| *start > most && *start <= bounds(data_type).1;
    let start = (1..=18).map(|zeros| 10i64.pow(zeros)).find(fits);
    let start = start.or(most.checked_add(1).filter(fits));
    start.map(Source::Sequence).ok_or_else(|| unsupported("synthetic", data_type))
}

impl Fitted {
    fn sample(&self, rows: usize, uniform: &[f64], key: &Key) -> Result<ArrayRef> {
        let mut stream = key.stream(b"values");
        let mut missing = key.stream(b"nulls");
        let mut is_null = || self.nulls > 0.0 && missing.unit() < self.nulls;
        match &self.source {
            Source::Reference | Source::Nulls => Ok(new_null_array(&self.data_type, rows)),
            Source::Sequence(start) => {
                let numbers = (0..rows as i64).map(|row| start.saturating_add(row));
                let numbers = Int64Array::from_iter_values(numbers);
                cast(&numbers, &self.data_type)
            }
            Source::Tags => {
                let tags = (0..rows as u64).map(|row| {
                    let hash = key.hash(&row.to_le_bytes());
                    hash[..10].iter().map(|byte| format!("{byte:02x}")).collect::<String>()
                });
                cast(&StringArray::from_iter_values(tags), &self.data_type)
            }
            Source::Numbers(numbers, grid) => {
                let cells = (0..rows).map(|row| {
                    let cell = numbers.at(uniform[row]);
                    if is_null() { None } else { cell }
                });
                grid.column(cells.collect(), &self.data_type)
            }
            Source::Categories(categories) => {
                let labels = (0..rows).map(|row| {
                    let label = categories.at(uniform[row]);
                    if is_null() { None } else { label }
                });
                let labels: StringArray = labels.collect();
                let labels: ArrayRef = Arc::new(labels);
                cast(&labels, &self.data_type)
            }
            Source::Words(words) => {
                let mut maker = words.maker(key);
                let mut text = String::new();
                let texts = (0..rows).map(|row| {
                    text.clear();
                    maker.write(row as u64, &mut stream, &mut text);
                    if is_null() { None } else { Some(text.clone()) }
                });
                let texts: StringArray = texts.collect();
                cast(&texts, &self.data_type)
            }
        }
    }
}
