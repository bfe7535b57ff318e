//! What can be done to a column, and how it is written: `hash(length=16)`.

use std::fmt;
use std::str::FromStr;

use crate::error::{MaskError, Result};

mod parameters;

use parameters::Parameters;

/// What is done to a column of a staging branch. Everything is deterministic for a key and a domain: under one domain
/// equal values have equal images across columns, tables and batches, so that joins on masked keys hold.
///
/// | written | parameters | types |
/// |---|---|---|
/// | `keep`, `null`, `drop` | | all |
/// | `hash` | `length` 8–64 hexadecimal digits (32) | text, bytes; integers → `Int64` |
/// | `fpe` | `alphabet` shape, digits, lower, upper, mixed (shape); `digits` 1–18; `resident` refuse, replace (refuse) | text, integers |
/// | `fake` | `kind` name, phone, address, email, company, student_number, resident_number, text; `locale` ko, en (ko); `unique` (false) | text |
/// | `noise` | `distribution` uniform, laplace (uniform); `percent` (5) or `absolute`; `days` (30) | numbers, dates, timestamps |
/// | `generalise` | one of `bucket`, `date` month, quarter, year; `prefix`; `band` with `top`; `parts`; `rare` with `other` | see [`Generalise`] |
/// | `shuffle` | | all; needs the whole column |
/// | `synthetic` | | the whole table, see [`crate::synthetic`] |
#[derive(Clone, PartialEq, Debug)]
pub enum Treatment {
    /// The values as they are.
    Keep,
    /// All values null.
    Null,
    /// The column is left out.
    Drop,
    /// A keyed hash.
    Hash(Hash),
    /// Format-preserving encryption.
    Fpe(Fpe),
    /// An invented value.
    Fake(Fake),
    /// A value nearby.
    Noise(Noise),
    /// A coarser value.
    Generalise(Generalise),
    /// The column's values in another order: its distribution stays exactly, each value's row does not. Needs the whole
    /// column in memory. In a small column or group the order can be guessed, and a value that names a person still does.
    Shuffle,
    /// Rows made from distributions; a treatment of whole tables.
    Synthetic,
}

/// Parameters of `hash`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash {
    /// Hexadecimal digits of a text hash, 8 to 64. With 16 (64 bits) two of ten million values collide with a chance of
    /// 3 in a million.
    pub length: u8,
}

/// Parameters of `fpe`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fpe {
    /// Which characters are encrypted. Punctuation and spaces keep their places; letters and digits outside the alphabet
    /// are an error, because they would stay readable.
    pub alphabet: Alphabet,
    /// Digits of an integer column: values are permuted among 0 … 10^digits − 1. By default as many as the type always
    /// holds: 18 for 64 bits, 9 for 32.
    pub digits: Option<u8>,
    /// What to do with resident registration numbers.
    pub resident: Resident,
}

/// The characters that `fpe` encrypts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Alphabet {
    /// Digits become digits, small letters small letters, capitals capitals.
    Shape,
    /// Digits only.
    Digits,
    /// Digits and small letters, mixed.
    Lower,
    /// Digits and capitals, mixed.
    Upper,
    /// Digits, small letters and capitals, mixed.
    Mixed,
}

/// What `fpe` does with a resident registration number, told by its format, birth date and digit of gender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resident {
    /// The column is refused ([`MaskError::Resident`]).
    Refuse,
    /// The value becomes a number whose month does not exist; different numbers become different ones.
    Replace,
}

/// Parameters of `fake`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fake {
    /// What is invented.
    pub kind: FakeKind,
    /// The language of names, addresses, companies and texts.
    pub locale: Locale,
    /// Different values get different fakes; [`crate::treatment::FakeKind`] says how for each kind.
    pub unique: bool,
}

/// What `fake` invents. With `unique`, kinds that have room for it are permuted; the others get a tag of 64 keyed bits, of
/// which two among ten million values are equal with a chance of 3 in a million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FakeKind {
    /// A person's name. Unique: a tag behind it.
    Name,
    /// A mobile number in the unassigned range 010-0xxx-xxxx. Unique: one digit more, 010-0xxxx-xxxx, a permutation of
    /// the subscriber's number within its prefix; for what is not a mobile number a longer one with a tag.
    Phone,
    /// A postal address on invented roads. Unique: a tag behind it.
    Address,
    /// A mail address of `example.invalid`. Unique: a tag in its local part.
    Email,
    /// A company's name. Unique: a tag behind it.
    Company,
    /// A student number: digits of the same shape, the year kept plausible. Unique: `fpe` of the whole.
    StudentNumber,
    /// A resident registration number that is nobody's, because its month does not exist. Always unique.
    ResidentNumber,
    /// Words without sense, as long as the original within a power of two. Unique: a tag behind it.
    Text,
}

/// The language of fakes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Locale {
    /// Korean.
    Korean,
    /// English.
    English,
}

