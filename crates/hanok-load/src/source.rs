//! `sources/*.yaml`: what to load.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use hanok_config::{ConfigError, read_yaml, yaml_files};
use hanok_error::{Code, Coded, code};
use hanok_types::{Name, NameError, TableName};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::options::{Contract, CsvOptions, Format, Limits, Policy, ReadOptions};
use crate::types::ColumnType;

/// What a load does with the rows that are there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// They stay; files that were loaded before are skipped.
    #[default]
    Append,
    /// They go. The table is what the files are now; if they are as they were, nothing happens.
    Replace,
}

/// A source: files that become the table `raw.<name>`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The name, and the table's.
    pub name: Name,
    /// Paths and globs, relative to the project.
    pub files: Vec<String>,
    /// Append or replace.
    pub disposition: Disposition,
    /// The columns that tell the table's rows apart. It is not checked when rows are loaded: a merge of branches and
    /// `branch diff` use it.
    pub primary_key: Vec<String>,
    /// How to read the files.
    pub options: ReadOptions,
    /// The file that defines it.
    pub defined_in: PathBuf,
}

impl Source {
    /// `raw.<name>`.
    pub fn table(&self) -> Result<TableName, NameError> {
        TableName::new("raw", self.name.as_str())
    }

    /// `raw.<name>__rejects`.
    pub fn rejects_table(&self) -> Result<TableName, NameError> {
        TableName::new("raw", &format!("{}__rejects", self.name))
    }
}

/// A source definition cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file cannot be read or parsed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Two sources have one name.
    #[error("the source `{name}` is defined in {} and again in {}", .first.display(), .second.display())]
    Twice {
        /// The name.
        name: Name,
        /// Where first.
        first: PathBuf,
        /// Where again.
        second: PathBuf,
    },
}

impl Coded for SourceError {
    fn code(&self) -> Code {
        code::LOAD_SOURCE_INVALID
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.place(),
            Self::Twice { second, .. } => Some(second.display().to_string()),
        }
    }
}

/// Reads all sources of a project, in the order of the files' names.
///
/// # Errors
/// [`SourceError`] with file, line and column for anything that is not understood; unknown fields are errors.
pub fn read_sources(project: &Path) -> Result<Vec<Source>, SourceError> {
    let mut sources: Vec<Source> = Vec::new();
    for path in yaml_files(&project.join("sources"))? {
        let file: SourcesFile = read_yaml(&path)?;
        for definition in file.sources {
            let source = definition.resolve(&path);
            if let Some(first) =
                sources.iter().find(|other| crate::names::same(other.name.as_str(), source.name.as_str()))
            {
                let first = first.defined_in.clone();
                return Err(SourceError::Twice { name: source.name, first, second: path });
            }
            sources.push(source);
        }
    }
    Ok(sources)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcesFile {
    #[serde(default)]
    sources: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Definition {
    name: Name,
    files: Texts,
    #[serde(default)]
    format: Option<Format>,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    primary_key: Option<Texts>,
    #[serde(default)]
    csv: CsvDefinition,
    #[serde(default)]
    columns: BTreeMap<String, ColumnType>,
    #[serde(default)]
    contract: ContractDefinition,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct CsvDefinition {
    delimiter: Option<Character>,
    header: Option<bool>,
    quote: Option<Quote>,
    nulls: Option<Texts>,
    encoding: Option<EncodingLabel>,
}

impl Definition {
    fn resolve(self, path: &Path) -> Source {
        let defaults = CsvOptions::default();
        let csv = CsvOptions {
            delimiter: self.csv.delimiter.map(|character| character.0),
            header: self.csv.header.unwrap_or(defaults.header),
            quote: self.csv.quote.map_or(defaults.quote, |quote| quote.0),
            nulls: self.csv.nulls.map_or(defaults.nulls, |texts| texts.0),
            encoding: self.csv.encoding.map_or(defaults.encoding, |label| label.0),
        };
        Source {
            name: self.name,
            files: self.files.0,
            disposition: self.disposition,
            primary_key: self.primary_key.map(|texts| texts.0).unwrap_or_default(),
            options: ReadOptions {
                format: self.format,
                csv,
                columns: self.columns,
                contract: self.contract.0,
                limits: Limits::default(),
            },
            defined_in: path.to_owned(),
        }
    }
}

/// A text or a list of texts. A visitor, because an untagged enum would lose the place of errors.
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;
        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Texts, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Texts)
            }
        }
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// One policy for both, or one each.
#[derive(Default)]
struct ContractDefinition(Contract);

