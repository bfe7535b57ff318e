//! Columns and tables compared: what each has, how it differs, and whether that matters.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use serde::{Serialize, Serializer};

use crate::aspects;
use crate::column::{self, Kind};
use crate::error::CompareError;
use crate::measure::Statistic;
use crate::shape::Shape;
use crate::threads;
use crate::verdict::{Effect, Options, Verdict, benjamini_hochberg};

/// Counts of pairs of values must be exact in 64 bits.
const ROWS_MAX: usize = i32::MAX as usize;

/// A column of both tables, each side in chunks.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The column's name.
    pub name: String,
    /// The reference's values.
    pub reference: Vec<ArrayRef>,
    /// The current values.
    pub current: Vec<ArrayRef>,
}

/// What an aspect looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// How often a value is missing.
    Missing,
    /// The values themselves.
    Values,
    /// Values beyond the reference's smallest and largest.
    Range,
    /// The characters of a text, the elements of a list.
    Length,
    /// The kinds of characters of a text.
    Pattern,
    /// Pairs of neighbouring characters of a text, one a row, in 64 buckets.
    Token,
    /// One element a list; not of texts with too many values.
    Element,
    /// Lists of equally many numbers: along the direction in which the means of both sides differ, learned on half of the rows and
    /// measured on the others.
    Direction,
    /// The same lists: how far they are from the reference's mean.
    Distance,
    /// The hour of a time of the world or of the day, in UTC.
    Hour,
    /// The day of the week, in UTC.
    Weekday,
}

/// One way in which a column may have drifted.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aspect {
    /// What it looks at.
    pub what: What,
    /// All that was measured.
    pub statistics: Vec<Statistic>,
    /// The effect that decides.
    pub effect: Effect,
    /// The p-value that decides.
    pub p: f64,
    /// The same, adjusted for all tests of the table.
    pub p_adjusted: f64,
    /// Whether it matters.
    pub verdict: Verdict,
}

/// A side of a column. What a kind of column does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Profile {
    /// Rows.
    pub rows: u64,
    /// Of these, null or NaN.
    pub missing: u64,
    /// Of these, infinite.
    pub infinite: u64,
    /// Different values; of texts that are not categories counted by a hash of 64 bits.
    pub distinct: Option<usize>,
    /// How far `distinct` may be from the truth: two standard deviations of a sketch; 0 if it is exact.
    pub distinct_error: f64,
    /// The smallest and the largest value; of times in seconds since 1970 (UTC) or midnight; of texts their lengths.
    pub range: Option<[f64; 2]>,
    /// The least values at or below which 5, 25, 50, 75 and 95 % of the values lie; units as of the range.
    pub quantiles: Option<[f64; 5]>,
    /// Mean of the finite values.
    pub mean: Option<f64>,
    /// Their standard deviation, divided by their number.
    pub deviation: Option<f64>,
}

impl Profile {
    /// The share of rows that are missing.
    pub fn missing_rate(&self) -> f64 {
        self.missing as f64 / self.rows.max(1) as f64
    }

    /// Different values per value; 1 for a key.
    pub fn uniqueness(&self) -> Option<f64> {
        let values = self.rows - self.missing;
        self.distinct.map(|distinct| distinct as f64 / values.max(1) as f64)
    }
}

/// Categories of one side only.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Categories {
    /// The most frequent categories that the reference does not have, with their rows; at most 20.
    pub new: Vec<(String, u64)>,
    /// How many there are.
    pub new_count: usize,
    /// The share of current values in them.
    pub new_share: f64,
    /// The most frequent categories that only the reference has, with their rows; at most 20.
    pub vanished: Vec<(String, u64)>,
    /// How many there are.
    pub vanished_count: usize,
    /// The share of the reference's values in them.
    pub vanished_share: f64,
}

