//! Joins that are run, whole or over damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use hanok_pit::{EntityFrame, FeatureFile, FeatureSource, PitError, join};
use object_store::memory::InMemory;
use tokio::runtime::Runtime;

use crate::brute_force::winners;
use crate::case::Case;
use crate::fixture::{Held, cut, parquet_bytes, stored};
use crate::input::Input;

/// One runtime for all joins: making one takes longer than a join.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).build().expect("a runtime")
    })
}

fn frame(case: &Case) -> (RecordBatch, EntityFrame) {
    let entity = case.entity_batch();
    let (schema, batches) = (entity.schema(), cut(&entity, case.entity_batch_rows));
    (entity, EntityFrame { schema, batches, timestamp: "ts".to_owned() })
}

/// The feature rows as files, or one without rows.
fn files(case: &Case) -> Vec<Vec<u8>> {
    let features = case.feature_batch();
    let mut pieces = cut(&features, case.file_rows);
    if pieces.is_empty() {
        pieces.push(features);
    }
    pieces.iter().map(|piece| parquet_bytes(piece, case.layout)).collect()
}

fn in_store(files: Vec<Vec<u8>>) -> Vec<FeatureFile> {
    let store = Arc::new(InMemory::new());
    let files = files.into_iter().enumerate();
    files.map(|(at, bytes)| stored(&store, &format!("{at}.parquet"), bytes)).collect()
}

fn joined(case: &Case, frame: EntityFrame, source: FeatureSource) -> Result<Vec<RecordBatch>, PitError> {
    join(frame, vec![case.view(source)], &case.options)?.collect()
}

/// Runs the join and compares it with the definition, row by row and value by value.
pub fn check(case: &Case) {
    let _entered = runtime().enter();
    let (entity, frame) = frame(case);
    let source = if case.as_batches {
        let features = case.feature_batch();
        let (schema, batches) = (features.schema(), cut(&features, case.file_rows));
        FeatureSource::Batches(Arc::new(Held { schema, batches, rereadable: true }))
    } else {
        FeatureSource::Files(in_store(files(case)))
    };
    let batches = joined(case, frame, source).expect("a join of whole files");
    let expected = winners(case);
    let mut row = 0;
    for batch in &batches {
        let rows = row..row + batch.num_rows();
        assert!(batch.num_rows() <= case.options.batch_rows_max, "{rows:?}");
        let own = entity.slice(row, batch.num_rows());
        assert_eq!(&batch.columns()[..own.num_columns()], own.columns(), "entity rows {rows:?}");
        check_values(case, batch, &expected[rows.clone()]);
        row = rows.end;
    }
    assert_eq!(row, case.entity.len());
}

fn check_values(case: &Case, batch: &RecordBatch, expected: &[Option<usize>]) {
    let column = |name: &str| batch.column_by_name(name).expect("a column of the view");
    let found: Vec<_> =
        column("f_row").as_primitive::<Int64Type>().iter().map(|row| row.map(|row| row as usize)).collect();
    assert_eq!(found, expected, "the winners");
    let value = |row: usize| case.features[row].value;
    let numbers: Vec<_> = column("f_n").as_primitive::<Int64Type>().iter().collect();
    assert_eq!(numbers, expected.iter().map(|row| row.and_then(value)).collect::<Vec<_>>());
    let texts: Vec<_> = column("f_s").as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect();
    let expected_texts = expected.iter().map(|row| row.and_then(value).map(|value| format!("value {value}")));
    assert_eq!(texts, expected_texts.collect::<Vec<_>>());
    let reals: Vec<_> = column("f_r").as_primitive::<Float64Type>().iter().collect();
    let expected_reals = expected.iter().map(|row| row.map(|row| value(row).unwrap_or(-1) as f64 / 8.0));
    assert_eq!(reals, expected_reals.collect::<Vec<_>>());
    assert_eq!(column("f_row").null_count(), expected.iter().filter(|row| row.is_none()).count());
}

/// What happens to one of the files.
#[derive(Debug)]
pub struct Damage {
    file: usize,
    /// Where, counted from the file's end, and the bits that change.
    flips: Vec<(usize, u8)>,
    /// How much is left.
    kept: Option<usize>,
}

impl Damage {
    /// The damage that these bytes describe.
    pub fn read(input: &mut Input<'_>) -> Self {
        let file = usize::from(input.byte());
        let kept = (input.below(16) == 0).then(|| usize::from(input.byte()) << 3);
        let flips = (0..1 + input.below(8)).map(|_| {
            let at = usize::from(input.byte()) | usize::from(input.byte()) << 8;
            (at, input.byte())
        });
        Self { file, flips: flips.collect(), kept }
    }

    fn apply(&self, files: &mut [Vec<u8>]) {
        let which = self.file % files.len();
        let bytes = &mut files[which];
        for (at, bits) in &self.flips {
            let len = bytes.len();
            bytes[len - 1 - at % len] ^= bits;
        }
        if let Some(kept) = self.kept {
            bytes.truncate(kept);
        }
    }
}

/// Runs the join over damaged files: an answer or an error, never a panic. Panics of the Parquet reader count as errors
/// where the join takes them as such.
pub fn run_damaged(case: &Case, damage: &Damage) {
    let _entered = runtime().enter();
    let mut files = files(case);
    damage.apply(&mut files);
    let source = FeatureSource::Files(in_store(files));
    let (_, frame) = frame(case);
    let ran = catch_unwind(AssertUnwindSafe(|| joined(case, frame, source).map(|batches| batches.len())));
    if ran.is_err() {
        eprintln!("a panic got out of the join");
        std::process::abort();
    }
}
