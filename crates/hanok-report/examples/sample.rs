//! Writes reports of generated data to look at: `cargo run --release -p hanok-report --example sample -- FOLDER`; and of two files with
//! `… -- FOLDER REFERENCE.csv CURRENT.csv`.
#![expect(clippy::unwrap_used, reason = "an example ends at the first problem")]

#[path = "../tests/it/models.rs"]
mod models;
#[path = "../tests/it/samples.rs"]
mod samples;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use hanok_charts::Language;
use hanok_drift::{Options, compare};
use hanok_report::{DriftReport, Side, SwapReport};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, files @ ..] = &args[..] else { return };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder).unwrap();
    if let [reference, current] = files {
        write(folder, "files", &of_files(reference, current));
        return;
    }
    write(folder, "one", &samples::drift(1, 2000));
    write(folder, "thirty", &samples::drift(30, 4000));
    write(folder, "many", &samples::drift(300, 300));
    write(folder, "monitor", &samples::monitored(12, 3000));
    let mut stable = samples::drift(36, 3000);
    stable.report.columns.drain(..12);
    stable.report.new.clear();
    write(folder, "stable", &stable);
    write_swap(folder, "swap", &models::swap(4000, true));
    write_swap(folder, "unlabelled", &models::swap(2000, false));
    write_swap(folder, "regressions", &models::regressions());
    write_swap(folder, "measured", &models::measured());
    write_swap(folder, "classes", &models::classes());
}

fn write(folder: &Path, name: &str, report: &DriftReport) {
    put(folder, name, |language| report.html(language).unwrap(), &report.json().unwrap());
}

fn write_swap(folder: &Path, name: &str, report: &SwapReport) {
    put(folder, name, |language| report.html(language).unwrap(), &report.json().unwrap());
}

fn put(folder: &Path, name: &str, html: impl Fn(Language) -> String, json: &str) {
    for (language, of) in [("en", Language::En), ("ko", Language::Ko)] {
        std::fs::write(folder.join(format!("{name}.{language}.html")), html(of)).unwrap();
    }
    std::fs::write(folder.join(format!("{name}.json")), json).unwrap();
}

fn of_files(reference: &str, current: &str) -> DriftReport {
    let read = |path: &str| -> Vec<RecordBatch> {
        let format = Format::default().with_header(true);
        let (schema, _) = format.infer_schema(File::open(path).unwrap(), None).unwrap();
        let reader =
            ReaderBuilder::new(Arc::new(schema)).with_format(format).build(File::open(path).unwrap());
        reader.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let side =
        |path: &str| Side { name: path.rsplit('/').next().unwrap_or_default().to_owned(), ..Side::default() };
    let found = compare(&read(reference), &read(current), &Options::default(), 2).unwrap();
    DriftReport::new("Two files", [side(reference), side(current)], found)
}
