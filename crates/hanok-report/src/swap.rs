//! The swap report: what changes when a second model takes the first one's place.

mod attribution;
mod calibration;
mod curves;
mod gates;
mod models;
mod paired;
mod performance;
mod rollback;
mod scores;
mod segments;

use hanok_charts::Language;
use hanok_drift::outputs::{Estimated, Metric, Swap};
use serde::Serialize;

use crate::drift::DriftReport;
use crate::error::ReportError;
use crate::input::Side;
use crate::page::page;
use crate::words::{Word, Words};

/// A model of the two. What is not known is `None` and not written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Model {
    /// What it is called in the report.
    pub name: String,
    /// Its format, e.g. `xgboost`.
    pub format: Option<String>,
    /// SHA-256 of its file.
    pub hash: Option<String>,
    /// When it was registered or trained.
    pub made: Option<String>,
    /// The columns that it reads.
    pub features: Vec<String>,
    /// Bytes of its file.
    pub bytes: Option<u64>,
    /// Microseconds that a row takes, in a block of rows.
    pub row_micros: Option<f64>,
    /// Microseconds that a row takes by itself: the median and the 95th percentile.
    pub single_micros: Option<[f64; 2]>,
}

/// Two models compared on the same rows, with what else is known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct SwapReport {
    /// What the report is of.
    pub title: String,
    /// When it was made, as it is to be written; a report does not look at a clock.
    pub made: Option<String>,
    /// The model in use, and the one that is to take its place.
    pub models: [Model; 2],
    /// The rows that both were given.
    pub data: Side,
    /// What was found.
    pub swap: Swap,
    /// What the features are, over time or against what the second model was trained on.
    pub inputs: Option<DriftReport>,
    /// Each model's performance as estimated without labels.
    pub estimated: [Option<Estimated>; 2],
    /// What the rows of [`Swap::movers`] are called, e.g. `carrier=B6, flight=725`; empty when that is not known.
    pub movers: Vec<String>,
    /// More rules for taking the swap back than those that follow from what was found, a plain sentence each.
    pub rollback: Vec<String>,
}

impl SwapReport {
    /// A report of two models without anything else.
    pub fn new(title: impl Into<String>, models: [Model; 2], data: Side, swap: Swap) -> SwapReport {
        SwapReport {
            title: title.into(),
            made: None,
            models,
            data,
            swap,
            inputs: None,
            estimated: [None, None],
            movers: Vec::new(),
            rollback: Vec::new(),
        }
    }

    /// The report as one page of HTML without references to anything outside of it.
    ///
    /// # Errors
    /// When numbers of a picture do not fit together, which results of [`hanok_drift`] do.
    pub fn html(&self, language: Language) -> Result<String, ReportError> {
        let view = View::new(self, language);
        let parts = [
            gates::banner(&view),
            gates::html(&view),
            performance::html(&view)?,
            paired::html(&view)?,
            scores::html(&view)?,
            calibration::html(&view)?,
            segments::html(&view),
            attribution::html(&view)?,
            paired::movers(&view),
            self.inputs.as_ref().map_or(Ok(String::new()), |inputs| inputs.part(language))?,
            performance::estimated(&view)?,
            models::html(&view),
        ];
        Ok(page(&self.title, language, &parts.concat()))
    }

    /// When the swap is to be taken back.
    fn rules(&self, words: Words) -> Vec<String> {
        let mut rules = rollback::rollback(&self.swap, words);
        rules.extend(self.rollback.iter().cloned());
        rules
    }

    /// The same as JSON, with the format's name and version. Numbers that JSON does not have are `null`.
    ///
    /// # Errors
    /// None that results of [`hanok_drift`] lead to.
    pub fn json(&self) -> Result<String, ReportError> {
        let document = Document {
            format: "hanok-swap-report",
            version: 1,
            title: &self.title,
            made: self.made.as_deref(),
            models: &self.models,
            data: &self.data,
            swap: &self.swap,
            inputs: self.inputs.as_ref().map(DriftReport::document),
            estimated: &self.estimated,
            movers: &self.movers,
            rollback: self.rules(Words(Language::En)),
        };
        Ok(serde_json::to_string_pretty(&document)? + "\n")
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    title: &'a str,
    made: Option<&'a str>,
    models: &'a [Model; 2],
    data: &'a Side,
    swap: &'a Swap,
    inputs: Option<crate::drift::Document<'a>>,
    estimated: &'a [Option<Estimated>; 2],
    movers: &'a [String],
    rollback: Vec<String>,
}

/// A report while it is written.
struct View<'a> {
    input: &'a SwapReport,
    swap: &'a Swap,
    words: Words,
    /// What the models are called in pictures.
    names: [String; 2],
}

impl<'a> View<'a> {
    fn new(input: &'a SwapReport, language: Language) -> View<'a> {
        let words = Words(language);
        let name = |at: usize, word: Word| {
            let name = input.models[at].name.trim();
            if name.is_empty() { words.of(word).to_owned() } else { name.to_owned() }
        };
        let names = [name(0, Word::First), name(1, Word::Second)];
        View { input, swap: &input.swap, words, names }
    }
}

/// A metric as the literature writes it.
pub(crate) fn metric(metric: Metric, words: Words) -> &'static str {
    let (en, ko) = match metric {
        Metric::Rmse => ("RMSE", "RMSE"),
        Metric::Mae => ("mean absolute error", "평균 절대 오차"),
        Metric::Bias => ("bias", "편향"),
        Metric::R2 => ("R²", "R²"),
        Metric::Mape => ("mean absolute percentage error", "평균 절대 백분율 오차"),
        Metric::Auc => ("AUC", "AUC"),
        Metric::AveragePrecision => ("average precision", "평균 정밀도"),
        Metric::LogLoss => ("log loss", "로그 손실"),
        Metric::Brier => ("Brier score", "브라이어 점수"),
        Metric::Accuracy => ("accuracy", "정확도"),
        Metric::Precision => ("precision", "정밀도"),
        Metric::Recall => ("recall", "재현율"),
        Metric::Specificity => ("specificity", "특이도"),
        Metric::F1 => ("F1", "F1 점수"),
    };
    words.choose(en, ko)
}
