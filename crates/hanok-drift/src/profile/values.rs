//! What is kept of each kind of column.

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Float64Type};

use crate::categories::Tally;
use crate::column::{self, Kind};
use crate::error::CompareError;
use crate::profile::distinct::Distinct;
use crate::profile::frequent::Frequent;
use crate::profile::numbers::{Numbers, Scratch};
use crate::text::{TOKENS, hash, mixed, pattern, token};

/// By kind; the names are those of [`Kind`].
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Nothing,
    Numbers(Numbers),
    Times(Box<Times>),
    /// How often false and true.
    Booleans([u64; 2]),
    Texts(Box<Texts>),
    Lists(Box<Lists>),
}

/// Seconds since 1970 or midnight.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    pub(crate) numbers: Numbers,
    pub(crate) hours: [u64; 24],
    /// From Sunday.
    pub(crate) weekdays: [u64; 7],
}

#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) categories: Frequent,
    pub(crate) distinct: Distinct,
    /// In characters.
    pub(crate) lengths: Numbers,
    pub(crate) patterns: Frequent,
    pub(crate) tokens: [u64; TOKENS],
}

impl Default for Texts {
    fn default() -> Texts {
        Texts {
            categories: Frequent::default(),
            distinct: Distinct::default(),
            lengths: Numbers::default(),
            patterns: Frequent::default(),
            tokens: [0; TOKENS],
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Lists {
    pub(crate) lengths: Numbers,
    /// One element of each list that has some, chosen by the list itself; [`Values::Nothing`] unless they are numbers, booleans or
    /// texts.
    pub(crate) elements: Values,
    /// Chosen elements that are missing.
    pub(crate) missing: u64,
}

impl Values {
    pub(crate) fn of(kind: Kind, elements: Kind) -> Values {
        match kind {
            Kind::Nothing => Values::Nothing,
            Kind::Numbers => Values::Numbers(Numbers::with_distinct()),
            Kind::Times => Values::Times(Box::new(Times {
                numbers: Numbers::with_distinct(),
                hours: [0; 24],
                weekdays: [0; 7],
            })),
            Kind::Booleans => Values::Booleans([0, 0]),
            Kind::Texts => Values::Texts(Box::default()),
            Kind::Lists => Values::Lists(Box::new(Lists {
                lengths: Numbers::default(),
                elements: match elements {
                    Kind::Numbers | Kind::Booleans | Kind::Texts => Values::of(elements, Kind::Nothing),
                    _ => Values::Nothing,
                },
                missing: 0,
            })),
        }
    }

    pub(crate) fn of_type(data_type: &DataType) -> Option<Values> {
        let elements = match data_type {
            DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                Kind::of(field.data_type())
            }
            _ => None,
        };
        Some(Values::of(Kind::of(data_type)?, elements.unwrap_or(Kind::Nothing)))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Values::Nothing => Kind::Nothing,
            Values::Numbers(_) => Kind::Numbers,
            Values::Times(_) => Kind::Times,
            Values::Booleans(_) => Kind::Booleans,
            Values::Texts(_) => Kind::Texts,
            Values::Lists(_) => Kind::Lists,
        }
    }

    /// Values that are not missing.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Values::Nothing => 0,
            Values::Numbers(numbers) => numbers.count(),
            Values::Times(times) => times.numbers.count(),
            Values::Booleans(counts) => counts.iter().sum(),
            Values::Texts(texts) => texts.categories.total(),
            Values::Lists(lists) => lists.lengths.count(),
        }
    }

    /// Adds a chunk of the kind.
    pub(crate) fn add(&mut self, chunk: &ArrayRef, scratch: &mut Scratch) -> Result<(), CompareError> {
        match self {
            Values::Nothing => {}
            Values::Numbers(numbers) => with_numbers(chunk, |some| numbers.add(some, scratch))?,
            Values::Times(times) => with_numbers(chunk, |some| {
                times.numbers.add(some, scratch);
                times.count(some);
            })?,
            Values::Booleans(counts) => {
                let more = column::booleans(std::slice::from_ref(chunk))?;
                *counts = [counts[0] + more[0], counts[1] + more[1]];
            }
            Values::Texts(texts) => texts.add(chunk, scratch)?,
            Values::Lists(lists) => lists.add(chunk, scratch)?,
        }
        Ok(())
    }

    /// False if the kinds differ; columns of nothing take the other's kind.
    pub(crate) fn merge(&mut self, other: &Values) -> bool {
        match (self, other) {
            (_, Values::Nothing) => {}
            (nothing @ Values::Nothing, other) => *nothing = other.clone(),
            (Values::Numbers(numbers), Values::Numbers(more)) => numbers.merge(more),
            (Values::Times(times), Values::Times(more)) => {
                times.numbers.merge(&more.numbers);
                add_counts(&mut times.hours, &more.hours);
                add_counts(&mut times.weekdays, &more.weekdays);
            }
            (Values::Booleans(counts), Values::Booleans(more)) => add_counts(counts, more),
            (Values::Texts(texts), Values::Texts(more)) => {
                texts.categories.merge(&more.categories);
                texts.distinct.merge(&more.distinct);
                texts.lengths.merge(&more.lengths);
                texts.patterns.merge(&more.patterns);
                add_counts(&mut texts.tokens, &more.tokens);
            }
            (Values::Lists(lists), Values::Lists(more)) => {
                lists.lengths.merge(&more.lengths);
                lists.missing += more.missing;
                return lists.elements.merge(&more.elements);
            }
            _ => return false,
        }
        true
    }

    /// Whether [`Values::merge`] will succeed.
    pub(crate) fn can_merge(&self, other: &Values) -> bool {
        match (self, other) {
            (Values::Nothing, _) | (_, Values::Nothing) => true,
            (Values::Lists(lists), Values::Lists(more)) => lists.elements.can_merge(&more.elements),
            _ => self.kind() == other.kind(),
        }
    }
}

