//! Predictive models: names and versions of model files. They belong to the project, not to a branch.

use serde::Serialize;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// What a model file is, as far as the catalog keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFacts {
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Library and version that wrote it, for people.
    pub format: String,
    /// Names of the features; empty when the file has none.
    pub features: Vec<String>,
    /// How many features there are.
    pub feature_count: u64,
    /// How many outputs there are.
    pub outputs: u64,
    /// How many trees there are, one for each output.
    pub trees: u64,
    /// Whether path-dependent values can be computed.
    pub has_cover: bool,
    /// The path that it was added from.
    pub source: String,
}

/// A version of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// Counted from 1.
    pub version: i64,
    /// What its file is.
    #[serde(flatten)]
    pub facts: ModelFacts,
    /// When it was added, microseconds since 1970-01-01 UTC.
    pub added_us: i64,
}

impl Catalog {
    /// Gives a file the next version of a name, unless it is a version of that name already. Returns the version, and
    /// whether it is new.
    pub async fn add_model(
        &self,
        name: &str,
        facts: &ModelFacts,
    ) -> Result<(ModelVersion, bool), CatalogError> {
        let action = "register a model";
        // A list of strings has a JSON form.
        let features = serde_json::to_string(&facts.features).unwrap_or_default();
        let done = sqlx::query(
            "INSERT INTO model_versions (name, version, sha256, bytes, format, features, feature_count, outputs,
                                         trees, has_cover, source, added_us)
             SELECT ?, coalesce(max(version), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM model_versions WHERE name = ?
             ON CONFLICT (name, sha256) DO NOTHING",
        )
        .bind(name)
        .bind(&facts.sha256)
        .bind(facts.bytes as i64)
        .bind(&facts.format)
        .bind(features)
        .bind(facts.feature_count as i64)
        .bind(facts.outputs as i64)
        .bind(facts.trees as i64)
        .bind(facts.has_cover)
        .bind(&facts.source)
        .bind(now_us())
        .bind(name)
        .execute(&self.pool)
        .await
        .map_err(self.failed(action))?;
        let row = sqlx::query("SELECT * FROM model_versions WHERE name = ? AND sha256 = ?")
            .bind(name)
            .bind(&facts.sha256)
            .fetch_one(&self.pool)
            .await
            .map_err(self.failed(action))?;
        Ok((version(&row)?, done.rows_affected() == 1))
    }

    /// All versions of all models, or of the one of that name: by name, the newest first.
    pub async fn model_versions(&self, name: Option<&str>) -> Result<Vec<ModelVersion>, CatalogError> {
        let rows = sqlx::query(
            "SELECT * FROM model_versions WHERE ? IS NULL OR name = ? ORDER BY name, version DESC",
        )
        .bind(name)
        .bind(name)
        .fetch_all(&self.pool)
        .await
        .map_err(self.failed("read the models"))?;
        rows.iter().map(version).collect()
    }
}

fn version(row: &SqliteRow) -> Result<ModelVersion, CatalogError> {
    let (name, version): (String, i64) = (row.get("name"), row.get("version"));
    let features: String = row.get("features");
    let features = serde_json::from_str(&features).map_err(|error| CatalogError::Record {
        what: format!("model {name}@{version}"),
        reason: error.to_string(),
    })?;
    let count = |column: &str| row.get::<i64, _>(column) as u64;
    let facts = ModelFacts {
        sha256: row.get("sha256"),
        bytes: count("bytes"),
        format: row.get("format"),
        features,
        feature_count: count("feature_count"),
        outputs: count("outputs"),
        trees: count("trees"),
        has_cover: row.get("has_cover"),
        source: row.get("source"),
    };
    Ok(ModelVersion { name, version, facts, added_us: row.get("added_us") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_same_bytes_are_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let facts = |sha256: &str| ModelFacts {
            sha256: sha256.to_owned(),
            bytes: 3,
            format: "XGBoost 3.1".to_owned(),
            features: vec!["거리".to_owned()],
            feature_count: 1,
            outputs: 1,
            trees: 2,
            has_cover: true,
            source: "m.json".to_owned(),
        };
        let add = async |name: &str, sha256: &str| {
            let (found, new) = catalog.add_model(name, &facts(sha256)).await.unwrap();
            assert_eq!(found.facts, facts(sha256));
            (found.version, new)
        };
        assert_eq!(add("delay", "a").await, (1, true));
        assert_eq!(add("delay", "b").await, (2, true));
        assert_eq!(add("delay", "a").await, (1, false));
        assert_eq!(add("other", "a").await, (1, true));
        let versions = |found: Vec<ModelVersion>| -> Vec<(String, i64)> {
            found.into_iter().map(|found| (found.name, found.version)).collect()
        };
        let delay = catalog.model_versions(Some("delay")).await.unwrap();
        assert_eq!(versions(delay), [("delay".to_owned(), 2), ("delay".to_owned(), 1)]);
        assert_eq!(catalog.model_versions(None).await.unwrap().len(), 3);
        assert!(catalog.model_versions(Some("no")).await.unwrap().is_empty());
    }
}
