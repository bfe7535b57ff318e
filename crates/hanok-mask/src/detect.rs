//! Guesses which columns are personal, so that one without a treatment can be refused. A guess is a reason to ask; nothing
//! found is no proof that nothing is there.

mod content;
mod names;

use arrow::array::ArrayRef;

use crate::treatment::{
    Alphabet, DateUnit, Fake, FakeKind, Fpe, Generalise, Hash, Locale, Resident, Treatment,
};

pub use content::by_content;
pub use names::by_name;

/// What a column may hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Personal {
    /// Names of people.
    Name,
    /// Telephone numbers.
    Phone,
    /// Mail addresses.
    Email,
    /// Postal addresses.
    Address,
    /// Postal codes.
    PostalCode,
    /// Resident registration numbers.
    ResidentNumber,
    /// Passports and driving licences.
    Document,
    /// Student, patient, member or staff numbers.
    PersonNumber,
    /// Birth dates and ages.
    Birth,
    /// Bank accounts.
    Account,
    /// Payment cards.
    Card,
    /// Network addresses and devices.
    Device,
    /// Login names.
    Login,
    /// Passwords, tokens and other secrets.
    Secret,
    /// Health, religion and what else the law protects most.
    Sensitive,
    /// Free text, in which anything can be.
    FreeText,
}

/// A guess about a column.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Guess {
    /// What the column may hold.
    pub kind: Personal,
    /// From 0 to 1: how likely a column that looks so is personal. From 0.5 on, ask.
    pub confidence: f64,
    /// What the guess rests on.
    pub evidence: Evidence,
}

/// What a guess rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// The column's name.
    Name,
    /// Its values: so many of the sampled ones look so.
    Content {
        /// Values looked at.
        sampled: usize,
        /// Values that look so.
        matched: usize,
    },
    /// Both agree.
    Both,
}

/// The best guess from a column's name and values. Where both agree, the confidence is higher than each.
pub fn detect(name: &str, column: &ArrayRef) -> Option<Guess> {
    match (by_name(name), by_content(column)) {
        (Some(name), Some(content)) if name.kind == content.kind => Some(Guess {
            confidence: 1.0 - (1.0 - name.confidence) * (1.0 - content.confidence),
            evidence: Evidence::Both,
            ..name
        }),
        (Some(name), Some(content)) if content.confidence > name.confidence => Some(content),
        (Some(name), _) => Some(name),
        (None, content) => content,
    }
}

impl Personal {
    /// As it is written in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name of a person",
            Self::Phone => "telephone number",
            Self::Email => "mail address",
            Self::Address => "postal address",
            Self::PostalCode => "postal code",
            Self::ResidentNumber => "resident registration number",
            Self::Document => "number of an identity document",
            Self::PersonNumber => "number of a person",
            Self::Birth => "birth date or age",
            Self::Account => "bank account",
            Self::Card => "payment card",
            Self::Device => "network address or device",
            Self::Login => "login name",
            Self::Secret => "secret",
            Self::Sensitive => "sensitive fact",
            Self::FreeText => "free text",
        }
    }

    /// A treatment to begin with. Whether it fits the column's type, [`Treatment::output_type`] says.
    pub fn suggestion(self) -> Treatment {
        let fake = |kind, unique| Treatment::Fake(Fake { kind, locale: Locale::Korean, unique });
        match self {
            Self::Name => fake(FakeKind::Name, false),
            Self::Phone => fake(FakeKind::Phone, false),
            Self::Email => fake(FakeKind::Email, true),
            Self::Address => fake(FakeKind::Address, false),
            Self::PostalCode => Treatment::Generalise(Generalise::Prefix { chars: 2 }),
            Self::ResidentNumber => fake(FakeKind::ResidentNumber, false),
            Self::PersonNumber | Self::Account | Self::Card => {
                Treatment::Fpe(Fpe { alphabet: Alphabet::Shape, digits: None, resident: Resident::Refuse })
            }
            Self::Birth => Treatment::Generalise(Generalise::Date { unit: DateUnit::Year }),
            Self::Document | Self::Device | Self::Login => Treatment::Hash(Hash { length: 32 }),
            Self::Secret => Treatment::Null,
            Self::Sensitive => Treatment::Generalise(Generalise::Rare { k: 5, other: "기타".to_owned() }),
            Self::FreeText => fake(FakeKind::Text, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;

    use super::*;

    #[test]
    fn name_and_content_support_each_other() {
        let emails: ArrayRef =
            Arc::new(StringArray::from(vec!["a@school.kr", "b.c@example.com", "d@x.co.kr"]));
        let both = detect("이메일", &emails).unwrap();
        assert_eq!((both.kind, both.evidence), (Personal::Email, Evidence::Both));
        let content = detect("col_7", &emails).unwrap();
        assert_eq!(content.evidence, Evidence::Content { sampled: 3, matched: 3 });
        assert!(both.confidence > content.confidence);
        let plain: ArrayRef = Arc::new(StringArray::from(vec!["red", "green"]));
        assert_eq!(detect("colour", &plain), None);
        assert_eq!(detect("phone", &plain).unwrap().kind, Personal::Phone);
    }
}
