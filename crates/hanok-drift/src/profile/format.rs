//! The saved form: docs/profile-format.md.

use std::str::FromStr;

use arrow::datatypes::DataType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::column::Kind;
use crate::numeric::Moments;
use crate::profile::bytes::Reader;
use crate::profile::distinct::Distinct;
use crate::profile::error::ProfileError;
use crate::profile::frequent::Frequent;
use crate::profile::grid::Grid;
use crate::profile::numbers::Numbers;
use crate::profile::quantiles::Quantiles;
use crate::profile::values::{Lists, Texts, Times, Values};
use crate::profile::{ColumnProfile, ROWS_MAX, TableProfile};

const FORMAT: &str = "hanok-profile";
const VERSION: u32 = 1;
/// A document of thousands of columns of long texts is smaller.
const BYTES_MAX: usize = 1 << 30;
/// Types are nested, and reading one takes the stack.
const TYPE_BYTES_MAX: usize = 400;
/// Frequent values that are shown.
const SHOWN_MAX: usize = 10;
const SHOWN_SHARES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
const SHOWN_NAMES: [&str; 9] = ["1%", "5%", "10%", "25%", "50%", "75%", "90%", "95%", "99%"];

#[derive(Serialize, Deserialize)]
struct Document {
    format: String,
    version: u32,
    rows: u64,
    columns: Vec<ColumnDocument>,
    skipped: Vec<String>,
}