/// Parameters of `noise`. Keyed by row identities when they are given: equal values then get different noise, and in date
/// columns all rows of one identity are shifted by as much, which keeps the intervals between them. Without, equal values
/// get equal noise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Noise {
    /// How the noise is spread within its bounds.
    pub distribution: Distribution,
    /// How far a number may move: this per cent of its value (integers: by 1 at least), or so much.
    pub spread: Spread,
    /// How many days a date or timestamp is shifted at most; never 0.
    pub days: u32,
}

/// The shape of noise. Both are bounded, so neither is differential privacy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Distribution {
    /// Even within the bounds.
    Uniform,
    /// Laplace with a third of the bound as its scale, cut at the bounds.
    Laplace,
}

/// The bound of noise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Spread {
    /// Per cent of each value.
    Percent(f64),
    /// The same for all values.
    Absolute(f64),
}

/// Parameters of `generalise`.
#[derive(Clone, PartialEq, Debug)]
pub enum Generalise {
    /// Numbers to the lower bound of their bucket. The type stays.
    Bucket {
        /// Width of a bucket.
        width: f64,
    },
    /// Dates and timestamps to the first day of a period. The type stays; timestamps with a zone are cut in that zone.
    Date {
        /// The period.
        unit: DateUnit,
    },
    /// Text to its first characters and `*`; of a text that short, one character less than it has.
    Prefix {
        /// Characters kept.
        chars: usize,
    },
    /// Numbers, such as ages, to text: `20-29`, `80+`.
    Band {
        /// Width of a band.
        width: u32,
        /// From here on there is one band.
        top: Option<u32>,
    },
    /// Addresses to their first words, or to the last parts between commas where there are commas.
    Parts {
        /// Parts kept.
        count: usize,
    },
    /// Categories with fewer occurrences to one. Counts within the array that is given: give the whole column.
    Rare {
        /// Occurrences that keep a category.
        k: u64,
        /// What the others become.
        other: String,
    },
}

/// A period of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DateUnit {
    /// A month.
    Month,
    /// A quarter.
    Quarter,
    /// A year.
    Year,
}

/// Names of a plain enumeration, in one table for reading and writing.
macro_rules! names {
    ($type:ident, $what:literal: $($name:literal = $variant:ident),*) => {
        impl $type {
            const NAMES: &'static [&'static str] = &[$($name),*];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }

        impl FromStr for $type {
            type Err = MaskError;

            fn from_str(text: &str) -> Result<Self, MaskError> {
                match text {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(MaskError::Unknown { what: $what, given: text.to_owned(), known: Self::NAMES }),
                }
            }
        }
    };
}

names!(Alphabet, "alphabet": "shape" = Shape, "digits" = Digits, "lower" = Lower, "upper" = Upper, "mixed" = Mixed);
names!(Resident, "way with resident numbers": "refuse" = Refuse, "replace" = Replace);
names!(FakeKind, "kind of fake": "name" = Name, "phone" = Phone, "address" = Address, "email" = Email,
    "company" = Company, "student_number" = StudentNumber, "resident_number" = ResidentNumber, "text" = Text);
names!(Locale, "locale": "ko" = Korean, "en" = English);
names!(Distribution, "distribution": "uniform" = Uniform, "laplace" = Laplace);
names!(DateUnit, "period": "month" = Month, "quarter" = Quarter, "year" = Year);

/// The treatments, as they are written.
const NAMES: &[&str] =
    &["keep", "null", "drop", "hash", "fpe", "fake", "noise", "generalise", "shuffle", "synthetic"];

impl Treatment {
    /// The treatment of this name with these parameters; [`Treatment`] has the table of both.
    pub fn build<'a>(
        name: &str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, MaskError> {
        let Some(known) = NAMES.iter().find(|known| **known == name) else {
            return Err(MaskError::Unknown { what: "treatment", given: name.to_owned(), known: NAMES });
        };
        let mut given = Parameters::new(known, parameters)?;
        let treatment = match *known {
            "null" => Self::Null,
            "drop" => Self::Drop,
            "hash" => Self::Hash(given.hash()?),
            "fpe" => Self::Fpe(given.fpe()?),
            "fake" => Self::Fake(given.fake()?),
            "noise" => Self::Noise(given.noise()?),
            "generalise" => Self::Generalise(given.generalise()?),
            "shuffle" => Self::Shuffle,
            "synthetic" => Self::Synthetic,
            _ => Self::Keep,
        };
        given.finish()?;
        Ok(treatment)
    }

    /// The name, without parameters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Null => "null",
            Self::Drop => "drop",
            Self::Hash(_) => "hash",
            Self::Fpe(_) => "fpe",
            Self::Fake(_) => "fake",
            Self::Noise(_) => "noise",
            Self::Generalise(_) => "generalise",
            Self::Shuffle => "shuffle",
            Self::Synthetic => "synthetic",
        }
    }
}

impl FromStr for Treatment {
    type Err = MaskError;

