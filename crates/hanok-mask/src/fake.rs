//! Invented values: the same value always gets the same fake, and nothing of the value is in it beyond what its kind says.

mod contact;
pub(crate) mod names;
mod places;
mod words;

use arrow::array::StringArray;

use crate::error::Result;
use crate::fpe::FpeMasker;
use crate::key::{Draws, Key, Random};
use crate::permute::Permuter;
use crate::resident;
use crate::text::{Problem, map_text};
use crate::treatment::{Alphabet, Fake, FakeKind, Fpe, Locale, Resident};

/// Crockford's alphabet: no letters that are taken for digits.
const TAG: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

pub(crate) struct FakeMasker {
    settings: Fake,
    key: Key,
    permuter: Permuter,
    fpe: FpeMasker,
    surnames: Vec<u8>,
    /// Digits of the value at work.
    digits: String,
}

impl FakeMasker {
    pub(crate) fn new(settings: Fake, key: &Key, domain: &str) -> Self {
        let key = key.derive(settings.kind.name(), domain);
        let fpe = Fpe { alphabet: Alphabet::Shape, digits: None, resident: Resident::Replace };
        Self {
            settings,
            permuter: Permuter::new(&key),
            fpe: FpeMasker::new(fpe, &key, ""),
            surnames: names::surname_slots(),
            digits: String::new(),
            key,
        }
    }

    pub(crate) fn text(&mut self, column: &StringArray) -> Result<StringArray> {
        match (self.settings.kind, self.settings.unique) {
            (FakeKind::StudentNumber, true) => self.fpe.text(column),
            _ => map_text(column, |value, out| {
                self.write(value, out);
                Ok::<(), Problem>(())
            }),
        }
    }

    /// Writes the fake of one value. An empty text stays empty: there is nothing to hide in it.
    pub(crate) fn write(&mut self, value: &str, out: &mut String) {
        if value.is_empty() {
            return;
        }
        match self.settings.kind {
            FakeKind::ResidentNumber => return self.resident_number(value, out),
            FakeKind::Phone => return self.phone(value, out),
            _ => {}
        }
        let seed = self.key.hash(value.as_bytes());
        let mut draws = Draws::new(&seed);
        let korean = self.settings.locale == Locale::Korean;
        let unique = self.settings.unique;
        match self.settings.kind {
            FakeKind::Name if korean => names::korean(&mut draws, &self.surnames, out),
            FakeKind::Name => names::english(&mut draws, out),
            FakeKind::Address if korean => places::korean(&mut draws, out),
            FakeKind::Address => places::english(&mut draws, out),
            FakeKind::Company => words::company(&mut draws, korean, out),
            FakeKind::Text => words::text(&mut draws, korean, value.chars().count(), out),
            FakeKind::StudentNumber => contact::student_number(&mut draws, value, out),
            FakeKind::Email => {
                contact::local_part(&mut draws, out);
                if unique {
                    tag(&seed, ".", out);
                }
                out.push_str("@example.invalid");
                return;
            }
            FakeKind::Phone | FakeKind::ResidentNumber => return,
        }
        if unique {
            tag(&seed, " ", out);
        }
    }

    fn resident_number(&mut self, value: &str, out: &mut String) {
        let image = match resident::parse(value) {
            Some(digits) if resident::is_plausible(&digits) => resident::invalid(&mut self.permuter, &digits),
            _ => {
                let number = u128::from(self.key.draws(value.as_bytes()).next_u64());
                resident::invalid_of(&mut self.permuter, number)
            }
        };
        resident::write(&image, value, out);
    }

    fn phone(&mut self, value: &str, out: &mut String) {
        let style = contact::phone_digits(value, &mut self.digits);
        let seed = self.key.hash(if self.digits.is_empty() { value } else { &self.digits }.as_bytes());
        let mut number = [b'0'; 24];
        let length = if self.settings.unique {
            contact::unique_phone(&mut self.permuter, &self.digits, &seed, &mut number)
        } else {
            let subscriber = Draws::new(&seed).below(10_000_000);
            contact::put_digits(&mut number[4..11], subscriber);
            11
        };
        number[1] = if number[1] == b'0' { b'1' } else { number[1] };
        style.write(&number[..length], out);
    }
}

/// Sixty-four keyed bits in thirteen characters.
fn tag(seed: &[u8; 32], before: &str, out: &mut String) {
    out.push_str(before);
    let mut bits = word(seed);
    for _ in 0..13 {
        out.push(char::from(TAG[(bits % 32) as usize]));
        bits /= 32;
    }
}