/// What every version has.
#[derive(Deserialize)]
struct Envelope {
    format: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct ColumnDocument {
    name: String,
    #[serde(rename = "type")]
    data_type: String,
    missing: u64,
    #[serde(skip_deserializing)]
    summary: Summary,
    state: State,
}

/// For those who read the file; it follows from the rest and is not read back.
#[derive(Default, Serialize)]
#[serde(default)]
struct Summary {
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    distinct_error: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    infinite: Option<u64>,
    /// Of texts and lists these are lengths.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation: Option<f64>,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    quantiles: serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles_error: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    frequent: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequent_error: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Nothing,
    Numbers(NumbersState),
    Times { numbers: NumbersState, hours: Vec<u64>, weekdays: Vec<u64> },
    Booleans([u64; 2]),
    Texts(TextsState),
    Lists { lengths: NumbersState, missing: u64, elements: Box<State> },
}

/// All in base64.
#[derive(Serialize, Deserialize)]
struct NumbersState {
    kll: String,
    histogram: String,
    moments: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hll: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct TextsState {
    frequent: String,
    hll: String,
    lengths: NumbersState,
    patterns: String,
    tokens: Vec<u64>,
}

/// A part that is not as it should be.
type Part<T> = Result<T, &'static str>;

impl TableProfile {
    /// The profile as a JSON document.
    pub fn to_json(&self) -> Result<Vec<u8>, ProfileError> {
        let column = |column: &ColumnProfile| ColumnDocument {
            name: column.name.clone(),
            data_type: written_type(&column.data_type),
            missing: column.missing,
            summary: summary(column),
            state: State::of(&column.values),
        };
        let document = Document {
            format: FORMAT.to_owned(),
            version: VERSION,
            rows: self.rows,
            columns: self.columns.iter().map(column).collect(),
            skipped: self.skipped.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&document)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads a document. Every part is checked, alone and against the others; what is said for readers only is not looked at. Memory
    /// is in proportion to the document.
    pub fn from_json(json: &[u8]) -> Result<TableProfile, ProfileError> {
        if json.len() > BYTES_MAX {
            let (found, limit) = (json.len() as u64, BYTES_MAX as u64);
            return Err(ProfileError::Limit { what: "the size of the profile in bytes", found, limit });
        }
        let document: Document =
            serde_json::from_slice(json).map_err(|error| match serde_json::from_slice::<Envelope>(json) {
                Ok(found) if found.format == FORMAT && found.version != VERSION => {
                    ProfileError::Version { found: found.version, expected: VERSION }
                }
                _ => ProfileError::Json(error),
            })?;
        let damaged = |what| ProfileError::Damaged { column: None, what };
        if document.format != FORMAT {
            return Err(damaged("its format has another name"));
        }
        if document.version != VERSION {
            return Err(ProfileError::Version { found: document.version, expected: VERSION });
        }
        if document.rows > ROWS_MAX {
            let found = document.rows;
            return Err(ProfileError::Limit { what: "the number of rows", found, limit: ROWS_MAX });
        }
        let names = document.columns.iter().map(|column| &column.name).chain(&document.skipped);
        if names.clone().collect::<HashSet<_>>().len() != names.count() {
            return Err(damaged("a column is there twice"));
        }
        let columns = document.columns.iter().map(|column| {
            let damaged = |what| ProfileError::Damaged { column: Some(column.name.clone()), what };
            read_column(column, document.rows).map_err(damaged)
        });
        let columns = columns.collect::<Result<_, _>>()?;
        Ok(TableProfile { rows: document.rows, columns, skipped: document.skipped })
    }
}

fn read_column(column: &ColumnDocument, rows: u64) -> Part<ColumnProfile> {
    let data_type = read_type(&column.data_type).ok_or("its type is not one of Arrow's")?;
    let values = column.state.values()?;
    let is_kind = Kind::of(&data_type) == Some(values.kind()) || matches!(data_type, DataType::Null);
    if !is_kind {
        return Err("its type is not of the kind of its values");
    }
    if values.count().checked_add(column.missing) != Some(rows) {
        return Err("its values and what is missing are not as many as the rows");
    }
    Ok(ColumnProfile { name: column.name.clone(), data_type, missing: column.missing, values })
}

/// Arrow's own form; a list whose elements have no readable one is a list of nothing.
fn written_type(data_type: &DataType) -> String {
    let written = data_type.to_string();
    match read_type(&written) {
        Some(read) if Kind::of(&read) == Kind::of(data_type) => written,
        _ if Kind::of(data_type) == Some(Kind::Lists) => "List(Null)".to_owned(),
        _ => "Null".to_owned(),
    }
}

fn read_type(written: &str) -> Option<DataType> {
    if written.len() > TYPE_BYTES_MAX { None } else { DataType::from_str(written).ok() }
}

fn summary(column: &ColumnProfile) -> Summary {
    let profile = column.profile();
    let numbers = match &column.values {
        Values::Numbers(numbers) => Some(numbers),
        Values::Times(times) => Some(&times.numbers),
        Values::Texts(texts) => Some(&texts.lengths),
        Values::Lists(lists) => Some(&lists.lengths),
        Values::Nothing | Values::Booleans(_) => None,
    };
    let numbers = numbers.map(Numbers::settled);
    let quantiles = numbers.as_ref().and_then(|numbers| numbers.quantiles(SHOWN_SHARES));
    let named =
        |values: [f64; 9]| SHOWN_NAMES.iter().map(|name| (*name).to_owned()).zip(values.map(Into::into));
    let texts = match &column.values {
        Values::Texts(texts) => Some(&texts.categories),
        _ => None,
    };
    Summary {
        distinct: profile.distinct.map(|distinct| distinct as u64),
        distinct_error: profile.distinct.map(|_| profile.distinct_error.ceil() as u64),
        infinite: matches!(column.values, Values::Numbers(_)).then_some(profile.infinite),
        minimum: profile.range.map(|range| range[0]),
        maximum: profile.range.map(|range| range[1]),
        mean: profile.mean,
        deviation: profile.deviation,
        quantiles: quantiles.into_iter().flat_map(named).collect(),
        quantiles_error: numbers.filter(|numbers| numbers.count() > 0).map(|numbers| numbers.error()),
        frequent: column.frequent(SHOWN_MAX),
        frequent_error: texts.map(Frequent::error),
    }
}

impl State {
    fn of(values: &Values) -> State {
        match values {
            Values::Nothing => State::Nothing,
            Values::Numbers(numbers) => State::Numbers(NumbersState::of(numbers)),
            Values::Times(times) => State::Times {
                numbers: NumbersState::of(&times.numbers),
                hours: times.hours.to_vec(),
                weekdays: times.weekdays.to_vec(),
            },
            Values::Booleans(counts) => State::Booleans(*counts),
            Values::Texts(texts) => State::Texts(TextsState {
                frequent: STANDARD.encode(texts.categories.to_bytes()),
                hll: STANDARD.encode(texts.distinct.to_bytes()),
                lengths: NumbersState::of(&texts.lengths),
                patterns: STANDARD.encode(texts.patterns.to_bytes()),
                tokens: texts.tokens.to_vec(),
            }),
            Values::Lists(lists) => State::Lists {
                lengths: NumbersState::of(&lists.lengths),
                missing: lists.missing,
                elements: Box::new(State::of(&lists.elements)),
            },
        }
    }

