//! Generated joins against a brute-force twin: every feature row is tried for every entity row.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Int64Type, Schema, TimeUnit};
use hanok_pit::{EntityFrame, FeatureSource, JoinOptions, ValueColumn, View, join};
use hanok_types::ValueType;
use object_store::memory::InMemory;
use parquet::basic::{Compression, ZstdLevel};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{
    Held, KeyForm, Layout, SECOND_US, collect, cut, key_column, local, parquet_bytes, stored, time_column,
};

/// Times proptest's usual number of cases, which PROPTEST_CASES sets.
const CASES_FACTOR: u32 = 2;

#[derive(Clone, Debug)]
struct Row {
    keys: Vec<Option<i64>>,
    time: Option<i64>,
    created: Option<i64>,
    value: Option<i64>,
}

#[derive(Clone, Debug)]
struct Case {
    /// (entity form, feature form) of each key column.
    forms: Vec<(KeyForm, KeyForm)>,
    entity: Vec<Row>,
    features: Vec<Row>,
    ttl_us: Option<i64>,
    with_created: bool,
    as_known_at: bool,
    entity_unit: (TimeUnit, Option<&'static str>),
    feature_unit: (TimeUnit, Option<&'static str>),
    layout: Layout,
    file_rows: usize,
    entity_batch_rows: usize,
}

fn forms() -> impl Strategy<Value = (KeyForm, KeyForm)> {
    use KeyForm::{
        Binary, Bool, Date, DictionaryUtf8, FixedBinary, Int8, Int32, Int64, LargeUtf8, Micros, Nanos,
        Seconds, SparseInt64, UInt64, Utf8, Utf8View,
    };
    let int = || prop_oneof![Just(Int8), Just(Int32), Just(Int64), Just(UInt64)];
    let text = || prop_oneof![Just(Utf8), Just(LargeUtf8), Just(Utf8View), Just(DictionaryUtf8)];
    let bytes = || prop_oneof![Just(Binary), Just(FixedBinary)];
    let time = || prop_oneof![Just(Seconds), Just(Micros), Just(Nanos), Just(Date)];
    prop_oneof![
        4 => (int(), int()),
        2 => Just((SparseInt64, SparseInt64)),
        4 => (text(), text()),
        1 => (bytes(), bytes()),
        1 => (time(), time()),
        1 => Just((Bool, Bool)),
    ]
}

fn units() -> impl Strategy<Value = (TimeUnit, Option<&'static str>)> {
    let unit = prop_oneof![
        1 => Just(TimeUnit::Second),
        1 => Just(TimeUnit::Millisecond),
        4 => Just(TimeUnit::Microsecond),
        1 => Just(TimeUnit::Nanosecond)
    ];
    (unit, prop_oneof![Just(None), Just(Some("UTC")), Just(Some("Asia/Seoul")), Just(Some("-03:00"))])
}

fn config() -> Config {
    let usual = Config::default();
    Config { cases: usual.cases * CASES_FACTOR, failure_persistence: None, ..usual }
}

/// Few keys and few times, so that ties, duplicates and matches are many.
fn rows(len: usize, key_columns: usize, keys: i64, times: i64) -> impl Strategy<Value = Vec<Row>> {
    let key = prop_oneof![1 => Just(None), 9 => (0..keys).prop_map(Some)];
    let time = move || prop_oneof![1 => Just(None), 12 => (-times..times).prop_map(|s| Some(s * SECOND_US))];
    let row = (vec(key, key_columns), time(), time(), proptest::option::of(0_i64..1_000));
    let row = row.prop_map(|(keys, time, created, value)| Row { keys, time, created, value });
    vec(row, 0..=len)
}

fn layouts() -> impl Strategy<Value = Layout> {
    let compression = prop_oneof![
        Just(Compression::UNCOMPRESSED),
        Just(Compression::SNAPPY),
        Just(Compression::ZSTD(ZstdLevel::default()))
    ];
    (5..200_usize, 3..50_usize, any::<bool>(), any::<bool>(), compression, any::<bool>()).prop_map(
        |(row_group_rows, page_rows, dictionary, statistics, compression, version_2)| Layout {
            row_group_rows,
            page_rows,
            dictionary,
            statistics,
            compression,
            version_2,
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = (vec(forms(), 0..=3), 1..5_i64, prop_oneof![Just(3_i64), Just(20), Just(400)]);
    shape.prop_flat_map(|(forms, keys, times)| {
        let columns = forms.len();
        let ttl = prop_oneof![
            Just(None),
            Just(Some(0)),
            (0..times).prop_map(|s| Some(s * SECOND_US)),
            (1..times + 1).prop_map(|s| Some(s * SECOND_US - 1)),
        ];
        (
            Just(forms),
            (rows(80, columns, keys, times), rows(160, columns, keys, times)),
            (ttl, any::<bool>(), any::<bool>()),
            (units(), units()),
            layouts(),
            (20..200_usize, 1..60_usize),
        )
            .prop_map(
                |(forms, (entity, features), (ttl_us, with_created, known), units, layout, sizes)| Case {
                    forms,
                    entity,
                    features,
                    ttl_us,
                    with_created,
                    as_known_at: known && with_created,
                    entity_unit: units.0,
                    feature_unit: units.1,
                    layout,
                    file_rows: sizes.0,
                    entity_batch_rows: sizes.1,
                },
            )
    })
}

/// The feature row of each entity row, by trying all.
fn brute_force(case: &Case) -> Vec<Option<usize>> {
    let same = |a: i64, b: i64, form: KeyForm| if form == KeyForm::Bool { a % 2 == b % 2 } else { a == b };
    let matches = |entity: &Row, feature: &Row| {
        let keys = entity.keys.iter().zip(&feature.keys).zip(&case.forms);
        let equal = keys.into_iter().all(|((e, f), (form, _))| match (e, f) {
            (Some(e), Some(f)) => same(*e, *f, *form),
            _ => false,
        });
        let (Some(at), Some(event)) = (entity.time, feature.time) else { return false };
        let fresh = case.ttl_us.is_none_or(|ttl| ttl == 0 || event >= at - ttl);
        let known = !case.as_known_at || feature.created.is_none_or(|created| created <= at);
        equal && event <= at && fresh && known
    };
    let order = |at: usize| {
        let row = &case.features[at];
        (row.time, if case.with_created { row.created } else { None }, at)
    };
    case.entity
        .iter()
        .map(|entity| {
            let all = (0..case.features.len()).filter(|at| matches(entity, &case.features[*at]));
            all.max_by_key(|at| order(*at))
        })
        .collect()
}

fn batch(rows: &[Row], forms: &[KeyForm], unit: (TimeUnit, Option<&str>), features: bool) -> RecordBatch {
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for (at, form) in forms.iter().enumerate() {
        let keys: Vec<_> = rows.iter().map(|row| row.keys[at]).collect();
        columns.push((format!("k{at}"), key_column(&keys, *form)));
    }
    let times: Vec<_> = rows.iter().map(|row| row.time).collect();
    columns.push(("ts".to_owned(), time_column(&times, unit.0, unit.1)));
    if features {
        let created: Vec<_> = rows.iter().map(|row| row.created).collect();
        columns.push(("created".to_owned(), time_column(&created, unit.0, unit.1)));
        let values: Vec<_> = rows.iter().map(|row| row.value).collect();
        columns.push(("n".to_owned(), Arc::new(Int64Array::from(values.clone()))));
        let texts = values.iter().map(|v| v.map(|v| format!("value {v}"))).collect::<StringArray>();
        columns.push(("s".to_owned(), Arc::new(texts)));
        let reals = values.iter().map(|v| v.map(|v| v as f64 / 8.0)).collect::<arrow::array::Float64Array>();
        columns.push(("r".to_owned(), Arc::new(reals)));
        let flags = values.iter().map(|v| v.map(|v| v % 2 == 0)).collect::<arrow::array::BooleanArray>();
        columns.push(("b".to_owned(), Arc::new(flags)));
        columns.push(("row".to_owned(), Arc::new((0..rows.len() as i64).map(Some).collect::<Int64Array>())));
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, c)| Field::new(name, c.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, c)| c).collect())
        .unwrap()
}

fn view(case: &Case, source: FeatureSource, prefix: &str) -> View {
    let value = |source: &str, target| ValueColumn {
        source: source.to_owned(),
        output: format!("{prefix}{source}"),
        target,
    };
    View {
        name: "v".to_owned(),
        source,
        keys: (0..case.forms.len()).map(|at| (format!("k{at}"), format!("k{at}"))).collect(),
        timestamp: "ts".to_owned(),
        created: case.with_created.then(|| "created".to_owned()),
        ttl_us: case.ttl_us,
        values: vec![
            value("n", Some(ValueType::Int64)),
            value("s", None),
            value("r", Some(ValueType::Float32)),
            value("b", None),
            value("row", None),
        ],
        as_known_at: case.as_known_at,
    }
}

fn check(
    out: &RecordBatch,
    case: &Case,
    expected: &[Option<usize>],
    entity: &RecordBatch,
    prefix: &str,
    how: &str,
) {
    assert_eq!(out.num_rows(), entity.num_rows(), "{how}");
    for (at, column) in entity.columns().iter().enumerate() {
        assert_eq!(out.column(at).as_ref(), column.as_ref(), "{how}: entity column {at}");
    }
    let column = |name: &str| out.column_by_name(&format!("{prefix}{name}")).unwrap();
    let rows: Vec<Option<usize>> =
        column("row").as_primitive::<Int64Type>().iter().map(|row| row.map(|row| row as usize)).collect();
    assert_eq!(rows, expected, "{how}");
    let value = |row: &Option<usize>| row.and_then(|row| case.features[row].value);
    let numbers: Vec<_> = column("n").as_primitive::<Int64Type>().iter().collect();
    assert_eq!(numbers, expected.iter().map(value).collect::<Vec<_>>(), "{how}");
    let texts: Vec<_> = column("s").as_string::<i32>().iter().map(|s| s.map(str::to_owned)).collect();
    let expected_texts: Vec<_> = expected.iter().map(|r| value(r).map(|v| format!("value {v}"))).collect();
    assert_eq!(texts, expected_texts, "{how}");
    let reals: Vec<_> = column("r").as_primitive::<arrow::datatypes::Float32Type>().iter().collect();
    assert_eq!(reals, expected.iter().map(|r| value(r).map(|v| v as f32 / 8.0)).collect::<Vec<_>>(), "{how}");
    let flags: Vec<_> = column("b").as_boolean().iter().collect();
    assert_eq!(flags, expected.iter().map(|r| value(r).map(|v| v % 2 == 0)).collect::<Vec<_>>(), "{how}");
    assert_eq!(column("r").null_count(), reals.iter().filter(|r| r.is_none()).count());
}

#[test]
fn generated_joins_agree_with_brute_force() {
    let (store, folder) = (Arc::new(InMemory::new()), tempfile::tempdir().unwrap());
    let mut runner = TestRunner::new(config());
    // New names all the time: overwriting a file makes some file systems wait for the disk.
    let number = AtomicUsize::new(0);
    let ran = runner.run(&cases(), |case| {
        let expected = brute_force(&case);
        let (entity_forms, feature_forms): (Vec<_>, Vec<_>) = case.forms.iter().copied().unzip();
        let entity = batch(&case.entity, &entity_forms, case.entity_unit, false);
        let features = batch(&case.features, &feature_forms, case.feature_unit, true);
        let frame = EntityFrame {
            schema: entity.schema(),
            batches: cut(&entity, case.entity_batch_rows),
            timestamp: "ts".to_owned(),
        };
        let pieces = cut(&features, case.file_rows);
        let pieces = if pieces.is_empty() { vec![features.clone()] } else { pieces };
        let files = pieces.iter().enumerate();
        let files = files.map(|(at, piece)| {
            let name = format!("{}-{at}.parquet", number.fetch_add(1, Ordering::Relaxed));
            let bytes = parquet_bytes(piece, case.layout);
            // A store needs a runtime, which takes longer than a join; so it is the exception.
            if case.file_rows % 8 == 0 {
                stored(&store, &name, bytes)
            } else {
                local(folder.path(), &name, &bytes)
            }
        });
        let files = FeatureSource::Files(files.collect());
        let held = Held { schema: features.schema(), batches: pieces, rereadable: true };
        let held = FeatureSource::Batches(Arc::new(held));

        let run = |sources: Vec<(&str, &FeatureSource)>, threads, memory_max_bytes, how: &str| {
            let options = JoinOptions { threads, memory_max_bytes, batch_rows_max: 33 };
            let views =
                sources.iter().map(|(prefix, source)| view(&case, (*source).clone(), prefix)).collect();
            let out = collect(join(frame.clone(), views, &options).unwrap());
            for (prefix, _) in sources {
                check(&out, &case, &expected, &entity, prefix, how);
            }
        };
        run(vec![("f_", &files)], 1, None, "files, one thread");
        run(vec![("f_", &files)], 4, None, "files, four threads");
        run(vec![("f_", &files)], 2, Some(1), "files, tiny memory");
        run(vec![("a_", &files), ("b_", &held)], 1, None, "two views");
        run(vec![("h_", &held)], 1, Some(1), "batches, tiny memory");
        Ok(())
    });
    ran.unwrap();
}

/// Groups of many slots take the way through the time directory; frequent ties change how created is read.
#[test]
fn large_groups_agree_with_brute_force() {
    let form = prop_oneof![Just(KeyForm::Int64), Just(KeyForm::SparseInt64)];
    let times = prop_oneof![Just(5_i64), Just(300), Just(100_000)];
    let shape = (1..3_i64, form, times, any::<bool>(), any::<bool>());
    let strategy = shape.prop_flat_map(|(keys, form, times, with_created, as_known_at)| {
        let layout = Layout { row_group_rows: 500, statistics: true, ..Layout::default() };
        (vec(0..keys, 1_000), vec(-times..times, 1_000), vec(0..keys, 2_000), vec(-times..times, 4_000))
            .prop_map(move |(entity_keys, entity_times, feature_keys, feature_times)| {
                let entity = entity_keys.iter().zip(entity_times).map(|(key, time)| Row {
                    keys: vec![Some(*key)],
                    time: Some(time * SECOND_US),
                    created: None,
                    value: None,
                });
                let features = feature_keys.iter().enumerate().map(|(at, key)| Row {
                    keys: vec![Some(*key)],
                    time: Some(feature_times[at] * SECOND_US),
                    created: Some(feature_times[at + 2_000] * SECOND_US),
                    value: Some(at as i64 % 1_000),
                });
                Case {
                    forms: vec![(form, form)],
                    entity: entity.collect(),
                    features: features.collect(),
                    ttl_us: Some(times / 2 * SECOND_US),
                    with_created,
                    as_known_at: with_created && as_known_at,
                    entity_unit: (TimeUnit::Microsecond, None),
                    feature_unit: (TimeUnit::Microsecond, Some("UTC")),
                    layout,
                    file_rows: 1_500,
                    entity_batch_rows: 300,
                }
            })
    });
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let ran = runner.run(&strategy, |case| {
        let expected = brute_force(&case);
        let form = case.forms[0].0;
        let entity = batch(&case.entity, &[form], case.entity_unit, false);
        let features = batch(&case.features, &[form], case.feature_unit, true);
        let store = Arc::new(InMemory::new());
        let files = cut(&features, case.file_rows).into_iter().enumerate();
        let files = files
            .map(|(at, piece)| stored(&store, &format!("{at}.parquet"), parquet_bytes(&piece, case.layout)));
        let files = FeatureSource::Files(files.collect());
        let frame = EntityFrame {
            schema: entity.schema(),
            batches: vec![entity.clone()],
            timestamp: "ts".to_owned(),
        };
        for (threads, memory) in [(1, None), (3, None), (2, Some(50_000))] {
            let options = JoinOptions { threads, memory_max_bytes: memory, batch_rows_max: 10_000 };
            let out = collect(join(frame.clone(), vec![view(&case, files.clone(), "")], &options).unwrap());
            check(&out, &case, &expected, &entity, "", "large groups");
        }
        Ok(())
    });
    ran.unwrap();
}