/// Sixty-four bits of a keyed hash.
fn word(seed: &[u8; 32]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&seed[24..]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn masker(kind: FakeKind, locale: Locale, unique: bool) -> FakeMasker {
        FakeMasker::new(Fake { kind, locale, unique }, &Key::new([6; 32]), "person")
    }

    fn fake(masker: &mut FakeMasker, value: &str) -> String {
        let mut out = String::new();
        masker.write(value, &mut out);
        out
    }

    const KINDS: [FakeKind; 8] = [
        FakeKind::Name,
        FakeKind::Phone,
        FakeKind::Address,
        FakeKind::Email,
        FakeKind::Company,
        FakeKind::StudentNumber,
        FakeKind::ResidentNumber,
        FakeKind::Text,
    ];

    #[test]
    fn surnames_are_as_frequent_as_in_korea() {
        let mut masker = masker(FakeKind::Name, Locale::Korean, false);
        let mut counts: HashMap<char, u32> = HashMap::new();
        for at in 0..20_000 {
            let name = fake(&mut masker, &format!("사람 {at}"));
            assert_eq!(name.chars().count(), 3, "{name}");
            *counts.entry(name.chars().next().unwrap()).or_default() += 1;
        }
        let share = |surname: char| f64::from(counts[&surname]) / 20_000.0;
        assert!((share('김') - 0.215).abs() < 0.02, "{}", share('김'));
        assert!((share('이') - 0.147).abs() < 0.02, "{}", share('이'));
        assert!((share('박') - 0.084).abs() < 0.02, "{}", share('박'));
    }

    #[test]
    fn phones_are_unassigned_and_keep_their_style() {
        let mut masker = masker(FakeKind::Phone, Locale::Korean, false);
        let shape = |text: &str| {
            text.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect::<String>()
        };
        for (value, expected) in [
            ("010-1234-5678", "999-9999-9999"),
            ("010.1234.5678", "999.9999.9999"),
            ("010 1234 5678", "999 9999 9999"),
            ("01012345678", "99999999999"),
            ("+82 10-1234-5678", "+99 99-9999-9999"),
            ("+82-10-1234-5678", "+99-99-9999-9999"),
            ("(02) 123-4567", "999-9999-9999"),
            ("011-234-5678", "999-9999-9999"),
        ] {
            let phone = fake(&mut masker, value);
            assert_eq!(shape(&phone), expected, "{value} → {phone}");
            let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
            assert!(digits.starts_with("0100") || digits.starts_with("82100"), "{phone}");
        }
        let digits = |text: String| text.replace(['-', '.', ' '], "");
        assert_eq!(digits(fake(&mut masker, "010-1234-5678")), fake(&mut masker, "01012345678"));
    }

    #[test]
    fn unique_fakes_are_distinct() {
        for kind in KINDS {
            for locale in [Locale::Korean, Locale::English] {
                let mut masker = masker(kind, locale, true);
                let values = (0..10_000).map(|at| match kind {
                    FakeKind::Phone if at % 10 == 0 => format!("011-{:03}-{:04}", 200 + at / 100, at % 100),
                    FakeKind::Phone if at % 10 == 1 => format!("내선 {at}"),
                    FakeKind::Phone => format!("010-{:04}-{:04}", 2000 + at / 100, at),
                    FakeKind::StudentNumber => format!("2023-{at:05}"),
                    FakeKind::ResidentNumber => format!("0101{:02}-3{at:06}", at % 28 + 1),
                    _ => format!("value {at}"),
                });
                let values = StringArray::from(values.collect::<Vec<_>>());
                let out = masker.text(&values).unwrap();
                let distinct: HashSet<&str> = out.iter().flatten().collect();
                assert_eq!(distinct.len(), 10_000, "{kind:?}");
            }
        }
    }

    #[test]
    fn nothing_valid_is_invented() {
        let mut emails = masker(FakeKind::Email, Locale::Korean, false);
        assert!(fake(&mut emails, "a@school.kr").ends_with("@example.invalid"));
        let mut residents = masker(FakeKind::ResidentNumber, Locale::Korean, false);
        for value in ["900101-1234567", "not one", "9001011234567"] {
            let digits = resident::parse(&fake(&mut residents, value).replace(' ', "-")).unwrap();
            assert!(digits[2] * 10 + digits[3] > 12);
        }
        let mut students = masker(FakeKind::StudentNumber, Locale::Korean, false);
        let student = fake(&mut students, "2023-10457");
        let year: i32 = student[..4].parse().unwrap();
        assert!((2021..=2025).contains(&year) && &student[4..5] == "-" && student.len() == 10, "{student}");
        for kind in KINDS {
            assert_eq!(fake(&mut masker(kind, Locale::Korean, true), ""), "");
        }
    }

    proptest! {
        #[test]
        fn texts_stay_in_their_length_class(value in "[가-힣a-z ]{1,400}", english: bool) {
            let locale = if english { Locale::English } else { Locale::Korean };
            let out = fake(&mut masker(FakeKind::Text, locale, false), &value);
            let class = |text: &str| text.chars().count().ilog2();
            prop_assert_eq!(class(&out), class(&value), "{}", out);
        }

        #[test]
        fn fakes_are_deterministic(value in "\\PC{1,40}", unique: bool) {
            for kind in KINDS {
                let first = fake(&mut masker(kind, Locale::Korean, unique), &value);
                prop_assert_eq!(&first, &fake(&mut masker(kind, Locale::Korean, unique), &value));
                prop_assert!(!first.is_empty());
            }
        }
    }
}
