//! The drift report: what moved, how much, since when, and whether to worry.

mod banner;
mod cards;
mod changes;
mod compared;
mod joint;
mod method;
mod monitored;
mod ranking;
mod shapes;

use hanok_charts::Language;
use hanok_drift::classifier::Classified;
use hanok_drift::course::{ColumnCourse, Course};
use hanok_drift::multivariate::{CorrelationChange, Discrepancy, Reconstruction};
use hanok_drift::{Ranked, Report, Verdict};
use serde::Serialize;

use crate::error::ReportError;
use crate::input::{Checked, Importance, Monitored, Origin, Side};
use crate::markup::section;
use crate::page::page;
use crate::words::{Word, Words};

/// Columns that have a card of their own; the worst come first.
const CARDS_MAX: usize = 30;
/// The same within another report.
const PART_CARDS_MAX: usize = 6;

/// Two tables compared, with what else is known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftReport {
    /// What the report is of.
    pub title: String,
    /// The reference and the current side.
    pub sides: [Side; 2],
    /// When it was made, as it is to be written; a report does not look at a clock.
    pub made: Option<String>,
    /// What was found column by column.
    pub report: Report,
    /// What happened over time.
    pub course: Option<Course>,
    /// What no single column shows.
    pub joint: Option<Joint>,
    /// How much columns matter to a model.
    pub importance: Option<Importance>,
    /// Which sources and loads the rows came from.
    pub origins: Vec<Origin>,
    /// Of a monitor's window: its other checks and its alarms. [`DriftReport::course`] then has the monitor's windows.
    pub monitored: Option<Monitored>,
}

/// Drift of columns together. What was not computed is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Joint {
    /// The names of the columns that [`CorrelationChange::columns`] counts.
    pub columns: Vec<String>,
    /// Complete rows of each side.
    pub rows: [u64; 2],
    /// Whether rows of the sides can be told apart.
    pub classifier: Option<Classified>,
    /// Changes of rank correlations, the largest first.
    pub correlations: Vec<CorrelationChange>,
    /// How well the reference's principal components describe rows.
    pub reconstruction: Option<Reconstruction>,
    /// Maximum mean discrepancy.
    pub discrepancy: Option<Discrepancy>,
}

impl DriftReport {
    /// A report of two tables without anything else.
    pub fn new(title: impl Into<String>, sides: [Side; 2], report: Report) -> DriftReport {
        DriftReport {
            title: title.into(),
            sides,
            made: None,
            report,
            course: None,
            joint: None,
            importance: None,
            origins: Vec::new(),
            monitored: None,
        }
    }

    /// The worst of all: of columns, of what they show together, of columns that have vanished, of a monitor's other checks.
    pub fn verdict(&self) -> Verdict {
        let columns = self.report.columns.iter().map(|column| column.verdict);
        let worse = self.report.vanished.iter().map(|_| Verdict::Drifted);
        let worse = worse.chain(self.bad_checks().map(|check| check.verdict));
        columns.chain(worse).chain(self.joint.iter().map(Joint::verdict)).max().unwrap_or(Verdict::Undecided)
    }

    /// A monitor's checks beside the columns that are bad. One that is undecided, such as predictions whose labels come later, says nothing.
    fn bad_checks(&self) -> impl Iterator<Item = &Checked> {
        let checks = self.monitored.iter().flat_map(|monitored| &monitored.checks);
        checks.filter(|check| check.verdict == Verdict::Drifted)
    }

    /// The report as one page of HTML without references to anything outside of it.
    ///
    /// # Errors
    /// When numbers of a picture do not fit together, which results of [`hanok_drift`] do.
    pub fn html(&self, language: Language) -> Result<String, ReportError> {
        let view = View::new(self, language);
        let parts = [
            banner::html(&view),
            ranking::html(&view),
            monitored::html(&view),
            cards::html(&view)?,
            joint::html(&view),
            compared::html(&view),
            method::html(&view),
        ];
        Ok(page(&self.title, language, &parts.concat()))
    }

    /// The same as JSON, with the format's name and version. Numbers that JSON does not have are `null`.
    ///
    /// # Errors
    /// None that results of [`hanok_drift`] lead to.
    pub fn json(&self) -> Result<String, ReportError> {
        Ok(serde_json::to_string_pretty(&self.document())? + "\n")
    }

