//! What charts say by themselves, in each language.

use crate::number::{count, number, percent};
use crate::style::Language;

/// A word or a phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Low,
    High,
    FeatureValue,
    Missing,
    Raises,
    Lowers,
    BaseValue,
    Prediction,
    MeanEffect,
    NoData,
    New,
    Gone,
    Predicted,
    Observed,
    Ideal,
    Rows,
    RowsShare,
    Median,
    Contribution,
}

impl Word {
    /// In a language.
    pub(crate) fn text(self, language: Language) -> &'static str {
        let (en, ko) = match self {
            Self::Low => ("low", "낮음"),
            Self::High => ("high", "높음"),
            Self::FeatureValue => ("feature value", "특성 값"),
            Self::Missing => ("missing", "결측"),
            Self::Raises => ("raises the prediction", "예측을 높임"),
            Self::Lowers => ("lowers the prediction", "예측을 낮춤"),
            Self::BaseValue => ("base value", "기준값"),
            Self::Prediction => ("prediction", "예측값"),
            Self::MeanEffect => ("mean |contribution|", "평균 |기여|"),
            Self::NoData => ("no data", "데이터 없음"),
            Self::New => ("new", "새 범주"),
            Self::Gone => ("gone", "사라짐"),
            Self::Predicted => ("predicted", "예측 확률"),
            Self::Observed => ("observed", "관측 비율"),
            Self::Ideal => ("perfectly calibrated", "완벽한 보정"),
            Self::Rows => ("rows", "행 수"),
            Self::RowsShare => ("share of rows", "행의 비율"),
            Self::Median => ("median", "중앙값"),
            Self::Contribution => ("contribution", "기여"),
        };
        match language {
            Language::En => en,
            Language::Ko => ko,
        }
    }
}

/// "12 other features".
pub(crate) fn others(others: usize, language: Language) -> String {
    let n = count(others);
    match language {
        Language::En if others == 1 => format!("{n} other"),
        Language::En => format!("{n} others"),
        Language::Ko => format!("그 외 {n}개"),
    }
}

/// "Shown: the 20 largest of 300."
pub(crate) fn largest(shown: usize, of: usize, language: Language) -> String {
    let (shown, of) = (count(shown), count(of));
    match language {
        Language::En => format!("Shown: the {shown} largest of {of}."),
        Language::Ko => format!("{of}개 중 큰 순서로 {shown}개만 표시."),
    }
}

/// "Shown: the first 60 of 300."
pub(crate) fn first(shown: usize, of: usize, language: Language) -> String {
    let (shown, of) = (count(shown), count(of));
    match language {
        Language::En => format!("Shown: the first {shown} of {of}."),
        Language::Ko => format!("{of}개 중 처음 {shown}개만 표시."),
    }
}

/// "Drawn: 2,000 of 1,000,000 rows, chosen evenly by their position; the extremes are among them."
pub(crate) fn sampled(shown: usize, of: usize, language: Language) -> String {
    let (shown, of) = (count(shown), count(of));
    match language {
        Language::En => format!("Drawn: {shown} of {of} rows, a fixed sample that keeps the extremes."),
        Language::Ko => format!("{of}개 행 중 극값을 포함한 고정 표본 {shown}개를 표시."),
    }
}

/// "Drawn: a fixed sample of 2,000 of 1,000,000 rows."
pub(crate) fn sample(shown: usize, of: usize, language: Language) -> String {
    let (shown, of) = (count(shown), count(of));
    match language {
        Language::En => format!("Drawn: a fixed sample of {shown} of {of} rows."),
        Language::Ko => format!("{of}개 행 중 고정 표본 {shown}개를 표시."),
    }
}

/// "Each column is the mean of about 50 of 10,000 rows."
pub(crate) fn averaged(columns: usize, of: usize, language: Language) -> String {
    let (columns, of) = (count(columns), count(of));
    match language {
        Language::En => format!("{of} rows in {columns} columns; a cell is the mean of its rows."),
        Language::Ko => format!("{of}개 행을 {columns}개 열로 묶음. 칸은 행들의 평균."),
    }
}

/// "3 values that are not finite are left out."
pub(crate) fn left_out(values: usize, language: Language) -> String {
    let n = count(values);
    match language {
        Language::En if values == 1 => "1 value that is not finite is left out.".to_owned(),
        Language::En => format!("{n} values that are not finite are left out."),
        Language::Ko => format!("유한하지 않은 값 {n}개 제외."),
    }
}

/// "2 events have no room for their names; point at their lines."
pub(crate) fn unnamed(events: usize, language: Language) -> String {
    let n = count(events);
    match language {
        Language::En if events == 1 => "1 event has no room for its name; point at its line.".to_owned(),
        Language::En => format!("{n} events have no room for their names; point at their lines."),
        Language::Ko => format!("이름을 적을 자리가 없는 이벤트 {n}개는 선을 가리키면 보임."),
    }
}

/// "missing: 2%".
pub(crate) fn missing(share: f64, language: Language) -> String {
    format!("{}: {}", Word::Missing.text(language), percent(share))
}

/// "base value 0.3".
pub(crate) fn with_number(word: Word, value: f64, language: Language) -> String {
    format!("{} {}", word.text(language), number(value))
}