    /// `name`, or `name(parameter=value, …)`; a parameter alone stands for `true`.
    fn from_str(text: &str) -> Result<Self, MaskError> {
        let text = text.trim();
        let Some((name, rest)) = text.split_once('(') else { return Self::build(text, []) };
        let Some(inside) = rest.strip_suffix(')') else {
            return Err(MaskError::Unknown { what: "treatment", given: text.to_owned(), known: NAMES });
        };
        let parts = inside.split(',').map(str::trim).filter(|part| !part.is_empty());
        Self::build(
            name.trim(),
            parts.map(|part| match part.split_once('=') {
                Some((parameter, value)) => (parameter.trim(), value.trim()),
                None => (part, "true"),
            }),
        )
    }
}

/// As it is read, with every parameter: what a manifest of a staging branch says.
impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hash(Hash { length }) => write!(f, "hash(length={length})"),
            Self::Fpe(Fpe { alphabet, digits, resident }) => {
                write!(f, "fpe(alphabet={}, resident={}", alphabet.name(), resident.name())?;
                match digits {
                    Some(digits) => write!(f, ", digits={digits})"),
                    None => f.write_str(")"),
                }
            }
            Self::Fake(Fake { kind, locale, unique }) => {
                write!(f, "fake(kind={}, locale={}, unique={unique})", kind.name(), locale.name())
            }
            Self::Noise(Noise { distribution, spread, days }) => {
                let (name, value) = match spread {
                    Spread::Percent(value) => ("percent", value),
                    Spread::Absolute(value) => ("absolute", value),
                };
                write!(f, "noise(distribution={}, {name}={value}, days={days})", distribution.name())
            }
            Self::Generalise(generalise) => match generalise {
                Generalise::Bucket { width } => write!(f, "generalise(bucket={width})"),
                Generalise::Date { unit } => write!(f, "generalise(date={})", unit.name()),
                Generalise::Prefix { chars } => write!(f, "generalise(prefix={chars})"),
                Generalise::Band { width, top: None } => write!(f, "generalise(band={width})"),
                Generalise::Band { width, top: Some(top) } => {
                    write!(f, "generalise(band={width}, top={top})")
                }
                Generalise::Parts { count } => write!(f, "generalise(parts={count})"),
                Generalise::Rare { k, other } => write!(f, "generalise(rare={k}, other={other})"),
            },
            plain => f.write_str(plain.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use hanok_error::Coded;

    use super::*;

    #[test]
    fn treatments_are_written_as_they_are_read() {
        for text in [
            "keep",
            "null",
            "drop",
            "shuffle",
            "synthetic",
            "hash(length=16)",
            "fpe(alphabet=digits, resident=replace, digits=9)",
            "fpe(alphabet=shape, resident=refuse)",
            "fake(kind=student_number, locale=en, unique=true)",
            "noise(distribution=laplace, percent=2.5, days=7)",
            "noise(distribution=uniform, absolute=10, days=30)",
            "generalise(bucket=10)",
            "generalise(date=quarter)",
            "generalise(prefix=3)",
            "generalise(band=10, top=80)",
            "generalise(band=5)",
            "generalise(parts=2)",
            "generalise(rare=5, other=기타)",
        ] {
            assert_eq!(text.parse::<Treatment>().unwrap().to_string(), text);
        }
        let defaults = |text: &str| text.parse::<Treatment>().unwrap().to_string();
        assert_eq!(defaults("hash"), "hash(length=32)");
        assert_eq!(defaults(" fpe ( ) "), "fpe(alphabet=shape, resident=refuse)");
        assert_eq!(defaults("fake(kind=name, unique)"), "fake(kind=name, locale=ko, unique=true)");
        assert_eq!(defaults("noise"), "noise(distribution=uniform, percent=5, days=30)");
        assert_eq!(defaults("generalise(rare=5)"), "generalise(rare=5, other=기타)");
    }

    #[test]
    fn mistakes_say_what_is_known() {
        let message = |text: &str| {
            let error = text.parse::<Treatment>().unwrap_err();
            assert_eq!(error.code().0, "HK1201");
            format!("{error}; {}", error.hint().unwrap_or_default())
        };
        assert!(message("encrypt").starts_with("`encrypt` is not a treatment; known are keep, null, drop"));
        assert!(message("keep(length=3)").starts_with("`length` is not a parameter of `keep`"));
        assert!(message("hash(size=3)").contains("known are length"));
        assert_eq!(message("hash(length=3)"), "parameter `length` of `hash` is not from 8 to 64; ");
        assert_eq!(message("hash(length=x)"), "parameter `length` of `hash` is not a number; ");
        assert_eq!(message("fake"), "parameter `kind` of `fake` is missing; ");
        assert!(message("fake(kind=cat)").starts_with("`cat` is not a kind of fake"));
        assert!(message("generalise").contains("is missing"));
        assert!(message("generalise(bucket=1, prefix=2)").contains("`prefix`"));
        assert!(message("noise(percent=-1)").contains("is not"));
        assert!(message("noise(percent=nan)").contains("is not"));
        assert!(message("hash(length=8").contains("is not a treatment"));
        assert!(message("hash(length=8, length=9)").contains("given twice"));
    }
}
