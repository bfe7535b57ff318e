//! What the demo did, for people and machines.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::commands::get;
use crate::console::{Console, Tone};
use crate::render::{counted, duration, indented};

/// Seconds of each step.
#[derive(Debug, Default, Serialize)]
pub(super) struct Seconds {
    pub(super) init: f64,
    pub(super) load: f64,
    pub(super) build: f64,
    pub(super) apply: f64,
    pub(super) join: f64,
    pub(super) materialize: f64,
    pub(super) predict: f64,
    pub(super) explain: f64,
    pub(super) plot: f64,
    pub(super) serve: f64,
    pub(super) drift: f64,
    pub(super) swap: f64,
    pub(super) total: f64,
}

/// `hanok demo --json`.
#[derive(Debug, Default, Serialize)]
pub(super) struct DemoReport {
    /// The project's folder.
    pub(super) folder: PathBuf,
    /// Rows that this run loaded; none when they had been loaded before.
    pub(super) rows_loaded: u64,
    /// Rows that could not be parsed.
    pub(super) rows_rejected: u64,
    pub(super) models_built: u64,
    pub(super) tests_passed: u64,
    pub(super) tests_failed: u64,
    pub(super) training_rows: u64,
    pub(super) training_file: String,
    pub(super) online_keys: u64,
    /// `name@version` of the example's predictive model.
    pub(super) model: String,
    pub(super) rows_predicted: u64,
    pub(super) explanation_file: String,
    /// The features with the largest mean |value|.
    pub(super) most_important: Vec<String>,
    /// The charts.
    pub(super) charts: Vec<PathBuf>,
    /// The body that was sent to the server.
    pub(super) lookup_request: Value,
    /// The body that it answered.
    pub(super) lookup: Value,
    /// What it answered at `/explain` for the same entities.
    pub(super) lookup_explanation: Value,
    /// Columns that drifted from January to July, those that matter most to the model first.
    pub(super) drifted: Vec<String>,
    pub(super) drift_report: PathBuf,
    /// Whether the next model may take the model's place, in words.
    pub(super) swap_verdict: String,
    /// Root mean squared errors of both on July's flights, minutes.
    pub(super) swap_errors: [Option<f64>; 2],
    pub(super) swap_report: PathBuf,
    pub(super) seconds: Seconds,
}

impl DemoReport {
    /// Nothing done yet.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }

    /// The closing words: the features that were looked up, and what to try next.
    pub(super) fn closing(&self, console: &Console) -> String {
        let (present, missing) = get::without_missing(&self.lookup);
        let mut features = get::table(console, &present);
        if missing > 0 {
            let count = counted(missing as u64, "more feature");
            features.push_str(&format!(
                "  {count} served as null: the data is of 2013, older than the views' ttl\n"
            ));
        }
        features.push_str(&reasons(&self.lookup_explanation).unwrap_or_default());
        let head = format!(
            "done in {}; reports to open in a browser: {} and {}",
            duration(self.seconds.total),
            self.drift_report.display(),
            self.swap_report.display()
        );
        format!(
            "\n{}\n\n{}\n{}\n{}\n{}",
            console.paint(Tone::Strong, &head),
            console.paint(Tone::Strong, "one flight's features, as served:"),
            indented(&features, 2),
            console.paint(Tone::Strong, "try next:"),
            indented(&self.next(), 2),
        )
    }

    fn next(&self) -> String {
        format!(
            "cd {}\n\
             hanok sql \"select carrier, count(*) as flights, avg(dep_delay) as delay from mart.departures group by carrier\"\n\
             hanok features get --service departure_delay --entity {}\n\
             hanok explain delay --data training.parquet --row 5000\n\
             hanok plot bar explanation.parquet --cohort carrier -o carriers.svg\n\
             hanok drift --reference 'mart.departures[2013-01]' --current 'mart.departures[2013-07]'\n\
             hanok swap --m1 delay --m2 trained/delay_next.txt --data july.parquet --label dep_delay\n\
             hanok serve\n\
             hanok runs",
            self.folder.display(),
            entity(&self.lookup_request),
        )
    }
}

/// `predicted: 45.4 minutes late = 8.3 + 17.1 (humidity_pct) + 4.8 (all others)`.
fn reasons(explanation: &Value) -> Option<String> {
    let told = &explanation["explanations"][0][0];
    let number = |value: &Value| value.as_f64();
    let (prediction, base) = (number(&told["prediction"])?, number(&told["base_value"])?);
    let mut text = format!("  predicted: {prediction:.1} minutes late = {base:.1}");
    let others = (number(&told["rest"])?, "all others");
    let reasons = told["reasons"]
        .as_array()?
        .iter()
        .map(|reason| Some((number(&reason["contribution"])?, reason["feature"].as_str()?)));
    for (value, feature) in reasons.flatten().chain([others]) {
        // Writing to a string does not fail.
        let sign = if value < 0.0 { '−' } else { '+' };
        let _ = write!(text, " {sign} {:.1} ({feature})", value.abs());
    }
    text.push('\n');
    Some(text)
}

/// The request's entity as `--entity` takes it.
fn entity(request: &Value) -> String {
    let Some(keys) = request["entities"].as_object() else { return String::new() };
    let pair = |(key, values): (&String, &Value)| format!("{key}={}", values[0].as_str().unwrap_or_default());
    keys.iter().map(pair).collect::<Vec<_>>().join(",")
}
