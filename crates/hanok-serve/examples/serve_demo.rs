//! Fills an online store with made-up drivers and serves it: for trying the server alone and for benchmarks.
//!
//! `serve_demo [--http ADDR] [--entities N] [--workers N] [--dir DIR] [--model FILE] [--fill-only] [--answer-loop]`
//!
//! `--model` serves a predictive model under the name `model`; `--fill-only` stops before serving; `--answer-loop` prints what an answer
//! costs without HTTP, and for a model the body that was asked.
//!
//! The view `driver_stats` has the key `driver_id` (0 to N−1) and two float32, one int64 and two float64 features.
#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "an example for people to run")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, TimestampMicrosecondArray,
};
use hanok_models::Ensemble;
use hanok_online::{OnlineRead as _, OnlineWrite as _, Reader, ViewSchema, WriteBatch, Writer};
use hanok_serve::{
    Limits, ModelSet, Responder, ServeOptions, Server, ServingModel, ServingSet, ServingSets, ServingView,
    shutdown_signal,
};
use hanok_types::ValueType;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of one commit.
const BATCH_ROWS: i64 = 250_000;

fn main() {
    let mut options = ServeOptions::default();
    let (mut entities, mut dir) = (10_000, PathBuf::from("serve_demo.online"));
    let (mut fill_only, mut answer_loop, mut model) = (false, false, None);
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{flag} needs a value"));
        match flag.as_str() {
            "--http" => options.http = value().parse().unwrap(),
            "--entities" => entities = value().parse().unwrap(),
            "--workers" => options.workers = value().parse().unwrap(),
            "--dir" => dir = PathBuf::from(value()),
            "--model" => model = Some(hanok_models::read(&std::fs::read(value()).unwrap()).unwrap()),
            "--fill-only" => fill_only = true,
            "--answer-loop" => answer_loop = true,
            _ => panic!("unknown flag {flag}"),
        }
    }
    let schema = schema();
    let begun = Instant::now();
    fill(&dir, &schema, entities);
    eprintln!("filled {entities} entities in {:.2?}", begun.elapsed());
    if fill_only {
        return;
    }
    let begun = Instant::now();
    let reader = Reader::open(&dir).unwrap();
    eprintln!("read {} keys into memory in {:.2?}", reader.key_count(&schema.name).unwrap(), begun.elapsed());
    let body = model.as_ref().map(one_row);
    let models = ModelSet::new(model.map(|model| Arc::new(ServingModel::new("model", 1, model))));
    let views = vec![ServingView { schema, version: 1 }];
    let sets = ServingSets::new(ServingSet { views, models, ..ServingSet::default() });
    if answer_loop {
        for rows in [1, 50] {
            print_answer_cost(&reader, &sets, entities, rows);
        }
        if let Some(body) = body {
            print_model_cost(&reader, &sets, body.as_bytes());
            eprintln!("{body}");
        }
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::bind(options, reader, sets).unwrap();
        eprintln!("listening on {}", server.local_addr());
        server.run(shutdown_signal()).await.unwrap();
    });
}

/// Answers requests for `rows` random entities in a loop and prints the time of one.
fn print_answer_cost(reader: &Reader, sets: &ServingSets, entities: i64, rows: u64) {
    const BODIES: u64 = 1_000;
    const ROUNDS: usize = 100;
    let responder = Responder::new(reader.clone(), sets.clone(), Limits::default());
    let features =
        schema().features.iter().map(|(name, _)| format!("\"driver_stats:{name}\"")).collect::<Vec<_>>();
    let body = |n: u64| {
        let ids: Vec<_> =
            (0..rows).map(|row| (mixed((n * rows + row) as i64, 9) % entities as u64).to_string()).collect();
        format!(
            "{{\"entities\":{{\"driver_id\":[{}]}},\"features\":[{}]}}",
            ids.join(","),
            features.join(",")
        )
    };
    let bodies: Vec<String> = (0..BODIES).map(body).collect();
    let (begun, mut bytes) = (Instant::now(), 0);
    for _ in 0..ROUNDS {
        for body in &bodies {
            bytes += responder.answer(body.as_bytes()).unwrap().len();
        }
    }
    let answers = ROUNDS as u32 * BODIES as u32;
    eprintln!("{rows}x5: {:?} an answer of {} bytes", begun.elapsed() / answers, bytes / answers as usize);
}

