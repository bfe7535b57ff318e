//! Reading the parameters of a treatment: each is taken once, and what is left over is a mistake.

use std::str::FromStr;

use super::{Alphabet, DateUnit, Distribution, Fake, Fpe, Generalise, Hash, Locale, Noise, Resident, Spread};
use crate::error::{MaskError, Result};

/// Treatment, what its parameters are called in a message, and their names.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("keep", "parameter of `keep`", &[]),
    ("null", "parameter of `null`", &[]),
    ("drop", "parameter of `drop`", &[]),
    ("hash", "parameter of `hash`", &["length"]),
    ("fpe", "parameter of `fpe`", &["alphabet", "digits", "resident"]),
    ("fake", "parameter of `fake`", &["kind", "locale", "unique"]),
    ("noise", "parameter of `noise`", &["distribution", "percent", "absolute", "days"]),
    (
        "generalise",
        "parameter of `generalise` beside the others",
        &["bucket", "date", "prefix", "band", "top", "parts", "rare", "other"],
    ),
    ("shuffle", "parameter of `shuffle`", &[]),
    ("synthetic", "parameter of `synthetic`", &[]),
];

pub(super) struct Parameters<'a> {
    treatment: &'static str,
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(
        treatment: &'static str,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self> {
        let mut own = Self { treatment, given: Vec::new() };
        for (name, value) in parameters {
            if own.given.iter().any(|(known, _)| *known == name) {
                return Err(own.wrong(name, "given twice"));
            }
            own.given.push((name, value));
        }
        Ok(own)
    }

    /// An error when something was not taken.
    pub(super) fn finish(self) -> Result<()> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let (what, known) = KNOWN
            .iter()
            .find(|(treatment, ..)| *treatment == self.treatment)
            .map_or(("parameter", [].as_slice()), |(_, what, known)| (*what, *known));
        Err(MaskError::Unknown { what, given: (*name).to_owned(), known })
    }

    pub(super) fn hash(&mut self) -> Result<Hash> {
        Ok(Hash { length: self.number("length", 8..=64, "not from 8 to 64")?.unwrap_or(32) })
    }

    pub(super) fn fpe(&mut self) -> Result<Fpe> {
        Ok(Fpe {
            alphabet: self.named("alphabet")?.unwrap_or(Alphabet::Shape),
            digits: self.number("digits", 1..=18, "not from 1 to 18")?,
            resident: self.named("resident")?.unwrap_or(Resident::Refuse),
        })
    }

    pub(super) fn fake(&mut self) -> Result<Fake> {
        Ok(Fake {
            kind: self.named("kind")?.ok_or_else(|| self.wrong("kind", "missing"))?,
            locale: self.named("locale")?.unwrap_or(Locale::Korean),
            unique: match self.take("unique") {
                None | Some("false") => false,
                Some("true") => true,
                Some(_) => return Err(self.wrong("unique", "neither true nor false")),
            },
        })
    }

    pub(super) fn noise(&mut self) -> Result<Noise> {
        let percent = self.number("percent", 0.0..=100.0, "not from 0 to 100")?;
        let absolute = self.number("absolute", 0.0..=f64::MAX, "not a size")?;
        Ok(Noise {
            distribution: self.named("distribution")?.unwrap_or(Distribution::Uniform),
            spread: match (percent, absolute) {
                (percent, None) => Spread::Percent(percent.unwrap_or(5.0)),
                (None, Some(absolute)) => Spread::Absolute(absolute),
                (Some(_), Some(_)) => return Err(self.wrong("absolute", "given beside `percent`")),
            },
            days: self.number("days", 1..=36_525, "not from 1 to 36525")?.unwrap_or(30),
        })
    }

    pub(super) fn generalise(&mut self) -> Result<Generalise> {
        if let Some(width) = self.number("bucket", f64::MIN_POSITIVE..=f64::MAX, "not a width")? {
            return Ok(Generalise::Bucket { width });
        }
        if let Some(unit) = self.named::<DateUnit>("date")? {
            return Ok(Generalise::Date { unit });
        }
        if let Some(chars) = self.number("prefix", 0..=1_000, "not from 0 to 1000")? {
            return Ok(Generalise::Prefix { chars });
        }
        if let Some(width) = self.number("band", 1..=1_000_000_000, "not a width")? {
            let top = self.number("top", 0..=1_000_000_000, "not a number from 0")?;
            return Ok(Generalise::Band { width, top });
        }
        if let Some(count) = self.number("parts", 0..=100, "not from 0 to 100")? {
            return Ok(Generalise::Parts { count });
        }
        if let Some(k) = self.number("rare", 1..=u64::MAX, "not a count")? {
            let other = self.take("other").unwrap_or("기타").to_owned();
            return Ok(Generalise::Rare { k, other });
        }
        Err(self.wrong("bucket, date, prefix, band, parts or rare", "missing"))
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let at = self.given.iter().position(|(given, _)| *given == name)?;
        Some(self.given.swap_remove(at).1)
    }

    fn named<T: FromStr<Err = MaskError>>(&mut self, name: &str) -> Result<Option<T>> {
        self.take(name).map(str::parse).transpose()
    }

    fn number<T: FromStr + PartialOrd>(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<T>,
        problem: &'static str,
    ) -> Result<Option<T>> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().map_err(|_| self.wrong(name, "not a number"))?;
        if range.contains(&number) { Ok(Some(number)) } else { Err(self.wrong(name, problem)) }
    }

    fn wrong(&self, parameter: &str, problem: &'static str) -> MaskError {
        MaskError::Parameter { treatment: self.treatment, parameter: parameter.to_owned(), problem }
    }
}
