//! Reads two Arrow files, compares them and writes everything as JSON: what `tests/drift/` and the benchmark run.
//!
//! `drift compare REFERENCE CURRENT [THREADS]`; `drift evidently|nannyml|multivariate|classify REFERENCE CURRENT`; `drift course REFERENCE
//! CURRENT TIME [WIDTH]`; `drift stream DETECTOR VALUES [DRAWS]` with plain little-endian f64 prints 0, 1 or 2 a value; `drift time
//! REFERENCE CURRENT` prints the fastest of five runs a column.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use hanok_drift::classifier::classify;
use hanok_drift::course::course;
use hanok_drift::multivariate::{Rows, correlations, discrepancy, reconstruction};
use hanok_drift::peers::{evidently, nannyml};
use hanok_drift::stream::{Adwin, Ddm, Detector, Eddm, HddmA, HddmW, Kswin, PageHinkley, Signal};
use hanok_drift::{CompareError, Options, Pair, compare};
use serde::Serialize;
use serde_json::{Value, json};

fn read(path: &str) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let reader = FileReader::try_new(File::open(path)?, None)?;
    let schema = reader.schema();
    let mut batches = reader.collect::<Result<Vec<_>, _>>()?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// What another library says of each column.
fn peers<T: Serialize>(
    reference: &[RecordBatch],
    current: &[RecordBatch],
    of: impl Fn(&Pair) -> Result<T, CompareError>,
) -> Result<Value, Box<dyn Error>> {
    let mut all = serde_json::Map::new();
    for (at, field) in reference[0].schema().fields().iter().enumerate() {
        let chunks = |batches: &[RecordBatch]| batches.iter().map(|batch| batch.column(at).clone()).collect();
        let pair =
            Pair { name: field.name().clone(), reference: chunks(reference), current: chunks(current) };
        all.insert(field.name().clone(), serde_json::to_value(of(&pair)?)?);
    }
    Ok(Value::Object(all))
}

fn floats(path: &str) -> Result<Vec<f64>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<8>().0.iter().map(|value| f64::from_le_bytes(*value)).collect())
}

/// The signals of a detector on a stream; `draws` are the places that each test of KSWIN is to draw.
fn signals(name: &str, values: &[f64], draws: &[f64]) -> Result<Vec<Signal>, Box<dyn Error>> {
    let mut detector: Box<dyn Detector> = match name {
        "adwin" => Box::new(Adwin::default()),
        "page_hinkley" => Box::new(PageHinkley::default()),
        "ddm" => Box::new(Ddm::default()),
        "eddm" => Box::new(Eddm::default()),
        "hddm_a" => Box::new(HddmA::default()),
        "hddm_a_both" => Box::new(HddmA::new(0.001, 0.005, true)?),
        "hddm_w" => Box::new(HddmW::default()),
        "hddm_w_both" => Box::new(HddmW::new(0.001, 0.005, 0.05, true)?),
        "kswin" => {
            let mut detector = Kswin::default();
            let draw = |test: u64| {
                draws.iter().skip(test as usize * 30).take(30).map(|place| *place as usize).collect()
            };
            return Ok(values.iter().map(|value| detector.update_with(*value, draw)).collect());
        }
        other => return Err(format!("no detector {other}").into()),
    };
    Ok(values.iter().map(|value| detector.update(*value)).collect())
}

/// What this thread has had of a processor, whatever else the machine does; Linux only.
fn processor_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split(' ').next().and_then(|first| first.parse().ok());
    nanoseconds.map_or(f64::NAN, |nanoseconds| nanoseconds / 1e6)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["compare", reference, current, threads @ ..] => {
            let threads = threads.first().map_or(Ok(1), |threads| threads.parse())?;
            let (reference, current) = (read(reference)?, read(current)?);
            let start = Instant::now();
            let found = compare(&reference, &current, &Options::default(), threads)?;
            println!("{}", json!({ "report": found, "seconds": start.elapsed().as_secs_f64() }));
            Ok(())
        }
        ["evidently", reference, current] => {
            println!("{}", peers(&read(reference)?, &read(current)?, evidently)?);
            Ok(())
        }
        ["nannyml", reference, current] => {
            let of = |pair: &Pair| {
                let found = nannyml(pair)?;
                Ok(found.map(|found| json!({ "alerts": found.alerts(), "chunks": found })))
            };
            println!("{}", peers(&read(reference)?, &read(current)?, of)?);
            Ok(())
        }
        ["classify", reference, current] => {
            let (reference, current) = (read(reference)?, read(current)?);
            let schema = reference[0].schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let start = Instant::now();
            let found = classify(&reference, &current, &names, 0, 2)?;
            println!("{}", json!({ "classified": found, "seconds": start.elapsed().as_secs_f64() }));
            Ok(())
        }
        ["course", reference, current, time, width @ ..] => {
            let width = width.first().map(|width| width.parse()).transpose()?;
            let (reference, current) = (read(reference)?, read(current)?);
            let start = Instant::now();
            let found = course(&reference, &current, time, width, &Options::default(), 2)?;
            println!("{}", json!({ "course": found, "seconds": start.elapsed().as_secs_f64() }));
            Ok(())
        }
        ["multivariate", reference, current] => {
            let sides = [read(reference)?, read(current)?];
            let schema = sides[0][0].schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let [reference, current] = [Rows::new(&sides[0], &names)?, Rows::new(&sides[1], &names)?];
            let options = Options::default();
            let out = json!({
                "correlations": correlations(&reference, &current, &options)?,
                "reconstruction": reconstruction(&reference, &current, &options)?,
                "discrepancy": discrepancy(&reference, &current, 0)?,
            });
            println!("{out}");
            Ok(())
        }
        ["stream", detector, values, draws @ ..] => {
            let values = floats(values)?;
            let draws = draws.first().map(|draws| floats(draws)).transpose()?.unwrap_or_default();
            for signal in signals(detector, &values, &draws)? {
                println!("{}", signal as u8);
            }
            Ok(())
        }
        ["time", reference, current] => {
            let (reference, current) = (read(reference)?, read(current)?);
            for (at, field) in reference[0].schema().fields().iter().enumerate() {
                let one = |batches: &[RecordBatch]| {
                    batches.iter().map(|batch| batch.project(&[at])).collect::<Result<Vec<_>, _>>()
                };
                let (reference, current) = (one(&reference)?, one(&current)?);
                let once = |_| {
                    let start = processor_ms();
                    let found = compare(&reference, &current, &Options::default(), 1);
                    found.map(|_| processor_ms() - start)
                };
                let runs = (0..5).map(once).collect::<Result<Vec<_>, _>>()?;
                println!("{:12} {:7.1} ms", field.name(), runs.into_iter().fold(f64::INFINITY, f64::min));
            }
            Ok(())
        }
        _ => Err("usage: drift compare REFERENCE CURRENT [THREADS]".into()),
    }
}
