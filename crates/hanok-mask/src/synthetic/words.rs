//! Text that is not categories: fakes of what it looks like, its common shapes, or words of its lengths.

use arrow::array::{Array, ArrayRef, StringArray};
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use std::hash::BuildHasher;

use crate::detect::{Personal, detect};
use crate::error::Result;
use crate::fake::FakeMasker;
use crate::key::{Key, Random, Stream};
use crate::text::text;
use crate::treatment::{Fake, FakeKind, Locale};

/// Guesses below this say nothing.
const CONFIDENCE_MIN: f64 = 0.5;
/// Shapes are used when the common ones have this share of the rows.
const SHARE_MIN: f64 = 0.5;
/// Attempts at a text that is not one of the original's.
const TRIES: usize = 16;
const HANGUL: &[char] = &['가', '나', '다', '라', '마', '바', '사', '아', '자', '차', '카', '타', '파', '하'];

/// How a column's texts are invented.
pub(super) struct Words {
    form: Form,
    /// Hashes of the original texts, which are not produced. A hash that is equal by chance costs another attempt.
    originals: HashSet<u64>,
    hasher: DefaultHashBuilder,
}

enum Form {
    Kind(FakeKind, Locale),
    /// Shapes with the shares of rows that end at each.
    Shapes(Vec<(usize, String)>),
    /// Words of so many characters: powers of two with the shares of rows that end at each.
    Lengths(Vec<(usize, u32)>),
}

impl Words {
    pub(super) fn of_kind(values: &ArrayRef, kind: FakeKind) -> Result<Self> {
        let values = text(values)?;
        Ok(Self::with(&values, Form::Kind(kind, locale(&values))))
    }

    pub(super) fn fit(name: &str, values: &ArrayRef, k: usize) -> Result<Self> {
        let guess = detect(name, values).filter(|guess| guess.confidence >= CONFIDENCE_MIN);
        let values = text(values)?;
        let kind = guess.and_then(|guess| match guess.kind {
            Personal::Name => Some(FakeKind::Name),
            Personal::Phone => Some(FakeKind::Phone),
            Personal::Email => Some(FakeKind::Email),
            Personal::Address => Some(FakeKind::Address),
            Personal::ResidentNumber => Some(FakeKind::ResidentNumber),
            Personal::FreeText => Some(FakeKind::Text),
            _ => None,
        });
        let form = match kind {
            Some(kind) if kind != FakeKind::Text => Form::Kind(kind, locale(&values)),
            Some(_) => lengths(&values, k),
            None => shapes(&values, k).unwrap_or_else(|| lengths(&values, k)),
        };
        Ok(Self::with(&values, form))
    }

    fn with(values: &StringArray, form: Form) -> Self {
        let hasher = DefaultHashBuilder::default();
        let originals = values.iter().flatten().map(|value| hasher.hash_one(value)).collect();
        Self { form, originals, hasher }
    }

    /// What writes the texts of one sample.
    pub(super) fn maker(&self, key: &Key) -> Maker<'_> {
        let (kind, locale) = match self.form {
            Form::Kind(kind, locale) => (kind, locale),
            _ => (FakeKind::Text, Locale::Korean),
        };
        Maker { words: self, fakes: FakeMasker::new(Fake { kind, locale, unique: false }, key, "words") }
    }
}

pub(super) struct Maker<'a> {
    words: &'a Words,
    fakes: FakeMasker,
}

impl Maker<'_> {
    /// Appends the text of a row to an empty text: none of the original's.
    pub(super) fn write(&mut self, row: u64, stream: &mut Stream, out: &mut String) {
        for _ in 0..TRIES {
            out.clear();
            self.attempt(stream, out);
            if !self.words.originals.contains(&self.words.hasher.hash_one(out.as_str())) {
                return;
            }
        }
        // All short texts are taken: a longer one is not.
        out.clear();
        out.push_str(&format!("synthetic-{row}-{:016x}", stream.next_u64()));
    }

    fn attempt(&mut self, stream: &mut Stream, out: &mut String) {
        let random = stream.next_u64();
        match &self.words.form {
            Form::Kind(kind, _) => {
                let seed = match kind {
                    FakeKind::Phone => format!("010-{:04}-{:04}", random % 10_000, random / 10_000 % 10_000),
                    FakeKind::StudentNumber => format!("2000-{:05}", random % 100_000),
                    // The dash is kept; the rest is only a seed.
                    FakeKind::ResidentNumber => format!("{random}-"),
                    FakeKind::Text => "x".repeat(1 + (random % 60) as usize) + &random.to_string(),
                    _ => random.to_string(),
                };
                self.fakes.write(&seed, out);
            }
            Form::Shapes(shapes) => fill(drawn::<String>(shapes, stream), stream, out),
            Form::Lengths(lengths) => {
                let least = 1usize << *drawn(lengths, stream);
                let seed: String = random.to_string().chars().cycle().take(least).collect();
                self.fakes.write(&seed, out);
            }
        }
    }
}

