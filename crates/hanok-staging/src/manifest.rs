//! What was done to make a staging branch, and a code that says so.

use serde::{Deserialize, Serialize};

use hanok_types::TableName;

use crate::design::{ColumnDesign, Fate, TableDesign};
use crate::mask::Counts;
use crate::plan::{Keys, Sample};

/// What was done, or with a preview would be. It holds no value of any table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this form.
    pub form: u32,
    /// The version of Hanok.
    pub hanok: String,
    /// The branch's name.
    pub branch: String,
    /// Its id; empty in a preview.
    pub id: String,
    /// The branch that it was made of.
    pub parent: String,
    /// The moment of the parent, microseconds since 1970-01-01 UTC.
    pub as_of_us: i64,
    /// BLAKE3 of the plan's text, hexadecimal.
    pub plan: String,
    /// Whether the masking key was given in a file, so that it exists beyond the making.
    pub key_was_given: bool,
    /// The k that was asked for.
    pub k: u64,
    /// Every table of the parent.
    pub tables: Vec<TableManifest>,
    /// What remains possible, for people.
    pub risks: Vec<String>,
}

/// What became of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableManifest {
    /// The table.
    pub table: TableName,
    /// `shared`, `masked`, `synthetic` or `omitted`.
    pub fate: String,
    /// Why it is omitted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The parent's version that was read.
    pub version: Option<u64>,
    /// Rows of the parent, where they were counted.
    pub rows_parent: Option<u64>,
    /// Rows of the branch.
    pub rows: Option<u64>,
    /// Bytes of the branch; of a preview estimated, and 0 of what is shared.
    pub bytes: u64,
    /// Rows that the sample began with.
    pub roots: u64,
    /// Rows that refer to them, and so on.
    pub children: u64,
    /// Rows that are there because others refer to them.
    pub referenced: u64,
    /// What the sample began with, without its keys.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sample: Option<String>,
    /// Its foreign keys.
    pub references: Vec<String>,
    /// Its columns; empty when it is shared or omitted.
    pub columns: Vec<ColumnManifest>,
    /// How easily its rows are told apart, where quasi-identifiers are named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anonymity: Option<Anonymity>,
}

/// What became of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnManifest {
    /// The column.
    pub column: String,
    /// Its treatment with every parameter.
    pub treatment: String,
    /// Why it is taken for personal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub personal: Option<String>,
    /// Why it is kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Classes of rows with equal quasi-identifiers on the branch; see [`hanok_mask::risk::KAnonymity`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anonymity {
    /// The columns.
    pub quasi_identifiers: Vec<String>,
    /// Rows of the smallest class.
    pub smallest: u64,
    /// Classes.
    pub classes: u64,
    /// Classes of fewer than k rows.
    pub classes_below: u64,
    /// Rows in them.
    pub rows_below: u64,
    /// Rows that no other equals.
    pub unique_rows: u64,
}

impl Manifest {
    /// The form of this version.
    pub const FORM: u32 = 1;

    /// The names of tables whose originals are not on the branch.
    pub fn protected(&self) -> impl Iterator<Item = &TableName> {
        self.tables.iter().filter(|table| table.fate != "shared").map(|table| &table.table)
    }

    /// Rows of the masked tables' roots, and of all that is kept of them: how much following references has added.
    pub fn inflation(&self) -> (u64, u64) {
        let masked = self.tables.iter().filter(|table| table.fate == "masked");
        masked
            .fold((0, 0), |(roots, rows), table| (roots + table.roots, rows + table.rows.unwrap_or_default()))
    }

    /// What remains possible.
    pub(crate) fn assess(&mut self) {
        let mut risks = Vec::new();
        for table in &self.tables {
            let name = &table.table;
            for column in
                table.columns.iter().filter(|column| column.treatment == "keep" && column.personal.is_some())
            {
                let reason = column.reason.as_deref().unwrap_or("what it refers to is");
                risks.push(format!("{name}.{} is kept: {reason}", column.column));
            }
            if let Some(anonymity) = table.anonymity.as_ref().filter(|anonymity| anonymity.rows_below > 0) {
                risks.push(format!(
                    "{name}: {} of {} rows share {} with fewer than {} rows, {} with none",
                    anonymity.rows_below,
                    table.rows.unwrap_or_default(),
                    anonymity.quasi_identifiers.join(", "),
                    self.k,
                    anonymity.unique_rows,
                ));
            }
        }
        if self.key_was_given {
            risks.push(
                "the masking key was given in a file: whoever has it can test guesses and undo `fpe`"
                    .to_owned(),
            );
        }
        self.risks = risks;
    }
}

impl TableManifest {
    pub(crate) fn new(table: &TableName, design: &TableDesign, version: Option<u64>) -> Self {
        let (fate, reason) = match &design.fate {
            Fate::Share => ("shared", None),
            Fate::Mask => ("masked", None),
            Fate::Synthetic => ("synthetic", None),
            Fate::Omit(reason) => ("omitted", Some(reason.clone())),
        };
        Self {
            table: table.clone(),
            fate: fate.to_owned(),
            reason,
            version,
            rows_parent: None,
            rows: None,
            bytes: 0,
            roots: 0,
            children: 0,
            referenced: 0,
            sample: design.sample.as_ref().map(sample),
            references: design.references.iter().map(ToString::to_string).collect(),
            columns: design.columns.iter().map(ColumnManifest::new).collect(),
            anonymity: None,
        }
    }

    pub(crate) fn count(&mut self, counts: Counts) {
        self.rows_parent = Some(counts.parent);
        self.rows = Some(counts.kept());
        (self.roots, self.children, self.referenced) = (counts.roots, counts.children, counts.referenced);
    }
}

impl ColumnManifest {
    fn new(column: &ColumnDesign) -> Self {
        Self {
            column: column.name.clone(),
            treatment: column.treatment.to_string(),
            personal: column.personal.clone(),
            reason: column.reason.clone(),
        }
    }
}

/// What a sample begins with. Keys are values, and a query may name some.
fn sample(sample: &Sample) -> String {
    match sample {
        Sample::Rate(rate) => format!("rate {rate}"),
        Sample::Keys(Keys::List(keys)) => format!("{} keys", keys.len()),
        Sample::Keys(Keys::File(_)) => "keys of a file".to_owned(),
        Sample::Sql(_) => "keys of a query".to_owned(),
    }
}

/// The code of a manifest's bytes under the project's key, hexadecimal: a keyed BLAKE3. It proves to whoever has the key
/// that somebody who has it wrote exactly this, and nothing to anybody else.
pub fn sign(manifest: &str, key: &[u8; 32]) -> String {
    let key = blake3::derive_key("hanok 2026 staging manifest", key);
    blake3::keyed_hash(&key, manifest.as_bytes()).to_hex().to_string()
}

/// Whether a signature is that of the manifest under the key.
pub fn is_signed(manifest: &str, signature: &str, key: &[u8; 32]) -> bool {
    let expected = blake3::Hash::from_hex(sign(manifest, key));
    // Comparing hashes takes the same time whatever differs.
    matches!((expected, blake3::Hash::from_hex(signature)), (Ok(expected), Ok(given)) if expected == given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_one_text_and_one_key() {
        let signature = sign("{}", &[1; 32]);
        assert!(is_signed("{}", &signature, &[1; 32]));
        assert!(!is_signed("{ }", &signature, &[1; 32]));
        assert!(!is_signed("{}", &signature, &[2; 32]));
        assert!(!is_signed("{}", "no code", &[1; 32]));
    }
}