/// A column of both tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How each side was compared. Different kinds are drift by themselves.
    pub kinds: [Kind; 2],
    /// The types; integers may become floats without drift.
    #[serde(serialize_with = "by_name")]
    pub types: [DataType; 2],
    /// What each side has.
    pub profiles: [Profile; 2],
    /// What was compared. Empty when a side has no rows or the kinds differ.
    pub aspects: Vec<Aspect>,
    /// Of columns with categories.
    pub categories: Option<Categories>,
    /// How the values of both sides are spread. `None` without values on both sides or when the kinds differ.
    pub shape: Option<Shape>,
    /// The worst of its aspects.
    pub verdict: Verdict,
}

impl Column {
    /// The aspect that decides: of the worst verdict the one that counts the most ([`Aspect::weight`]).
    pub fn worst(&self) -> Option<&Aspect> {
        let worry = |aspect: &Aspect| (aspect.verdict, aspect.weight());
        self.aspects.iter().max_by(|a, b| {
            let (a, b) = (worry(a), worry(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
    }
}

fn by_name<S: Serializer>(types: &[DataType; 2], serializer: S) -> Result<S::Ok, S::Error> {
    types.each_ref().map(|data_type| data_type.to_string()).serialize(serializer)
}

/// Two tables.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Columns that both have.
    pub columns: Vec<Column>,
    /// Names of columns that only the reference has.
    pub vanished: Vec<String>,
    /// Names of columns that only the current table has.
    pub new: Vec<String>,
    /// Columns of a type without statistics.
    pub skipped: Vec<String>,
    /// What was compared with.
    pub options: Options,
}

impl Report {
    /// Columns that have drifted.
    pub fn drifted(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.verdict == Verdict::Drifted)
    }
}

/// Compares the columns that two tables have in common, on some threads.
pub fn compare(
    reference: &[RecordBatch],
    current: &[RecordBatch],
    options: &Options,
    threads: usize,
) -> Result<Report, CompareError> {
    let tables = Tables::new(reference, current)?;
    let mut report =
        compare_columns(tables.common.len(), |at| Ok::<_, CompareError>(tables.pair(at)), options, threads)?;
    report.vanished = tables.only(0);
    report.new = tables.only(1);
    report.skipped = tables.skipped.iter().map(|at| tables.name(*at).to_owned()).collect();
    Ok(report)
}

/// Two tables in memory.
pub(crate) struct Tables<'a> {
    sides: [&'a [RecordBatch]; 2],
    schemas: [SchemaRef; 2],
    /// The places, on each side, of the columns that both have and that have statistics; in the reference's order.
    pub(crate) common: Vec<[usize; 2]>,
    /// The same of columns without statistics.
    skipped: Vec<[usize; 2]>,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(
        reference: &'a [RecordBatch],
        current: &'a [RecordBatch],
    ) -> Result<Tables<'a>, CompareError> {
        let schema = |batches: &[RecordBatch]| {
            batches.first().map(|batch| batch.schema()).ok_or(CompareError::NothingInCommon)
        };
        let schemas = [schema(reference)?, schema(current)?];
        for schema in &schemas {
            let mut names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(CompareError::Ambiguous(pair[0].clone()));
            }
        }
        let is_comparable = |at: &[usize; 2]| {
            let kind = |side: usize| Kind::of(schemas[side].field(at[side]).data_type());
            kind(0).is_some() && kind(1).is_some()
        };
        let common = schemas[0].fields().iter().enumerate();
        let common = common.filter_map(|(at, field)| Some([at, schemas[1].index_of(field.name()).ok()?]));
        let (common, skipped): (Vec<_>, Vec<_>) = common.partition(is_comparable);
        if common.is_empty() {
            return Err(CompareError::NothingInCommon);
        }
        Ok(Tables { sides: [reference, current], schemas, common, skipped })
    }

    pub(crate) fn name(&self, at: [usize; 2]) -> &str {
        self.schemas[0].field(at[0]).name()
    }

    /// Names of columns that the other side does not have.
    fn only(&self, side: usize) -> Vec<String> {
        let names = self.schemas[side].fields().iter().map(|field| field.name().clone());
        names.filter(|name| self.schemas[1 - side].index_of(name).is_err()).collect()
    }

