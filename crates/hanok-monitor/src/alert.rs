//! What people are told.

use serde::{Deserialize, Serialize};

use crate::history::Row;
use crate::state::Notice;
use crate::window::{Span, time_text};

/// Findings that a subject names; the others are counted.
const NAMED_MAX: usize = 5;

/// How bad it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look.
    #[default]
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// The language of an alert's text. Names of measures and fields are the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

impl From<Language> for hanok_charts::Language {
    fn from(language: Language) -> Self {
        language.say(Self::En, Self::Ko)
    }
}

impl Language {
    fn say<T>(self, en: T, ko: T) -> T {
        match self {
            Self::En => en,
            Self::Ko => ko,
        }
    }
}

/// A check that an alert tells of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Whether the alarm is on or over.
    pub alert: Notice,
    /// The column; none when it is about the rows.
    pub column: Option<String>,
    /// What was looked at.
    pub aspect: String,
    /// The measure that decides.
    pub measure: Option<String>,
    /// Its value; `null` in JSON when it is infinite.
    pub value: Option<f64>,
    /// What is left of it without what chance does.
    pub effect_beyond_noise: Option<f64>,
    /// From here on it matters.
    pub threshold: Option<f64>,
    /// The p-value, adjusted for all tests of the window.
    pub p_adjusted: Option<f64>,
    /// Rows of the window.
    pub rows: u64,
    /// Rows of the reference.
    pub reference_rows: u64,
    /// The start of the first bad window.
    pub since: Option<String>,
}

/// One message: all that one window of a monitor has to tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alert {
    /// The same whenever it is sent again.
    pub id: String,
    /// The project.
    pub project: String,
    /// The branch.
    pub branch: String,
    /// The monitor.
    pub monitor: String,
    /// How bad it is.
    pub severity: String,
    /// The window.
    pub window: Span,
    /// The reference; none when it has no time.
    pub reference: Option<Span>,
    /// What it is about.
    pub findings: Vec<Finding>,
    /// The window's report, a path from the project on; none when the monitor writes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// One line.
    pub subject: String,
    /// The subject and a line for each finding, which is also what chats show (`text`).
    pub text: String,
}

impl Alert {
    /// The message of rows that belong together.
    pub(crate) fn new(
        id: &str,
        (project, branch): (&str, &str),
        rows: &[Row],
        language: Language,
        report: Option<String>,
    ) -> Option<Self> {
        let first = rows.first()?;
        let findings: Vec<_> = rows
            .iter()
            .filter_map(|row| {
                Some(Finding {
                    alert: row.alert?,
                    column: row.check.column.clone(),
                    aspect: row.check.aspect.clone(),
                    measure: row.check.measure.clone(),
                    value: row.check.value,
                    effect_beyond_noise: row.check.beyond_noise,
                    threshold: row.check.threshold,
                    p_adjusted: row.check.p_adjusted,
                    rows: row.check.rows,
                    reference_rows: row.check.reference_rows,
                    since: row.state.and_then(|state| state.since_us).map(time_text),
                })
            })
            .collect();
        let subject = subject(&first.monitor, &findings, language);
        let mut text = subject.clone();
        text.push('\n');
        let (start, end) = (time_text(first.window.start_us), time_text(first.window.end_us));
        text.push_str(&language.say(
            format!("window {start} to {end}, project {project}, branch {branch}\n"),
            format!("구간 {start} ~ {end}, 프로젝트 {project}, 브랜치 {branch}\n"),
        ));
        for finding in &findings {
            text.push_str(&format!("- {}\n", line(finding, language)));
        }
        if let Some(path) = &report {
            text.push_str(&format!("{} {path}\n", language.say("report", "보고서")));
        }
        Some(Self {
            id: id.to_owned(),
            project: project.to_owned(),
            branch: branch.to_owned(),
            monitor: first.monitor.clone(),
            severity: first.severity.clone(),
            window: first.window,
            reference: first.reference,
            findings,
            report,
            subject,
            text,
        })
    }
}

/// "departures: alarm for dep_delay (values); over for dest (values)".
fn subject(monitor: &str, findings: &[Finding], language: Language) -> String {
    let named = |notice: Notice| {
        let found: Vec<_> = findings.iter().filter(|finding| finding.alert == notice).collect();
        let mut names: Vec<_> = found.iter().take(NAMED_MAX).map(|finding| name(finding, language)).collect();
        let more = found.len().saturating_sub(NAMED_MAX);
        if more > 0 {
            names.push(language.say(format!("{more} more"), format!("외 {more}건")));
        }
        names.join(", ")
    };
    let mut parts = Vec::new();
    let (raised, cleared) = (named(Notice::Raised), named(Notice::Cleared));
    if !raised.is_empty() {
        parts.push(language.say(format!("alarm for {raised}"), format!("경보 {raised}")));
    }
    if !cleared.is_empty() {
        parts.push(language.say(format!("over for {cleared}"), format!("해제 {cleared}")));
    }
    format!("{monitor}: {}", parts.join("; "))
}

fn name(finding: &Finding, language: Language) -> String {
    let aspect = aspect(&finding.aspect, language);
    match &finding.column {
        Some(column) => format!("{column} ({aspect})"),
        None => aspect.to_owned(),
    }
}

