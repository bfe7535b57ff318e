//! What charts of explanations say, in each language. (hanok-charts has the words of charts themselves.)

use hanok_charts::{Language, count};

use crate::explanation::{Metadata, Method, ModelIdentity, Unit};

/// Titles, axes and captions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    pub(super) language: Language,
}

impl Words {
    /// The text of a language.
    pub(super) fn say<T>(self, en: T, ko: T) -> T {
        match self.language {
            Language::En => en,
            Language::Ko => ko,
        }
    }

    /// "delays, version 3".
    pub(super) fn model(self, model: &ModelIdentity) -> String {
        let name = &model.name;
        match model.version {
            Some(version) => self.say(format!("{name}, version {version}"), format!("{name} 버전 {version}")),
            None => name.clone(),
        }
    }

    /// "10,000 rows".
    pub(super) fn rows(self, rows: usize) -> String {
        let rows = count(rows);
        self.say(
            if rows == "1" { "1 row".to_owned() } else { format!("{rows} rows") },
            format!("{rows}개 행"),
        )
    }

    /// "class 2".
    pub(super) fn class(self, class: &str) -> String {
        self.say(format!("class {class}"), format!("클래스 {class}"))
    }

    /// What values are measured against.
    pub(super) fn method(self, metadata: &Metadata) -> String {
        let rows = count(metadata.background_rows.unwrap_or_default() as usize);
        match metadata.method {
            Method::Path => {
                self.say("SHAP values, path-dependent.".to_owned(), "SHAP 값(경로 의존).".to_owned())
            }
            Method::Interventional => self.say(
                format!("SHAP values, interventional against {rows} background rows."),
                format!("SHAP 값(배경 {rows}개 행 대비 개입)."),
            ),
            Method::Saabas => self.say(
                "Saabas values: along each row's own path, no Shapley values.".to_owned(),
                "Saabas 값(각 행의 경로를 따른 값, 섀플리 값이 아님).".to_owned(),
            ),
            method => self.say(
                format!("SHAP values by the method {method}, against {rows} background rows."),
                format!("SHAP 값({method} 방법, 배경 {rows}개 행 대비)."),
            ),
        }
    }

    /// What the model's sum of trees is.
    fn unit(self, unit: Unit) -> &'static str {
        match unit {
            Unit::Prediction => "",
            Unit::LogOdds => self.say("log-odds", "로그 오즈"),
            Unit::Log => self.say("logarithm", "로그"),
            Unit::Probability => self.say("probability", "확률"),
            Unit::LogLoss => self.say("log loss", "로그 손실"),
            Unit::Score => self.say("raw score", "원점수"),
        }
    }

    /// A name with the unit that it is in.
    fn in_unit(self, name: &str, unit: Unit) -> String {
        match self.unit(unit) {
            "" => name.to_owned(),
            unit => format!("{name} ({unit})"),
        }
    }

    /// The axis of SHAP values.
    pub(super) fn value(self, unit: Unit) -> String {
        self.in_unit(self.say("SHAP value", "SHAP 값"), unit)
    }

    /// The axis of importances.
    pub(super) fn mean_value(self, unit: Unit) -> String {
        self.in_unit(self.say("mean |SHAP value|", "평균 |SHAP 값|"), unit)
    }

    /// The axis of pairs.
    pub(super) fn mean_together(self, unit: Unit) -> String {
        self.in_unit(self.say("mean |interaction|", "평균 |상호작용|"), unit)
    }

    /// The axis of predictions.
    pub(super) fn explained(self, unit: Unit) -> String {
        match unit {
            Unit::LogLoss => self.unit(unit).to_owned(),
            _ => self.in_unit(self.say("prediction", "예측값"), unit),
        }
    }

    /// The title of a scatter.
    pub(super) fn effect_of(self, feature: &str) -> String {
        self.say(format!("What {feature} does"), format!("{feature}의 영향"))
    }

    /// What the model predicts in the end, when what is explained is something else: "probability 0.31".
    pub(super) fn predicted(self, unit: Unit, number: &str) -> Option<String> {
        let name = match unit {
            Unit::Prediction | Unit::Probability => return None,
            Unit::LogOdds => self.unit(Unit::Probability),
            Unit::Log | Unit::LogLoss | Unit::Score => self.say("prediction", "예측값"),
        };
        Some(format!("{name} {number}"))
    }
}