    fn values(&self) -> Part<Values> {
        Ok(match self {
            State::Nothing => Values::Nothing,
            State::Numbers(state) => Values::Numbers(state.numbers(true)?),
            State::Times { numbers, hours, weekdays } => {
                let numbers = numbers.numbers(true)?;
                let count = numbers.count();
                let [hours, weekdays] = [(hours, 24), (weekdays, 7)].map(|(counts, size)| {
                    let is_whole = counts.len() == size && checked_sum(counts) == Some(count);
                    if is_whole { Ok(counts) } else { Err("its hours or weekdays do not count its values") }
                });
                let mut times = Times { numbers, hours: [0; 24], weekdays: [0; 7] };
                times.hours.copy_from_slice(hours?);
                times.weekdays.copy_from_slice(weekdays?);
                Values::Times(Box::new(times))
            }
            State::Booleans(counts) => {
                checked_sum(counts).ok_or("its booleans count too much")?;
                Values::Booleans(*counts)
            }
            State::Texts(state) => Values::Texts(Box::new(state.texts()?)),
            State::Lists { lengths, missing, elements } => {
                let lengths = lengths.numbers(false)?;
                let elements = match elements.as_ref() {
                    State::Times { .. } | State::Lists { .. } => {
                        return Err("its elements are of a kind that is not kept");
                    }
                    kept => kept.values()?,
                };
                let chosen = elements.count().checked_add(*missing);
                if chosen.is_none_or(|chosen| chosen > lengths.count()) {
                    return Err("its elements are more than its lists");
                }
                Values::Lists(Box::new(Lists { lengths, elements, missing: *missing }))
            }
        })
    }
}

/// `None` for more than there can be rows.
fn checked_sum(counts: &[u64]) -> Option<u64> {
    let sum = counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count));
    sum.filter(|sum| *sum <= ROWS_MAX)
}

fn decoded(text: &str) -> Part<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| "a part of it is not base64")
}

impl NumbersState {
    fn of(numbers: &Numbers) -> NumbersState {
        let numbers = numbers.settled();
        let mut moments = Vec::with_capacity(24);
        if let Some(found) = numbers.moments {
            moments.extend((found.finite as u64).to_le_bytes());
            moments.extend(found.mean.to_le_bytes());
            moments.extend(found.deviation.to_le_bytes());
        }
        NumbersState {
            kll: STANDARD.encode(numbers.quantiles.to_bytes()),
            histogram: STANDARD.encode(numbers.grid.to_bytes()),
            moments: STANDARD.encode(moments),
            hll: numbers.distinct.as_ref().map(|distinct| STANDARD.encode(distinct.to_bytes())),
        }
    }

    fn numbers(&self, has_distinct: bool) -> Part<Numbers> {
        let quantiles = Quantiles::from_bytes(&decoded(&self.kll)?)?;
        let grid = Grid::from_bytes(&decoded(&self.histogram)?)?;
        let distinct = self.hll.as_deref().map(|hll| Distinct::from_bytes(&decoded(hll)?)).transpose()?;
        if distinct.is_some() != has_distinct {
            return Err("its distinct values are missing, or should be");
        }
        if quantiles.count() > ROWS_MAX || grid.count() != quantiles.count() {
            return Err("its histogram does not count its values");
        }
        let ends = [grid.places().first(), grid.places().last()].map(|end| end.map(|(place, _)| *place));
        let range = quantiles.range();
        if ends != [range.map(|range| grid.place(range[0])), range.map(|range| grid.place(range[1]))] {
            return Err("its histogram does not span its values");
        }
        let moments = read_moments(&decoded(&self.moments)?)?;
        let numbers = Numbers::read(quantiles, grid, moments, distinct);
        if numbers.is_consistent() { Ok(numbers) } else { Err("its moments are not those of its values") }
    }
}

fn read_moments(bytes: &[u8]) -> Part<Option<Moments>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader(bytes);
    let finite = u64::from_le_bytes(reader.array()?);
    let [mean, deviation] = [f64::from_le_bytes(reader.array()?), f64::from_le_bytes(reader.array()?)];
    reader.end()?;
    if finite == 0 || finite > ROWS_MAX || !mean.is_finite() || !(deviation.is_finite() && deviation >= 0.0) {
        return Err("its moments are no numbers");
    }
    Ok(Some(Moments { finite: finite as usize, mean, deviation }))
}

impl TextsState {
    fn texts(&self) -> Part<Texts> {
        let mut texts = Texts {
            categories: Frequent::from_bytes(&decoded(&self.frequent)?)?,
            distinct: Distinct::from_bytes(&decoded(&self.hll)?)?,
            lengths: self.lengths.numbers(false)?,
            patterns: Frequent::from_bytes(&decoded(&self.patterns)?)?,
            ..Texts::default()
        };
        let count = texts.lengths.count();
        let is_whole = texts.categories.total() == count
            && texts.patterns.total() == count
            && self.tokens.len() == texts.tokens.len()
            && checked_sum(&self.tokens) == Some(count);
        if !is_whole {
            return Err("its texts, lengths, patterns and tokens are not as many as each other");
        }
        texts.tokens.copy_from_slice(&self.tokens);
        Ok(texts)
    }
}