/// One of a table of ends, which is not empty.
fn drawn<'a, T>(ends: &'a [(usize, T)], stream: &mut Stream) -> &'a T {
    let whole = ends.last().map_or(1, |(end, _)| *end) as u64;
    let at = stream.below(whole) as usize;
    &ends[ends.partition_point(|(end, _)| *end <= at).min(ends.len() - 1)].1
}

fn locale(values: &StringArray) -> Locale {
    let is_korean = |value: &str| value.chars().any(|char| ('가'..='힣').contains(&char));
    let korean = values.iter().flatten().take(1_000).filter(|value| is_korean(value)).count();
    if korean * 4 >= values.len().min(1_000) { Locale::Korean } else { Locale::English }
}

/// The shapes that at least `k` rows have; `None` when they are not most of the rows.
fn shapes(values: &StringArray, k: usize) -> Option<Form> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for value in values.iter().flatten() {
        let shape: String = value.chars().map(class).collect();
        *counts.entry(shape).or_default() += 1;
    }
    let whole: usize = counts.values().sum();
    let ends = ends(counts.into_iter().filter(|(_, count)| *count >= k).collect());
    let covered = ends.last().map_or(0, |(end, _)| *end);
    (covered > 0 && covered as f64 >= SHARE_MIN * whole as f64).then_some(Form::Shapes(ends))
}

/// Lengths by powers of two; those that fewer than `k` rows have are left out, and if all are, it is eight characters.
fn lengths(values: &StringArray, k: usize) -> Form {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for value in values.iter().flatten() {
        *counts.entry(value.chars().count().max(1).ilog2()).or_default() += 1;
    }
    let mut ends = ends(counts.into_iter().filter(|(_, count)| *count >= k).collect());
    if ends.is_empty() {
        ends.push((1, 3));
    }
    Form::Lengths(ends)
}

/// Counts to running ends, in an order that does not depend on the map's.
fn ends<T: Ord>(mut counts: Vec<(T, usize)>) -> Vec<(usize, T)> {
    counts.sort_unstable();
    let mut end = 0;
    counts
        .into_iter()
        .map(|(value, count)| {
            end += count;
            (end, value)
        })
        .collect()
}

/// The character that stands for those like it: only punctuation and spaces stand for themselves.
fn class(char: char) -> char {
    match char {
        '0'..='9' => '9',
        'A'..='Z' => 'A',
        '가'..='힣' => '가',
        other if other.is_alphanumeric() => 'a',
        other => other,
    }
}

fn fill(shape: &str, stream: &mut Stream, out: &mut String) {
    for char in shape.chars() {
        out.push(match char {
            '9' => char::from(b'0' + stream.below(10) as u8),
            'A' => char::from(b'A' + stream.below(26) as u8),
            'a' => char::from(b'a' + stream.below(26) as u8),
            '가' => stream.pick(HANGUL),
            other => other,
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn sampled(name: &str, values: &[String], rows: u64) -> Vec<String> {
        let column: ArrayRef = Arc::new(StringArray::from(values.to_vec()));
        let words = Words::fit(name, &column, 5).unwrap();
        let key = Key::new([4; 32]);
        let (mut maker, mut stream) = (words.maker(&key), key.stream(b"test"));
        let texts = (0..rows).map(|row| {
            let mut out = String::new();
            maker.write(row, &mut stream, &mut out);
            out
        });
        texts.collect()
    }

    #[test]
    fn common_shapes_are_kept_and_originals_are_not() {
        let values: Vec<String> = (0..900).map(|at| format!("AB-{at:03}")).collect();
        let out = sampled("code", &values, 2_000);
        assert!(out.iter().all(|text| !values.contains(text)));
        assert!(out.iter().all(|text| text.chars().map(class).eq("AA-999".chars())), "{:?}", out.first());
        // Nearly all texts of the shape are taken: longer ones are made.
        let values: Vec<String> = (0..10).map(|at| at.to_string()).collect();
        let out = sampled("code", &values, 50);
        assert!(out.iter().all(|text| text.starts_with("synthetic-")));
    }

    #[test]
    fn what_looks_personal_is_faked() {
        let values: Vec<String> = (0..100).map(|at| format!("kim{at}@school.kr")).collect();
        assert!(sampled("mail", &values, 50).iter().all(|text| text.ends_with("@example.invalid")));
        let values: Vec<String> =
            (0..100).map(|at| format!("{at} 번째 상담에서 한 말 {}", "가".repeat(at))).collect();
        let out = sampled("상담내용", &values, 50);
        assert!(out.iter().all(|text| text.chars().count() >= 8 && !values.contains(text)));
    }
}