    pub(crate) fn document(&self) -> Document<'_> {
        let columns = &self.report.columns;
        let count = |verdict: Verdict| columns.iter().filter(|column| column.verdict == verdict).count();
        Document {
            format: "hanok-drift-report",
            version: 1,
            title: &self.title,
            made: self.made.as_deref(),
            verdict: self.verdict(),
            counts: Counts {
                drifted: count(Verdict::Drifted),
                undecided: count(Verdict::Undecided),
                stable: count(Verdict::Stable),
            },
            sides: &self.sides,
            ranked: self.ranked(),
            report: &self.report,
            course: self.course.as_ref(),
            joint: self.joint.as_ref(),
            importance: self.importance.as_ref(),
            origins: &self.origins,
            monitored: self.monitored.as_ref(),
        }
    }

    /// The columns as a part of another report: what is said first, and all columns in the order of worry.
    pub(crate) fn part(&self, language: Language) -> Result<String, ReportError> {
        let mut view = View::new(self, language);
        view.cards_max = PART_CARDS_MAX;
        let cards = cards::all(&view)?;
        let body = format!("{}{}{cards}", banner::part(&view), ranking::lines(&view));
        Ok(section("inputs", view.words.of(Word::Data), &body))
    }

    fn ranked(&self) -> Vec<Ranked> {
        self.report.ranked(self.importance.as_ref().map_or(&[], |importance| importance.columns.as_slice()))
    }
}

impl Joint {
    /// The worst of what was computed; stable when nothing was.
    pub(crate) fn verdict(&self) -> Verdict {
        let verdicts = [
            self.classifier.as_ref().map(|found| found.verdict),
            self.correlations.iter().map(|change| change.verdict).max(),
            self.reconstruction.as_ref().map(|found| found.verdict),
        ];
        verdicts.into_iter().flatten().max().unwrap_or(Verdict::Stable)
    }
}

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    format: &'static str,
    version: u32,
    title: &'a str,
    made: Option<&'a str>,
    verdict: Verdict,
    counts: Counts,
    sides: &'a [Side; 2],
    ranked: Vec<Ranked>,
    report: &'a Report,
    course: Option<&'a Course>,
    joint: Option<&'a Joint>,
    importance: Option<&'a Importance>,
    origins: &'a [Origin],
    #[serde(skip_serializing_if = "Option::is_none")]
    monitored: Option<&'a Monitored>,
}

#[derive(Serialize)]
struct Counts {
    drifted: usize,
    undecided: usize,
    stable: usize,
}

/// A report while it is written.
struct View<'a> {
    input: &'a DriftReport,
    report: &'a Report,
    words: Words,
    ranked: Vec<Ranked>,
    /// What the sides are called in pictures.
    names: [String; 2],
    /// Columns that have a card.
    cards_max: usize,
}

impl<'a> View<'a> {
    fn new(input: &'a DriftReport, language: Language) -> View<'a> {
        let words = Words(language);
        let name = |side: usize, word: Word| {
            let name = input.sides[side].name.trim();
            if name.is_empty() { words.of(word).to_owned() } else { name.to_owned() }
        };
        let given = [name(0, Word::Reference), name(1, Word::Current)];
        // Two queries, say: in a picture they are told apart by what they are.
        let are_told_apart = given[0] != given[1];
        let own = [words.of(Word::Reference), words.of(Word::Current)].map(str::to_owned);
        View {
            input,
            report: &input.report,
            words,
            ranked: input.ranked(),
            names: if are_told_apart { given } else { own },
            cards_max: CARDS_MAX,
        }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.ranked.iter().filter(|ranked| ranked.verdict == verdict).count()
    }

    fn course(&self, name: &str) -> Option<&'a ColumnCourse> {
        self.input.course.as_ref()?.columns.iter().find(|course| course.name == name)
    }

    /// The place of a column among the importances, from 1, and its importance.
    fn importance(&self, name: &str) -> Option<(usize, f64)> {
        let columns = &self.input.importance.as_ref()?.columns;
        let (_, own) = columns.iter().find(|(other, _)| other == name)?;
        let before = columns.iter().filter(|(_, other)| other.abs() > own.abs()).count();
        Some((before + 1, *own))
    }
}
