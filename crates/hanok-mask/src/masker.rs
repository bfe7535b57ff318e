//! Applying a treatment to columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray, new_null_array};
use arrow::datatypes::DataType;

use crate::error::{MaskError, Result, unsupported};
use crate::fake::FakeMasker;
use crate::fpe::FpeMasker;
use crate::generalise::{self, generalise};
use crate::hash::HashMasker;
use crate::key::Key;
use crate::noise::NoiseMasker;
use crate::rows::RowIds;
use crate::shuffle::shuffle;
use crate::text::{cast, is_text, text};
use crate::treatment::Treatment;

/// A treatment with its key, ready for batch after batch. Batches may be split in any way, except for the treatments that
/// need the whole column ([`Treatment::needs_column`]). It keeps tables of small permutations, so one for many batches is
/// faster than one for each; it is not shared between threads, but two of the same key and domain agree.
pub struct Masker {
    treatment: Treatment,
    work: Work,
}

enum Work {
    /// Nothing keyed.
    Plain,
    Hash(HashMasker),
    Fpe(Box<FpeMasker>),
    Fake(Box<FakeMasker>),
    Noise(NoiseMasker),
    Shuffle(Key),
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").field("treatment", &self.treatment).finish_non_exhaustive()
    }
}

/// Applies a treatment to one column once. `None`: the column is left out (`drop`). Nulls stay null.
///
/// `domain` names what the values are: columns that refer to each other have the same. `rows` is used by `noise` only.
pub fn apply(
    treatment: &Treatment,
    key: &Key,
    domain: &str,
    column: &ArrayRef,
    rows: Option<&RowIds>,
) -> Result<Option<ArrayRef>, MaskError> {
    Masker::new(treatment, key, domain).apply(column, rows)
}

impl Masker {
    /// A masker for the columns of `domain` of the branch with this key.
    pub fn new(treatment: &Treatment, key: &Key, domain: &str) -> Self {
        let work = match treatment {
            Treatment::Hash(hash) => Work::Hash(HashMasker::new(hash.length, key, domain)),
            Treatment::Fpe(fpe) => Work::Fpe(Box::new(FpeMasker::new(*fpe, key, domain))),
            Treatment::Fake(fake) => Work::Fake(Box::new(FakeMasker::new(*fake, key, domain))),
            Treatment::Noise(noise) => Work::Noise(NoiseMasker::new(*noise, key, domain)),
            Treatment::Shuffle => Work::Shuffle(key.derive("shuffle", domain)),
            _ => Work::Plain,
        };
        Self { treatment: treatment.clone(), work }
    }

    /// Masks a column or a batch of it; see [`apply`].
    pub fn apply(&mut self, column: &ArrayRef, rows: Option<&RowIds>) -> Result<Option<ArrayRef>, MaskError> {
        let data_type = column.data_type();
        let masked = match (&self.treatment, data_type) {
            (Treatment::Null, _) => new_null_array(data_type, column.len()),
            (Treatment::Drop, _) => return Ok(None),
            (Treatment::Synthetic, _) => return Err(MaskError::WholeTable),
            (Treatment::Keep, _) | (_, DataType::Null) => column.clone(),
            (treatment, DataType::Dictionary(_, values)) if treatment.needs_rows() => {
                let plain = cast(column, values)?;
                let masked = self.plain(&plain, rows)?;
                if masked.data_type() == values.as_ref() { cast(&masked, data_type)? } else { masked }
            }
            // Once for each distinct value.
            (_, DataType::Dictionary(..)) => {
                let dictionary = column.as_any_dictionary();
                let values = self.plain(dictionary.values(), None)?;
                dictionary.with_values(values)
            }
            _ => self.plain(column, rows)?,
        };
        Ok(Some(masked))
    }

    fn plain(&mut self, column: &ArrayRef, rows: Option<&RowIds>) -> Result<ArrayRef> {
        let data_type = column.data_type();
        self.treatment.output_type(data_type)?;
        let is_text = is_text(data_type);
        let texts = |write: &mut dyn FnMut(&StringArray) -> Result<StringArray>| -> Result<ArrayRef> {
            let out: ArrayRef = Arc::new(write(&text(column)?)?);
            cast(&out, data_type)
        };
        match (&self.treatment, &mut self.work) {
            (_, Work::Hash(hash)) if is_text => texts(&mut |column| hash.text(column)),
            (_, Work::Hash(hash)) if data_type.is_integer() => hash.integers(column),
            (_, Work::Hash(hash)) => Ok(Arc::new(hash.bytes(column)?)),
            (_, Work::Fpe(fpe)) if is_text => texts(&mut |column| fpe.text(column)),
            (_, Work::Fpe(fpe)) => fpe.integers(column),
            (_, Work::Fake(fake)) => texts(&mut |column| fake.text(column)),
            (_, Work::Noise(noise)) => noise.apply(column, rows),
            (_, Work::Shuffle(key)) => shuffle(column, key),
            (Treatment::Generalise(settings), Work::Plain) => generalise(settings, column),
            _ => Ok(column.clone()),
        }
    }
}

impl Treatment {
    /// The type of the masked column; `None` when it is left out. An error when the treatment does not fit the type.
    pub fn output_type(&self, input: &DataType) -> Result<Option<DataType>, MaskError> {
        if let DataType::Dictionary(keys, values) = input {
            let Some(masked) = self.output_type(values)? else { return Ok(None) };
            let is_kept = !self.needs_rows() || &masked == values.as_ref();
            return Ok(Some(if is_kept {
                DataType::Dictionary(keys.clone(), Box::new(masked))
            } else {
                masked
            }));
        }
        let is_text = is_text(input);
        let is_bytes = matches!(
            input,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
        );
        let is_time = matches!(input, DataType::Date32 | DataType::Date64 | DataType::Timestamp(..));
        let masked = match self {
            Self::Drop => return Ok(None),
            Self::Synthetic => return Err(MaskError::WholeTable),
            Self::Keep | Self::Null | Self::Shuffle => Some(input.clone()),
            _ if input == &DataType::Null => Some(DataType::Null),
            Self::Hash(_) if is_text => Some(input.clone()),
            Self::Hash(_) if is_bytes => Some(DataType::Utf8),
            Self::Hash(_) => input.is_integer().then_some(DataType::Int64),
            Self::Fpe(_) => (is_text || input.is_integer()).then(|| input.clone()),
            Self::Fake(_) => is_text.then(|| input.clone()),
            Self::Noise(_) => (is_time || input.is_numeric()).then(|| input.clone()),
            Self::Generalise(settings) => generalise::output_type(settings, input),
        };
        masked.map(Some).ok_or_else(|| unsupported(self.name(), input))
    }

    /// True when the whole column has to be given at once, because the result depends on more than each value.
    pub fn needs_column(&self) -> bool {
        match self {
            Self::Shuffle | Self::Synthetic => true,
            Self::Generalise(settings) => generalise::needs_column(settings),
            _ => false,
        }
    }

    /// True when values cannot be masked once for each distinct value.
    fn needs_rows(&self) -> bool {
        self.needs_column() || matches!(self, Self::Noise(_))
    }
}