impl<'de> Deserialize<'de> for ContractDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Parts {
            #[serde(default)]
            columns: Policy,
            #[serde(default)]
            types: Policy,
        }
        struct ContractVisitor;
        impl<'de> Visitor<'de> for ContractVisitor {
            type Value = ContractDefinition;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("evolve, freeze, discard_row, or a map with `columns` and `types`")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<ContractDefinition, E> {
                let policy = match text {
                    "evolve" => Policy::Evolve,
                    "freeze" => Policy::Freeze,
                    "discard_row" => Policy::DiscardRow,
                    _ => return Err(E::custom(format!("`{text}` is not evolve, freeze or discard_row"))),
                };
                Ok(ContractDefinition(Contract { columns: policy, types: policy }))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ContractDefinition, A::Error> {
                let Parts { columns, types } = Parts::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ContractDefinition(Contract { columns, types }))
            }
        }
        deserializer.deserialize_any(ContractVisitor)
    }
}

/// One ASCII character; `\t` may also be written as two.
struct Character(u8);

fn character<E: Error>(text: &str) -> Result<u8, E> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err(E::custom(format!("{text:?} is not one ASCII character"))),
    }
}

impl<'de> Deserialize<'de> for Character {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        character(&String::deserialize(deserializer)?).map(Self)
    }
}

/// One ASCII character, or an empty text for none.
struct Quote(Option<u8>);

impl<'de> Deserialize<'de> for Quote {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Ok(Self(None)) } else { character(&text).map(|quote| Self(Some(quote))) }
    }
}

struct EncodingLabel(String);

impl<'de> Deserialize<'de> for EncodingLabel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let label = String::deserialize(deserializer)?;
        match encoding_rs::Encoding::for_label(label.as_bytes()) {
            Some(_) => Ok(Self(label)),
            None => {
                Err(D::Error::custom(format!("`{label}` is not an encoding of the WHATWG Encoding Standard")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(yaml: &str) -> Result<Vec<Source>, SourceError> {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir(project.path().join("sources")).unwrap();
        std::fs::write(project.path().join("sources/a.yaml"), yaml).unwrap();
        read_sources(project.path())
    }

    #[test]
    fn a_whole_definition() {
        let sources = read(
            "sources:\n  - name: flights\n    files: data/*.csv\n    format: csv\n    disposition: replace\n    primary_key: [year, flight]\n    csv: { \
             delimiter: \"\\t\", header: false, quote: \"\", nulls: [NA, \"\"], encoding: euc-kr }\n    columns: { \
             year: int64 }\n    contract: { types: freeze }\n  - name: b\n    files: [x.parquet]\n    contract: discard_row\n",
        )
        .unwrap();
        let [a, b] = &sources[..] else { panic!("{sources:?}") };
        assert_eq!((a.name.as_str(), &a.files[..]), ("flights", &["data/*.csv".to_owned()][..]));
        assert_eq!(a.disposition, Disposition::Replace);
        assert_eq!(
            (&a.primary_key[..], b.primary_key.len()),
            (&["year", "flight"].map(str::to_owned)[..], 0)
        );
        assert_eq!(a.options.csv.delimiter, Some(b'\t'));
        assert_eq!((a.options.csv.quote, a.options.csv.header), (None, false));
        assert_eq!(a.options.csv.nulls, ["NA", ""]);
        assert_eq!(a.options.columns["year"], ColumnType::Int64);
        assert_eq!(a.options.contract, Contract { columns: Policy::Evolve, types: Policy::Freeze });
        assert_eq!(b.options.contract, Contract { columns: Policy::DiscardRow, types: Policy::DiscardRow });
        assert_eq!(b.options.csv, CsvOptions::default());
        assert_eq!(a.rejects_table().unwrap().to_string(), "raw.flights__rejects");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (yaml, line, part) in [
            ("sources:\n  - name: a\n    files: x\n    colour: red\n", "4:", "colour"),
            ("sources:\n  - name: a-b\n    files: x\n", "2:", "a-b"),
            ("sources:\n  - name: a\n    files: x\n    csv: { delimiter: ab }\n", "4:", "ASCII"),
            ("sources:\n  - name: a\n    files: x\n    columns: { y: int65 }\n", "4:", "int65"),
            ("sources:\n  - name: a\n    files: x\n    contract: strict\n", "4:", "strict"),
            ("sources:\n  - name: a\n    files: x\n    csv: { encoding: klingon }\n", "4:", "klingon"),
        ] {
            let error = read(yaml).unwrap_err();
            let place = error.place().unwrap();
            assert!(place.contains(&format!("a.yaml:{line}")), "{yaml}: {place}");
            assert!(error.to_string().contains(part), "{yaml}: {error}");
        }
        let twice = read("sources:\n  - {name: a, files: x}\n  - {name: A, files: z}\n").unwrap_err();
        assert!(matches!(twice, SourceError::Twice { .. }), "{twice:?}");
    }
}