/// A request for one row of made-up values.
fn one_row(model: &Ensemble) -> String {
    let value = |feature| (mixed(feature, 7) % 4_000) as f64 / 1e3 - 2.0;
    let row = (0..model.features() as i64).map(value).collect::<Vec<_>>();
    match model.feature_names() {
        [] => format!("{{\"rows\":[{row:?}]}}"),
        names => format!("{{\"columns\":{names:?},\"rows\":[{row:?}]}}"),
    }
}

/// Asks a model for one row in a loop and prints the time of an answer.
fn print_model_cost(reader: &Reader, sets: &ServingSets, body: &[u8]) {
    let responder = Responder::new(reader.clone(), sets.clone(), Limits::default());
    let predict = || responder.predict("model", body).unwrap().len();
    let explain = || responder.explain("model", Some(5), body).unwrap().len();
    for (what, rounds, ask) in [
        ("predict", 50_000, &predict as &dyn Fn() -> usize),
        ("explain", 2_000, &explain as &dyn Fn() -> usize),
    ] {
        let bytes = ask();
        let mut times: Vec<_> = (0..rounds)
            .map(|_| {
                let begun = Instant::now();
                ask();
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        let (half, most) = (times[rounds / 2], times[rounds * 99 / 100]);
        eprintln!("{what} one row: p50 {half:?}, p99 {most:?}, an answer of {bytes} bytes");
    }
}

fn schema() -> ViewSchema {
    let features = [
        ("conv_rate", ValueType::Float32),
        ("acc_rate", ValueType::Float32),
        ("avg_daily_trips", ValueType::Int64),
        ("score", ValueType::Float64),
        ("earnings", ValueType::Float64),
    ];
    ViewSchema {
        name: "driver_stats".to_owned(),
        join_keys: vec![("driver_id".to_owned(), ValueType::Int64)],
        features: features.map(|(name, value_type)| (name.to_owned(), value_type)).to_vec(),
        ttl_us: None,
    }
}

fn fill(dir: &Path, schema: &ViewSchema, entities: i64) {
    let mut writer = Writer::open(dir).unwrap();
    writer.apply_schema(schema).unwrap();
    if writer.key_count(&schema.name).unwrap() as i64 == entities {
        return;
    }
    for from in (0..entities).step_by(BATCH_ROWS as usize) {
        let rows = batch(from, entities.min(from + BATCH_ROWS));
        let batch =
            WriteBatch { rows: &rows, event_timestamp: "event_timestamp", created: None, watermark: None };
        writer.write(&schema.name, &batch).unwrap();
    }
}

/// Numbers that look random but are the same in every run (the multiplier is Knuth's for 64-bit LCGs).
fn mixed(entity: i64, column: u64) -> u64 {
    let mut word = (entity as u64)
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(column.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    word ^= word >> 29;
    word = word.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word ^ word >> 32
}

fn batch(from: i64, to: i64) -> RecordBatch {
    let entities = || from..to;
    let columns: [(&str, ArrayRef); 7] = [
        ("driver_id", Arc::new(Int64Array::from_iter_values(entities()))),
        (
            "event_timestamp",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    entities().map(|e| (1_795_305_600 + (mixed(e, 0) % 259_200) as i64) * 1_000_000),
                )
                .with_timezone("UTC"),
            ),
        ),
        (
            "conv_rate",
            Arc::new(Float32Array::from_iter_values(entities().map(|e| (mixed(e, 1) % 1_000) as f32 / 1e3))),
        ),
        (
            "acc_rate",
            Arc::new(Float32Array::from_iter_values(
                entities().map(|e| (mixed(e, 2) % 1_000_000) as f32 / 1e6),
            )),
        ),
        (
            "avg_daily_trips",
            Arc::new(Int64Array::from_iter_values(entities().map(|e| (mixed(e, 3) % 1_000) as i64))),
        ),
        (
            "score",
            Arc::new(Float64Array::from_iter_values(
                entities().map(|e| (mixed(e, 4) >> 11) as f64 / (1u64 << 53) as f64),
            )),
        ),
        (
            "earnings",
            Arc::new(Float64Array::from_iter_values(
                entities().map(|e| (mixed(e, 5) % 10_000_000) as f64 / 100.0),
            )),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}