    /// A column that both have.
    pub(crate) fn pair(&self, common: usize) -> Pair {
        let at = self.common[common];
        let chunks =
            |side: usize| self.sides[side].iter().map(|batch| batch.column(at[side]).clone()).collect();
        Pair { name: self.name(at).to_owned(), reference: chunks(0), current: chunks(1) }
    }
}

/// Compares columns that are read when a thread gets to them: no more of them are in memory than there are threads.
pub fn compare_columns<E: From<CompareError> + Send>(
    count: usize,
    read: impl Fn(usize) -> Result<Pair, E> + Sync,
    options: &Options,
    threads: usize,
) -> Result<Report, E> {
    options.checked()?;
    let run = |at: usize, scratch: &mut Vec<u64>| Ok::<_, E>(column(&read(at)?, options, scratch)?);
    let mut columns = threads::each(count, threads, run)?;
    judge(&mut columns, options);
    Ok(Report { columns, vanished: Vec::new(), new: Vec::new(), skipped: Vec::new(), options: *options })
}

/// How both sides of a column are compared, with their types.
pub(crate) fn kinds(pair: &Pair) -> Result<([Kind; 2], [DataType; 2]), CompareError> {
    let sides = [pair.reference.as_slice(), pair.current.as_slice()];
    let types = sides.map(|chunks| chunks.first().map_or(DataType::Null, |chunk| chunk.data_type().clone()));
    let rows = sides.map(|chunks| chunks.iter().map(|chunk| chunk.len()).sum::<usize>());
    let largest = rows[0].max(rows[1]);
    if largest > ROWS_MAX {
        return Err(CompareError::Rows { column: pair.name.clone(), rows: largest, limit: ROWS_MAX });
    }
    let kind = |data_type: &DataType| {
        let error =
            || CompareError::Type { column: pair.name.clone(), data_type: Box::new(data_type.clone()) };
        Kind::of(data_type).ok_or_else(error)
    };
    let mut kinds = [kind(&types[0])?, kind(&types[1])?];
    // A side without a type takes the other's.
    for side in [0, 1] {
        if kinds[side] == Kind::Nothing {
            kinds[side] = kinds[1 - side];
        }
    }
    Ok((kinds, types))
}

fn column(pair: &Pair, options: &Options, scratch: &mut Vec<u64>) -> Result<Column, CompareError> {
    let (kinds, types) = kinds(pair)?;
    let sides = [pair.reference.as_slice(), pair.current.as_slice()];
    let mut column = Column {
        name: pair.name.clone(),
        kinds,
        types,
        profiles: sides.map(|chunks| {
            let (rows, missing) = column::missing(chunks);
            Profile { rows, missing, ..Profile::default() }
        }),
        aspects: Vec::new(),
        categories: None,
        shape: None,
        verdict: Verdict::Stable,
    };
    if kinds[0] == kinds[1] {
        aspects::compare(&mut column, kinds[0], sides, options, scratch)?;
    }
    Ok(column)
}

/// Adjusts the p-values of all aspects together and decides.
pub(crate) fn judge(columns: &mut [Column], options: &Options) {
    let p: Vec<f64> = columns.iter().flat_map(|column| &column.aspects).map(|aspect| aspect.p).collect();
    let mut adjusted = benjamini_hochberg(&p).into_iter();
    for column in columns {
        for (aspect, p) in column.aspects.iter_mut().zip(adjusted.by_ref()) {
            aspect.p_adjusted = p;
            aspect.verdict = aspect.effect.verdict(p, options.alpha);
        }
        let worst = column.aspects.iter().map(|aspect| aspect.verdict).max();
        column.verdict = match worst {
            _ if column.kinds[0] != column.kinds[1] => Verdict::Drifted,
            Some(worst) => worst,
            // Nothing to compare: without a row on a side nothing is known.
            None => Verdict::Undecided,
        };
    }
}
