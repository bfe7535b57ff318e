//! Reads two Arrow files, compares them and writes everything as JSON: what `tests/drift/` and the benchmark run.
//!
//! `values compare REFERENCE CURRENT [THREADS]`; `values evidently|nannyml|multivariate REFERENCE CURRENT`; `values stream DETECTOR VALUES [DRAWS]` with
//! plain little-endian f64 prints 0, 1 or 2 a value; `values time REFERENCE CURRENT` prints the fastest of five runs a column. Numbers that JSON does not have are the texts `inf`, `-inf` and `NaN`.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::fs::File;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::ipc::reader::FileReader;
use hanok_drift::multivariate::{Rows, correlations, discrepancy, reconstruction};
use hanok_drift::peers::{evidently, nannyml};
use hanok_drift::stream::{Adwin, Ddm, Detector, Eddm, HddmA, HddmW, Kswin, PageHinkley, Signal};
use hanok_drift::{Aspect, Column, Effect, Options, Pair, Profile, Report, compare};
use serde_json::{Value, json};

fn number(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

fn read(path: &str) -> Result<Vec<RecordBatch>, Box<dyn Error>> {
    let reader = FileReader::try_new(File::open(path)?, None)?;
    let schema = reader.schema();
    let mut batches = reader.collect::<Result<Vec<_>, _>>()?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

fn effect(effect: &Effect) -> Value {
    json!({
        "measure": effect.measure.name(), "value": number(effect.value), "beyond_noise": number(effect.beyond_noise),
        "threshold": effect.threshold, "detectable": number(effect.detectable), "rows_needed": effect.rows_needed,
    })
}

fn aspect(aspect: &Aspect) -> Value {
    let statistics = aspect.statistics.iter().map(|statistic| {
        (statistic.measure.name().to_owned(), json!({ "value": number(statistic.value), "p": statistic.p }))
    });
    json!({
        "what": format!("{:?}", aspect.what), "p": aspect.p, "p_adjusted": aspect.p_adjusted,
        "verdict": format!("{:?}", aspect.verdict), "effect": effect(&aspect.effect),
        "statistics": statistics.collect::<serde_json::Map<_, _>>(),
    })
}

fn profile(profile: &Profile) -> Value {
    json!({
        "rows": profile.rows, "missing": profile.missing, "infinite": profile.infinite, "distinct": profile.distinct,
        "range": profile.range.map(|range| range.map(number)), "mean": profile.mean.map(number),
        "deviation": profile.deviation.map(number),
    })
}

fn column(column: &Column) -> Value {
    let categories = column.categories.as_ref().map(|found| {
        json!({
            "new": found.new, "new_count": found.new_count, "new_share": found.new_share,
            "vanished": found.vanished, "vanished_count": found.vanished_count, "vanished_share": found.vanished_share,
        })
    });
    json!({
        "name": column.name, "kinds": column.kinds.map(|kind| format!("{kind:?}")),
        "verdict": format!("{:?}", column.verdict), "profiles": column.profiles.each_ref().map(profile),
        "aspects": column.aspects.iter().map(aspect).collect::<Vec<_>>(), "categories": categories,
    })
}

fn report(report: &Report, seconds: f64) -> Value {
    json!({
        "columns": report.columns.iter().map(column).collect::<Vec<_>>(), "new": report.new,
        "vanished": report.vanished, "skipped": report.skipped, "seconds": seconds,
    })
}

fn by_evidently(pair: &Pair) -> Result<Value, Box<dyn Error>> {
    Ok(evidently(pair)?.map_or(Value::Null, |found| {
        json!({ "test": found.test, "value": number(found.value), "threshold": found.threshold, "has_drifted": found.has_drifted })
    }))
}

fn by_nannyml(pair: &Pair) -> Result<Value, Box<dyn Error>> {
    Ok(nannyml(pair)?.map_or(Value::Null, |found| {
        let numbers = |values: &[f64]| values.iter().copied().map(number).collect::<Vec<_>>();
        json!({
            "threshold": number(found.threshold), "reference": numbers(&found.reference),
            "current": numbers(&found.current), "alerts": found.alerts(),
        })
    }))
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
            println!("{}", report(&found, start.elapsed().as_secs_f64()));
            Ok(())
        }
        ["evidently" | "nannyml", reference, current] => {
            let (reference, current) = (read(reference)?, read(current)?);
            let mut all = serde_json::Map::new();
            for (at, field) in reference[0].schema().fields().iter().enumerate() {
                let chunks =
                    |batches: &[RecordBatch]| batches.iter().map(|batch| batch.column(at).clone()).collect();
                let pair = Pair {
                    name: field.name().clone(),
                    reference: chunks(&reference),
                    current: chunks(&current),
                };
                let found =
                    if arguments[0] == "evidently" { by_evidently(&pair)? } else { by_nannyml(&pair)? };
                all.insert(field.name().clone(), found);
            }
            println!("{}", Value::Object(all));
            Ok(())
        }
        ["multivariate", reference, current] => {
            let sides = [read(reference)?, read(current)?];
            let schema = sides[0][0].schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let [reference, current] = [Rows::new(&sides[0], &names)?, Rows::new(&sides[1], &names)?];
            let options = Options::default();
            let changes = correlations(&reference, &current, &options)?;
            let changes = changes
                .iter()
                .map(|change| json!({ "columns": change.columns, "correlation": change.correlation }));
            let found = reconstruction(&reference, &current, &options)?;
            let joint = discrepancy(&reference, &current, 0)?;
            let out = json!({
                "correlations": changes.collect::<Vec<_>>(), "components": found.components, "error": found.error,
                "discrepancy": joint.squared, "width": joint.width, "p": joint.p,
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
        _ => Err("usage: values compare REFERENCE CURRENT [THREADS]".into()),
    }
}
