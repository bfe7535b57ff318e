//! A join: its rows, and how they are stored and read.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema, TimeUnit};
use hanok_pit::{FeatureSource, JoinOptions, ValueColumn, View};
use hanok_types::ValueType;
use parquet::basic::Compression;

use crate::fixture::{KeyForm, Layout, key_column, time_column};
use crate::input::Input;

/// One row of either side; entity rows have no created timestamp and no value.
#[derive(Debug)]
pub(crate) struct Row {
    pub keys: Vec<Option<i64>>,
    pub time: Option<i64>,
    pub created: Option<i64>,
    pub value: Option<i64>,
}

/// A join made of bytes.
#[derive(Debug)]
pub struct Case {
    /// (entity form, feature form) of each key column.
    pub(crate) forms: Vec<(KeyForm, KeyForm)>,
    pub(crate) entity: Vec<Row>,
    pub(crate) features: Vec<Row>,
    pub(crate) ttl_us: Option<i64>,
    pub(crate) with_created: bool,
    pub(crate) as_known_at: bool,
    pub(crate) layout: Layout,
    pub(crate) file_rows: usize,
    pub(crate) entity_batch_rows: usize,
    /// Feature rows come as batches, not as files.
    pub(crate) as_batches: bool,
    pub(crate) options: JoinOptions,
}

/// Forms whose values compare with each other.
const FORMS: [(KeyForm, KeyForm); 13] = [
    (KeyForm::Int64, KeyForm::Int64),
    (KeyForm::Utf8, KeyForm::Utf8),
    (KeyForm::Int32, KeyForm::Int64),
    (KeyForm::Int64, KeyForm::Int8),
    (KeyForm::UInt64, KeyForm::Int64),
    (KeyForm::DictionaryUtf8, KeyForm::Utf8),
    (KeyForm::Utf8View, KeyForm::LargeUtf8),
    (KeyForm::LargeUtf8, KeyForm::Utf8View),
    (KeyForm::Binary, KeyForm::FixedBinary),
    (KeyForm::FixedBinary, KeyForm::Binary),
    (KeyForm::Bool, KeyForm::Bool),
    (KeyForm::Nanos, KeyForm::Micros),
    (KeyForm::Date, KeyForm::Seconds),
];
/// Keys of the widest form.
const WIDE: [i64; 8] = [0, 1, -1, i64::MAX, i64::MIN, 1 << 32, -(1 << 32), i64::MAX - 1];

impl Case {
    /// The join that these bytes describe.
    pub fn read(input: &mut Input<'_>) -> Self {
        let forms: Vec<_> = (0..input.one_of(&[1, 1, 1, 0, 2, 3])).map(|_| input.one_of(&FORMS)).collect();
        let ttl_us = match input.below(8) {
            0..=2 => None,
            3 => Some(0),
            4 => Some(i64::MAX - i64::from(input.byte())),
            _ => Some(i64::from(input.byte())),
        };
        let with_created = input.flag();
        let as_known_at = with_created && input.flag();
        let layout = Layout {
            row_group_rows: 4 + input.below(60),
            page_rows: 2 + input.below(30),
            dictionary: input.flag(),
            statistics: input.flag(),
            compression: input.one_of(&[Compression::UNCOMPRESSED, Compression::SNAPPY]),
            version_2: input.flag(),
        };
        let (file_rows, entity_batch_rows) = (16 + input.below(112), 1 + input.below(64));
        let as_batches = input.below(3) == 0;
        let options = JoinOptions {
            threads: input.one_of(&[1, 1, 1, 3]),
            memory_max_bytes: input.one_of(&[None, None, Some(1), Some(5_000)]),
            batch_rows_max: 1 + input.below(64),
        };
        let keys = 1 + input.below(WIDE.len());
        let entity_rows = input.below(64);
        let entity = (0..entity_rows).map(|_| Row::read(input, &forms, keys, false)).collect();
        let feature_rows = input.below(128);
        let features = (0..feature_rows).map(|_| Row::read(input, &forms, keys, true)).collect();
        Self {
            forms,
            entity,
            features,
            ttl_us,
            with_created,
            as_known_at,
            layout,
            file_rows,
            entity_batch_rows,
            as_batches,
            options,
        }
    }

    /// The view to join.
    pub(crate) fn view(&self, source: FeatureSource) -> View {
        let value =
            |name: &str, target| ValueColumn { source: name.to_owned(), output: format!("f_{name}"), target };
        View {
            name: "v".to_owned(),
            source,
            keys: (0..self.forms.len()).map(|at| (format!("k{at}"), format!("k{at}"))).collect(),
            timestamp: "ts".to_owned(),
            created: self.with_created.then(|| "created".to_owned()),
            ttl_us: self.ttl_us,
            values: vec![
                value("row", None),
                value("n", Some(ValueType::Int64)),
                value("s", None),
                value("r", None),
            ],
            as_known_at: self.as_known_at,
        }
    }

    /// The entity rows.
    pub(crate) fn entity_batch(&self) -> RecordBatch {
        batch(self.keys(&self.entity, |forms| forms.0), &self.entity, false)
    }

    /// The feature rows.
    pub(crate) fn feature_batch(&self) -> RecordBatch {
        batch(self.keys(&self.features, |forms| forms.1), &self.features, true)
    }

    fn keys(&self, rows: &[Row], form: impl Fn(&(KeyForm, KeyForm)) -> KeyForm) -> Vec<(String, ArrayRef)> {
        let column = |(at, forms)| {
            let keys: Vec<_> = rows.iter().map(|row| row.keys[at]).collect();
            (format!("k{at}"), key_column(&keys, form(forms)))
        };
        self.forms.iter().enumerate().map(column).collect()
    }
}

impl Row {
    fn read(input: &mut Input<'_>, forms: &[(KeyForm, KeyForm)], keys: usize, feature: bool) -> Self {
        let mut key = |forms: &(KeyForm, KeyForm)| {
            let byte = input.byte();
            if byte >= 250 {
                return None;
            }
            let number = usize::from(byte) % keys;
            let wide = *forms == (KeyForm::Int64, KeyForm::Int64);
            Some(if wide { WIDE[number] } else { number as i64 })
        };
        let keys = forms.iter().map(&mut key).collect();
        let time = input.time();
        if !feature {
            return Self { keys, time, created: None, value: None };
        }
        let created = input.time();
        let value = input.byte();
        Self { keys, time, created, value: (value < 240).then(|| i64::from(value)) }
    }
}

fn batch(mut columns: Vec<(String, ArrayRef)>, rows: &[Row], features: bool) -> RecordBatch {
    let mut push = |name: &str, column: ArrayRef| columns.push((name.to_owned(), column));
    let time = |of: fn(&Row) -> Option<i64>| {
        time_column(&rows.iter().map(of).collect::<Vec<_>>(), TimeUnit::Microsecond, Some("UTC"))
    };
    push("ts", time(|row| row.time));
    if features {
        push("created", time(|row| row.created));
        push("row", Arc::new((0..rows.len() as i64).map(Some).collect::<Int64Array>()));
        push("n", Arc::new(rows.iter().map(|row| row.value).collect::<Int64Array>()));
        let texts = rows.iter().map(|row| row.value.map(|value| format!("value {value}")));
        push("s", Arc::new(texts.collect::<StringArray>()));
        let reals = rows.iter().map(|row| Some(row.value.unwrap_or(-1) as f64 / 8.0));
        push("r", Arc::new(reals.collect::<Float64Array>()));
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns of one length")
}
