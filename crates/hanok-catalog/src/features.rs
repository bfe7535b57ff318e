//! Registered feature definitions, as JSON documents whose shape belongs to `hanok-features`.

use sqlx::Row as _;

use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureObjectKind {
    /// An entity.
    Entity,
    /// A feature view.
    FeatureView,
    /// A feature service.
    FeatureService,
}

impl FeatureObjectKind {
    const ALL: [Self; 3] = [Self::Entity, Self::FeatureView, Self::FeatureService];

    /// The name in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entity => "entity",
            Self::FeatureView => "feature_view",
            Self::FeatureService => "feature_service",
        }
    }
}

/// A registered definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureObject {
    /// What it defines.
    pub kind: FeatureObjectKind,
    /// Its name.
    pub name: String,
    /// Counts the applied changes, from 1.
    pub version: i64,
    /// The definition, as canonical JSON text.
    pub definition: String,
}

impl Catalog {
    /// Makes the branch's registry hold exactly `objects` (kind, name, definition), in one transaction. The version of a
    /// definition that differs from the registered one goes up. Returns the registry afterwards.
    pub async fn replace_features(
        &self,
        branch: &str,
        objects: &[(FeatureObjectKind, String, String)],
    ) -> Result<Vec<FeatureObject>, CatalogError> {
        let action = "register features";
        let mut transaction = self.pool.begin().await.map_err(self.failed(action))?;
        let known = sqlx::query("SELECT kind, name FROM feature_objects WHERE branch = ?")
            .bind(branch)
            .fetch_all(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        for row in known {
            let (kind, name): (String, String) = (row.get("kind"), row.get("name"));
            if !objects.iter().any(|(k, n, _)| k.name() == kind && *n == name) {
                sqlx::query("DELETE FROM feature_objects WHERE branch = ? AND kind = ? AND name = ?")
                    .bind(branch)
                    .bind(kind)
                    .bind(name)
                    .execute(&mut *transaction)
                    .await
                    .map_err(self.failed(action))?;
            }
        }
        for (kind, name, definition) in objects {
            sqlx::query(
                "INSERT INTO feature_objects (branch, kind, name, version, definition, applied_us)
                 VALUES (?, ?, ?, 1, ?, ?)
                 ON CONFLICT DO UPDATE SET version = version + 1, definition = excluded.definition,
                 applied_us = excluded.applied_us WHERE definition <> excluded.definition",
            )
            .bind(branch)
            .bind(kind.name())
            .bind(name)
            .bind(definition)
            .bind(now_us())
            .execute(&mut *transaction)
            .await
            .map_err(self.failed(action))?;
        }
        transaction.commit().await.map_err(self.failed(action))?;
        self.features(branch).await
    }

    /// Everything that is registered on a branch, by kind and name.
    pub async fn features(&self, branch: &str) -> Result<Vec<FeatureObject>, CatalogError> {
        let rows = sqlx::query("SELECT * FROM feature_objects WHERE branch = ? ORDER BY kind, name")
            .bind(branch)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("read the registered features"))?;
        rows.iter()
            .map(|row| {
                let (kind, name): (String, String) = (row.get("kind"), row.get("name"));
                let kind =
                    FeatureObjectKind::ALL.into_iter().find(|k| k.name() == kind).ok_or_else(|| {
                        CatalogError::Record {
                            what: format!("feature object {name}"),
                            reason: format!("kind `{kind}`"),
                        }
                    })?;
                Ok(FeatureObject {
                    kind,
                    name,
                    version: row.get("version"),
                    definition: row.get("definition"),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_version_goes_up_only_when_the_definition_changes() {
        let folder = tempfile::tempdir().unwrap();
        let catalog = Catalog::open(&folder.path().join("catalog.sqlite")).await.unwrap();
        let object = |text: &str| vec![(FeatureObjectKind::FeatureView, "v".to_owned(), text.to_owned())];
        assert_eq!(catalog.replace_features("main", &object("{}")).await.unwrap()[0].version, 1);
        assert_eq!(catalog.replace_features("main", &object("{}")).await.unwrap()[0].version, 1);
        assert_eq!(catalog.replace_features("main", &object("{\"a\":1}")).await.unwrap()[0].version, 2);
        assert!(catalog.replace_features("main", &[]).await.unwrap().is_empty());
    }
}