fn aspect(aspect: &str, language: Language) -> &str {
    let korean = match aspect {
        "missing" => "결측",
        "values" => "값",
        "range" => "범위",
        "length" => "길이",
        "pattern" => "문자 패턴",
        "token" => "글자 분포",
        "element" => "원소",
        "direction" => "벡터 방향",
        "distance" => "벡터 중심 거리",
        "hour" => "시각",
        "weekday" => "요일",
        "rows" => "행 수",
        "schema" => "열 없음",
        "kind" => "값의 종류",
        "performance" => "성능",
        "estimated_performance" => "추정 성능",
        other => other,
    };
    language.say(if aspect == "schema" { "column is gone" } else { aspect }, korean)
}

/// One finding with its numbers.
fn line(finding: &Finding, language: Language) -> String {
    let mut parts = vec![name(finding, language)];
    let notice = match finding.alert {
        Notice::Raised => language.say("alarm", "경보"),
        Notice::Cleared => language.say("over", "해제"),
    };
    parts[0].push_str(&format!(": {notice}"));
    if let (Some(measure), Some(value)) = (&finding.measure, finding.value) {
        let threshold = finding.threshold.map(number).unwrap_or_default();
        parts.push(language.say(
            format!("{measure} {} (threshold {threshold})", number(value)),
            format!("{measure} {} (임계값 {threshold})", number(value)),
        ));
    }
    if let Some(p) = finding.p_adjusted {
        parts.push(language.say(format!("adjusted p {}", number(p)), format!("보정 p {}", number(p))));
    }
    if finding.aspect != crate::check::ROWS {
        let (rows, reference) = (finding.rows, finding.reference_rows);
        parts.push(
            language
                .say(format!("{rows} rows against {reference}"), format!("행 {rows}개, 기준 {reference}개")),
        );
    }
    if let Some(since) = &finding.since {
        parts.push(language.say(format!("since {since}"), format!("{since}부터")));
    }
    parts.join(", ")
}

/// Three significant digits.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || value.fract() == 0.0 && value.abs() < 1e15 {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.*}", (2.0 - magnitude).max(0.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check;
    use crate::state::State;
    use hanok_drift::Verdict;

    fn row(column: &str, alert: Notice) -> Row {
        let check = Check::bare(Some(column.into()), "values", Verdict::Drifted, [27_004, 29_425]);
        Row {
            monitor: "departures".into(),
            run: "run".into(),
            window: Span { start_us: 1_372_636_800_000_000, end_us: 1_375_315_200_000_000 },
            check: Check {
                measure: Some("wasserstein_scaled".into()),
                value: Some(0.322_87),
                beyond_noise: Some(0.322),
                threshold: Some(0.25),
                p: Some(0.0),
                p_adjusted: Some(3.2e-12),
                ..check
            },
            reference: None,
            table_version: None,
            severity: "warning".into(),
            state: Some(State { since_us: Some(1_372_636_800_000_000), ..State::default() }),
            alert: Some(alert),
            alert_id: Some("01".into()),
            recorded_us: 0,
        }
    }

    #[test]
    fn a_message_in_both_languages() {
        let rows = [row("dep_delay", Notice::Raised), row("dest", Notice::Cleared)];
        let text = |language| Alert::new("01", ("flights", "main"), &rows, language, None).unwrap().text;
        assert_eq!(
            text(Language::En),
            "departures: alarm for dep_delay (values); over for dest (values)\n\
             window 2013-07-01T00:00:00Z to 2013-08-01T00:00:00Z, project flights, branch main\n\
             - dep_delay (values): alarm, wasserstein_scaled 0.323 (threshold 0.25), adjusted p 3.2e-12, 29425 rows against 27004, since \
             2013-07-01T00:00:00Z\n\
             - dest (values): over, wasserstein_scaled 0.323 (threshold 0.25), adjusted p 3.2e-12, 29425 rows against 27004, since \
             2013-07-01T00:00:00Z\n"
        );
        assert_eq!(
            text(Language::Ko),
            "departures: 경보 dep_delay (값); 해제 dest (값)\n\
             구간 2013-07-01T00:00:00Z ~ 2013-08-01T00:00:00Z, 프로젝트 flights, 브랜치 main\n\
             - dep_delay (값): 경보, wasserstein_scaled 0.323 (임계값 0.25), 보정 p 3.2e-12, 행 29425개, 기준 27004개, \
             2013-07-01T00:00:00Z부터\n\
             - dest (값): 해제, wasserstein_scaled 0.323 (임계값 0.25), 보정 p 3.2e-12, 행 29425개, 기준 27004개, \
             2013-07-01T00:00:00Z부터\n"
        );
        let many: Vec<_> = (0..9).map(|at| row(&format!("c{at}"), Notice::Raised)).collect();
        let path = Some("reports/7.html".to_owned());
        let alert = Alert::new("01", ("flights", "main"), &many, Language::Ko, path).unwrap();
        assert!(alert.subject.ends_with("c4 (값), 외 4건"), "{}", alert.subject);
        assert!(alert.text.ends_with("\n보고서 reports/7.html\n"), "{}", alert.text);
        assert!(Alert::new("01", ("flights", "main"), &[], Language::En, None).is_none());
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (12.0, "12"),
            (0.322_87, "0.323"),
            (123.456, "123"),
            (1.5e-9, "1.5e-9"),
            (1.0 / 3.0, "0.333"),
            (f64::INFINITY, "inf"),
            (0.1, "0.1"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