fn add_counts(counts: &mut [u64], more: &[u64]) {
    for (count, more) in counts.iter_mut().zip(more) {
        *count += more;
    }
}

/// The numbers of a chunk that are not null.
fn with_numbers(chunk: &ArrayRef, mut each: impl FnMut(&[f64])) -> Result<(), CompareError> {
    let numbers = column::numbers(chunk)?;
    if numbers.null_count() == 0 {
        each(numbers.values());
    } else {
        each(&numbers.iter().flatten().collect::<Vec<f64>>());
    }
    Ok(())
}

impl Times {
    fn count(&mut self, seconds: &[f64]) {
        for seconds in seconds {
            let (hour, weekday) = hour_and_weekday(*seconds);
            self.hours[hour] += 1;
            self.weekdays[weekday] += 1;
        }
    }
}

/// The hour of the day, and the day of the week from Sunday, in UTC.
fn hour_and_weekday(seconds: f64) -> (usize, usize) {
    let hour = (seconds as i64).div_euclid(3600);
    // 1970 began on a Thursday, the fourth day after Sunday.
    (hour.rem_euclid(24) as usize, (hour.div_euclid(24) + 4).rem_euclid(7) as usize)
}

impl Texts {
    /// Each different text of the chunk once, with how often it is there.
    fn add(&mut self, chunk: &ArrayRef, scratch: &mut Scratch) -> Result<(), CompareError> {
        let chunks = column::texts(std::slice::from_ref(chunk))?;
        let mut tally = Tally::default();
        for chunk in &chunks {
            tally.add(0, chunk, usize::MAX);
        }
        let mut buffer = String::new();
        for (text, [count, _]) in tally.sorted() {
            let hash = hash(text.as_bytes());
            self.tokens[token(text, hash)] += count;
            pattern(text, &mut buffer);
            self.patterns.add(&buffer, count);
            self.categories.add(text, count);
            self.distinct.add_bytes(text.as_bytes());
            self.lengths.add_many(text.chars().count() as f64, count, scratch);
        }
        Ok(())
    }
}

impl Lists {
    fn add(&mut self, chunk: &ArrayRef, scratch: &mut Scratch) -> Result<(), CompareError> {
        let (DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _)) =
            chunk.data_type()
        else {
            return Ok(());
        };
        let lists = cast(chunk, &DataType::List(field.clone()))?;
        let lists = lists.as_list::<i32>();
        let hashes = hashes(lists.values(), &self.elements)?;
        let (mut lengths, mut places) = (Vec::new(), Vec::new());
        for (row, ends) in lists.offsets().windows(2).enumerate() {
            if lists.is_null(row) {
                continue;
            }
            let (start, end) = (ends[0] as usize, ends[1] as usize);
            lengths.push((end - start) as f64);
            // What a list holds chooses: neither its place in the table nor the batches matter.
            if let Some(hashes) = hashes.get(start..end) {
                let sum = hashes.iter().fold(0, |sum, hash| mixed(sum ^ hash));
                places
                    .extend(sum.checked_rem(hashes.len() as u64).map(|place| (start as u64 + place) as u32));
            }
        }
        self.lengths.add(&lengths, scratch);
        if matches!(self.elements, Values::Nothing) {
            return Ok(());
        }
        let before = self.elements.count();
        let chosen = places.len() as u64;
        self.elements.add(&take(lists.values(), &UInt32Array::from(places), None)?, scratch)?;
        self.missing += chosen - (self.elements.count() - before);
        Ok(())
    }
}

/// A hash of each element; of kinds that are not kept, nothing.
fn hashes(elements: &ArrayRef, kind: &Values) -> Result<Vec<u64>, CompareError> {
    Ok(match kind {
        Values::Numbers(_) | Values::Booleans(_) => {
            let numbers = match kind {
                Values::Booleans(_) => {
                    cast(elements, &DataType::Float64)?.as_primitive::<Float64Type>().clone()
                }
                _ => column::numbers(elements)?,
            };
            numbers.iter().map(|number| number.map_or(0, |number| mixed((number + 0.0).to_bits()))).collect()
        }
        Values::Texts(_) => {
            let texts = column::texts(std::slice::from_ref(elements))?;
            let hash = |text: Option<&str>| text.map_or(0, |text| hash(text.as_bytes()));
            texts.iter().flat_map(|chunk| chunk.iter().map(hash)).collect()
        }
        _ => Vec::new(),
    })
}
