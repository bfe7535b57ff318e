//! What columns mean to a predictive model.

use std::path::{Path, PathBuf};

use hanok_explain::{
    AskingOptions, ColumnChoice, ExplainOptions, Explaining, Explanation, Method, OutputKind, ViewError,
    importance,
};
use hanok_report::Importance;
use hanok_types::column_name;

use super::columns::Columns;
use super::open::blocking;
use super::{DriftError, DriftPlace};
use crate::EngineError;

/// Current rows that a model is explained on.
const ROWS_MAX: usize = 2000;

/// Where the importance of columns comes from.
#[derive(Clone, Debug)]
pub enum ImportanceSource {
    /// A registered predictive model or a model file, explained on a sample of the current rows.
    Model(String),
    /// An explanation of `hanok explain`.
    Explanation(PathBuf),
}

impl DriftPlace {
    /// The importance of columns of the current side: mean absolute SHAP values, summed over outputs.
    pub(super) async fn importance(
        &self,
        source: &ImportanceSource,
        current: &Columns,
    ) -> Result<Importance, EngineError> {
        let (model, features) = match source {
            ImportanceSource::Explanation(path) => explained(path).await?,
            ImportanceSource::Model(name) => self.of_model(name, current).await?,
        };
        let names: Vec<&str> = current.schema.fields().iter().map(|field| field.name().as_str()).collect();
        of_columns(model, features, &names)
    }

    async fn of_model(
        &self,
        name: &str,
        current: &Columns,
    ) -> Result<(String, Vec<(String, f64)>), EngineError> {
        let Some(engine) = &self.engine else {
            return Err(DriftError::Importance("a predictive model needs a project".to_owned()).into());
        };
        let model = engine.load_model(name).await?;
        let names: Vec<&str> = current.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let rows = current.sample(&names, ROWS_MAX)?;
        let (shown, threads) = (name.to_owned(), self.threads);
        blocking(move || {
            let options = ExplainOptions {
                method: Some(Method::Path),
                output: OutputKind::Raw,
                interactions: false,
                columns: ColumnChoice { features: Vec::new(), keys: Some(Vec::new()), label: None },
                threads,
                asking: AskingOptions::default(),
                rows: None,
            };
            let mut explaining = Explaining::new(&model, rows.schema_ref(), None, &options)?;
            explaining.explain(&rows)?;
            let explained = explaining.finish();
            let features = &explained.metadata.features;
            let means =
                explained.importance.into_iter().flat_map(|means| features.iter().cloned().zip(means));
            Ok((shown, means.collect()))
        })
        .await
    }
}

/// The importance of columns by an explanation.
pub(super) async fn explained_importance(path: &Path, names: &[&str]) -> Result<Importance, EngineError> {
    let (model, features) = explained(path).await?;
    of_columns(model, features, names)
}

/// Features as the columns that they are, by their names or those that loading makes of them.
fn of_columns(
    model: String,
    features: Vec<(String, f64)>,
    names: &[&str],
) -> Result<Importance, EngineError> {
    let mut columns: Vec<(String, f64)> = Vec::new();
    for (feature, value) in features {
        let made = column_name(&feature);
        let Some(name) = names.iter().find(|name| **name == feature || **name == made) else { continue };
        match columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += value,
            None => columns.push(((*name).to_owned(), value)),
        }
    }
    if columns.is_empty() {
        let reason = format!("no feature of {model} is a column of the current side");
        return Err(DriftError::Importance(reason).into());
    }
    Ok(Importance { model, columns })
}

async fn explained(path: &Path) -> Result<(String, Vec<(String, f64)>), EngineError> {
    let path = path.to_owned();
    blocking(move || of_explanation(path)).await
}

fn of_explanation(path: PathBuf) -> Result<(String, Vec<(String, f64)>), EngineError> {
    let explanation = Explanation::open(&path).map_err(ViewError::from)?;
    let outputs: Vec<usize> = (0..explanation.metadata().outputs.len()).collect();
    let found = importance(&explanation, &outputs, None)?;
    let identity = &explanation.metadata().model;
    let version = identity.version.map(|version| format!("@{version}")).unwrap_or_default();
    let means = found.into_iter().map(|one| (one.feature, one.mean_abs)).collect();
    Ok((format!("{}{version}", identity.name), means))
}
