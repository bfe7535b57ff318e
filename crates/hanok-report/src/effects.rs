//! Names of measures, aspects and kinds, and effects in words.

use hanok_charts::{Language, number};
use hanok_drift::{Effect, Kind, Measure, Verdict, What};

use crate::figures::share;
use crate::words::{Word, Words};

/// The style sheet's class of a verdict.
pub(crate) fn class(verdict: Verdict) -> &'static str {
    verdict.name()
}

/// A verdict in a word.
pub(crate) fn word(verdict: Verdict) -> Word {
    match verdict {
        Verdict::Stable => Word::Stable,
        Verdict::Undecided => Word::Undecided,
        Verdict::Drifted => Word::Drifted,
    }
}

/// A verdict with its mark.
pub(crate) fn badge(verdict: Verdict, words: Words) -> String {
    format!("<span class=\"badge {}\">{}</span>", class(verdict), words.of(word(verdict)))
}

/// The name of an aspect.
pub(crate) fn what(what: What) -> Word {
    match what {
        What::Missing => Word::Missing,
        What::Values => Word::Values,
        What::Range => Word::Outside,
        What::Length => Word::Length,
        What::Pattern => Word::Pattern,
        What::Token => Word::Token,
        What::Element => Word::Element,
        What::Direction => Word::Direction,
        What::Distance => Word::Distance,
        What::Hour => Word::Hour,
        What::Weekday => Word::Weekday,
    }
}

/// The name of a kind.
pub(crate) fn kind(kind: Kind) -> Word {
    match kind {
        Kind::Numbers => Word::Numbers,
        Kind::Times => Word::Times,
        Kind::Booleans => Word::Booleans,
        Kind::Texts => Word::Texts,
        Kind::Lists => Word::Lists,
        Kind::Nothing => Word::Nothing,
    }
}

/// A measure as the literature writes it.
pub(crate) fn measure(measure: Measure, language: Language) -> &'static str {
    let (en, ko) = match measure {
        Measure::KolmogorovSmirnov => ("Kolmogorov–Smirnov", "콜모고로프–스미르노프"),
        Measure::Kuiper => ("Kuiper", "카이퍼"),
        Measure::CramerVonMises => ("Cramér–von Mises", "크라메르–폰 미제스"),
        Measure::AndersonDarling => ("Anderson–Darling", "앤더슨–달링"),
        Measure::MannWhitney => ("Mann–Whitney U", "만–휘트니 U"),
        Measure::Wasserstein => ("Wasserstein distance", "바서슈타인 거리"),
        Measure::WassersteinScaled => ("Wasserstein distance in σ", "바서슈타인 거리 (σ 단위)"),
        Measure::Energy => ("energy distance", "에너지 거리"),
        Measure::Psi => ("PSI", "PSI (모집단 안정성 지수)"),
        Measure::JensenShannon => ("Jensen–Shannon distance", "옌센–섀넌 거리"),
        Measure::Hellinger => ("Hellinger distance", "헬링거 거리"),
        Measure::TotalVariation => ("total variation distance", "총변동 거리"),
        Measure::LeCam => ("Le Cam distance", "르캄 거리"),
        Measure::LInfinity => ("largest difference of a share", "비율 차이의 최댓값"),
        Measure::ChiSquared => ("χ²", "χ² (카이제곱)"),
        Measure::GTest => ("G", "G 검정"),
        Measure::FisherExact => ("Fisher's exact test, odds ratio", "피셔 정확 검정, 오즈비"),
        Measure::RateDifference => ("difference of rates", "비율 차이"),
        Measure::Outside => ("share out of range", "범위 밖 비율"),
        Measure::CorrelationDifference => ("difference of rank correlations", "순위 상관 차이"),
    };
    match language {
        Language::En => en,
        Language::Ko => ko,
    }
}

/// The value of a measure in its unit.
pub(crate) fn amount(measure: Measure, value: f64) -> String {
    match measure {
        Measure::WassersteinScaled => format!("{} σ", number(value)),
        Measure::RateDifference => format!("{}p", share(value)),
        Measure::Outside | Measure::TotalVariation | Measure::LInfinity => share(value),
        _ => number(value),
    }
}

/// "Wasserstein distance 0.32 σ": short enough for a phone.
pub(crate) fn short(effect: &Effect, language: Language) -> String {
    let value = amount(effect.measure, effect.value);
    let name = match effect.measure {
        Measure::KolmogorovSmirnov => "KS",
        Measure::WassersteinScaled => "W₁",
        Measure::RateDifference => "Δ",
        Measure::CorrelationDifference => "Δρ",
        Measure::LeCam => match language {
            Language::En => "Le Cam",
            Language::Ko => "르캄",
        },
        Measure::Outside => return value,
        measure => self::measure(measure, language),
    };
    format!("{name} {value}")
}

/// What the value of a measure that decides says, in a sentence; `None` where that is plain.
pub(crate) fn meaning(measure: Measure, words: Words) -> Option<&'static str> {
    let (en, ko) = match measure {
        Measure::KolmogorovSmirnov => (
            "KS: the largest difference of the shares of rows below one value, 0 to 1.",
            "KS: 어떤 값보다 작은 행의 비율이 가장 크게 벌어진 차이 (0~1).",
        ),
        Measure::WassersteinScaled => (
            "W₁: how far values have moved on average, in standard deviations σ.",
            "W₁: 값이 평균적으로 움직인 거리 (표준편차 σ 단위).",
        ),
        Measure::LeCam => (
            "Le Cam: how different the shares of categories are, 0 to 1.",
            "르캄: 범주별 비율이 서로 다른 정도 (0~1).",
        ),
        Measure::RateDifference => ("Δ: the difference of two rates.", "Δ: 두 비율의 차이."),
        _ => return None,
    };
    Some(words.choose(en, ko))
}

/// "1.3×": how often the threshold fits in.
pub(crate) fn times(effect: &Effect) -> String {
    let ratio = effect.ratio();
    if ratio < 0.05 {
        return "0×".to_owned();
    }
    if ratio.is_finite() && ratio < 9.95 {
        format!("{ratio:.1}×")
    } else {
        format!("{}×", number(ratio.round()))
    }
}

/// What could have been missed, as a multiple of the threshold, of what is undecided.
pub(crate) fn up_to(effect: &Effect, verdict: Verdict) -> Option<f64> {
    (verdict == Verdict::Undecided).then_some(effect.detectable / effect.threshold)
}
