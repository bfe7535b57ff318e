//! Branches and tags.
//!
//! A branch is known to people by its name and to everything else by its id, which no other branch ever has: a branch
//! that is dropped and made again is another one, and a process that still holds the first cannot write to the second.

use hanok_types::BranchName;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection};

use crate::error::near;
use crate::store::now_us;
use crate::{Catalog, CatalogError};

/// The branch that every project starts with: its name, and its id.
pub const MAIN_BRANCH: &str = "main";
/// Branches above each other, `main` among them. Each costs a look-up for a file that it has not changed.
pub const BRANCH_DEPTH_MAX: usize = 16;

/// Whether a branch may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BranchKind {
    /// It may.
    Branch,
    /// It is a fixed point across all tables.
    Tag,
}

impl BranchKind {
    /// The name in the catalog.
    pub fn name(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
        }
    }
}

/// A branch or tag.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Branch {
    /// The id: its folder, the first segment of its URLs, and what the catalog's other records call it.
    pub id: String,
    /// The name.
    pub name: String,
    /// Branch or tag.
    pub kind: BranchKind,
    /// The id of the branch that it was forked from; none for `main`.
    pub parent: Option<String>,
    /// The name of that branch.
    pub parent_name: Option<String>,
    /// The moment of the parent that it began with, microseconds since 1970-01-01 UTC.
    pub fork_us: i64,
    /// When it was made.
    pub created_us: i64,
    /// When `branch expire` may drop it.
    pub expires_us: Option<i64>,
    /// Whether it must not be dropped, reset or expired.
    pub protected: bool,
    /// Who made it, as far as the system knows.
    pub created_by: String,
}

impl Branch {
    /// The branch that every project starts with, as far as it is the same everywhere.
    pub fn main() -> Self {
        Self {
            id: MAIN_BRANCH.to_owned(),
            name: MAIN_BRANCH.to_owned(),
            kind: BranchKind::Branch,
            parent: None,
            parent_name: None,
            fork_us: 0,
            created_us: 0,
            expires_us: None,
            protected: false,
            created_by: String::new(),
        }
    }

    /// Whether it is `main`.
    pub fn is_main(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether it refuses writes.
    pub fn is_read_only(&self) -> bool {
        self.kind == BranchKind::Tag
    }
}

/// A branch to be made.
#[derive(Clone, Debug)]
pub struct NewBranch {
    /// The id: a ULID that no branch has had.
    pub id: String,
    /// The name.
    pub name: BranchName,
    /// Branch or tag.
    pub kind: BranchKind,
    /// The id of the branch that it is forked from.
    pub parent: String,
    /// The moment of the parent that it shows.
    pub fork_us: i64,
    /// When it may be dropped.
    pub expires_us: Option<i64>,
    /// Who makes it.
    pub created_by: String,
}

pub(crate) const SELECT: &str =
    "SELECT b.*, p.name AS parent_name FROM branches b LEFT JOIN branches p ON p.id = b.parent";

impl Catalog {
    /// The branch or tag of that name.
    ///
    /// # Errors
    /// [`CatalogError::UnknownBranch`], with names that are spelt nearly so.
    pub async fn branch(&self, name: &str) -> Result<Branch, CatalogError> {
        let sql = format!("{SELECT} WHERE b.name = ?");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(self.failed("look up a branch"))?;
        match found {
            Some(row) => branch(&row),
            None => Err(self.unknown_branch(name).await?),
        }
    }

    /// The error of a name that no branch has.
    pub(crate) async fn unknown_branch(&self, name: &str) -> Result<CatalogError, CatalogError> {
        let names = self.branches().await?.into_iter().map(|branch| branch.name);
        Ok(CatalogError::UnknownBranch { branch: name.to_owned(), near: near(name, names) })
    }

    /// All branches and tags, `main` first, then by name.
    pub async fn branches(&self) -> Result<Vec<Branch>, CatalogError> {
        let sql = format!("{SELECT} ORDER BY b.parent IS NOT NULL, b.name");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("list the branches"))?;
        rows.iter().map(branch).collect()
    }

    /// The branch of that id, its parent, and so on up to `main`. Empty when there is no such branch (any more).
    pub async fn branch_chain(&self, id: &str) -> Result<Vec<Branch>, CatalogError> {
        let sql = format!(
            "WITH RECURSIVE chain (id, depth) AS (
                 SELECT ?1, 0
                 UNION ALL SELECT b.parent, c.depth + 1 FROM chain c JOIN branches b ON b.id = c.id
                 WHERE b.parent IS NOT NULL
             )
             SELECT s.* FROM ({SELECT}) s JOIN chain c ON c.id = s.id ORDER BY c.depth"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .fetch_all(&self.pool)
            .await
            .map_err(self.failed("look up a branch"))?;
        rows.iter().map(branch).collect()
    }

    /// Forgets a branch and all that the catalog holds about it. Its folder is the lake's business.
    ///
    /// # Errors
    /// [`CatalogError::BranchInUse`] for `main`, a protected branch, and one that others were forked from.
    pub async fn drop_branch(&self, id: &str) -> Result<(), CatalogError> {
        let action = "drop a branch";
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(self.failed(action))?;
        let found = self.removable(&mut transaction, id).await?;
        if found.is_some() {
            clear(&mut transaction, id).await.map_err(self.failed(action))?;
            sqlx::query("DELETE FROM branches WHERE id = ?")
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(self.failed(action))?;
        }
        transaction.commit().await.map_err(self.failed(action))
    }

    /// Whether a branch may be replaced by one that begins anew.
    ///
    /// # Errors
    /// [`CatalogError::BranchInUse`] as for resetting it.
    pub async fn check_replaceable(&self, id: &str) -> Result<(), CatalogError> {
        let mut connection = self.pool.acquire().await.map_err(self.failed("look up a branch"))?;
        self.replaceable(&mut connection, id).await.map(|_| ())
    }

    /// The branch, when nothing forbids that one which begins anew takes its place; `None` when it is gone already.
    pub(crate) async fn replaceable(
        &self,
        connection: &mut SqliteConnection,
        id: &str,
    ) -> Result<Option<Branch>, CatalogError> {
        let Some(found) = self.removable(connection, id).await? else { return Ok(None) };
        let staged: i64 = sqlx::query_scalar("SELECT count(*) FROM staging WHERE branch = ?")
            .bind(id)
            .fetch_one(&mut *connection)
            .await
            .map_err(self.failed("look up a branch"))?;
        if staged > 0 {
            // The parent's tables would come back as they are.
            let reason = "it is a staging branch, which is dropped and made again".to_owned();
            return Err(CatalogError::BranchInUse { branch: found.name, reason });
        }
        Ok(Some(found))
    }

    /// The branch, when nothing forbids that it goes; `None` when it is gone already.
    pub(crate) async fn removable(
        &self,
        connection: &mut SqliteConnection,
        id: &str,
    ) -> Result<Option<Branch>, CatalogError> {
        let sql = format!("{SELECT} WHERE b.id = ?");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(self.failed("look up a branch"))?;
        let Some(found) = found.as_ref().map(branch).transpose()? else { return Ok(None) };
        let children: Vec<String> =
            sqlx::query_scalar("SELECT name FROM branches WHERE parent = ? ORDER BY name")
                .bind(id)
                .fetch_all(&mut *connection)
                .await
                .map_err(self.failed("look up a branch"))?;
        let refused = |reason: String| CatalogError::BranchInUse { branch: found.name.clone(), reason };
        if found.is_main() {
            return Err(refused("it is the branch that every project has".to_owned()));
        }
        if found.protected {
            return Err(refused("it is protected".to_owned()));
        }
        let merging: i64 =
            sqlx::query_scalar("SELECT count(*) FROM merges WHERE branch = ? AND status = 'committing'")
                .bind(id)
                .fetch_one(&mut *connection)
                .await
                .map_err(self.failed("look up a branch"))?;
        if merging > 0 {
            return Err(refused("it is being merged".to_owned()));
        }
        if !children.is_empty() {
            return Err(refused(format!("others were forked from it: {}", children.join(", "))));
        }
        Ok(Some(found))
    }

    /// Sets or takes away a branch's protection.
    pub async fn protect_branch(&self, id: &str, protected: bool) -> Result<(), CatalogError> {
        sqlx::query("UPDATE branches SET protected = ? WHERE id = ?")
            .bind(protected)
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(self.failed("protect a branch"))?;
        Ok(())
    }
}

/// Takes away everything that belongs to a branch but the branch itself.
pub(crate) async fn clear(connection: &mut SqliteConnection, id: &str) -> Result<(), sqlx::Error> {
    for statement in [
        "DELETE FROM tables WHERE branch = ?",
        "DELETE FROM forks WHERE branch = ?",
        "DELETE FROM horizons WHERE branch = ?",
        "DELETE FROM feature_objects WHERE branch = ?",
        "DELETE FROM load_ledger WHERE branch = ?",
        "DELETE FROM staging WHERE branch = ?",
        "DELETE FROM merge_tables WHERE merge IN (SELECT id FROM merges WHERE target = ?)",
        "DELETE FROM merges WHERE target = ?",
    ] {
        sqlx::query(statement).bind(id).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Adds the branch's own record.
pub(crate) async fn insert(connection: &mut SqliteConnection, new: &NewBranch) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO branches (id, name, kind, parent, fork_us, created_us, expires_us, created_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&new.id)
    .bind(new.name.as_str())
    .bind(new.kind.name())
    .bind(&new.parent)
    .bind(new.fork_us)
    .bind(now_us())
    .bind(new.expires_us)
    .bind(&new.created_by)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

fn branch(row: &SqliteRow) -> Result<Branch, CatalogError> {
    let name: String = row.get("name");
    let kind = match row.get::<String, _>("kind").as_str() {
        "branch" => BranchKind::Branch,
        "tag" => BranchKind::Tag,
        other => {
            let reason = format!("kind `{other}`");
            return Err(CatalogError::Record { what: format!("branch {name}"), reason });
        }
    };
    Ok(Branch {
        id: row.get("id"),
        kind,
        parent: row.get("parent"),
        parent_name: row.get("parent_name"),
        fork_us: row.get("fork_us"),
        created_us: row.get("created_us"),
        expires_us: row.get("expires_us"),
        protected: row.get("protected"),
        created_by: row.get("created_by"),
        name,
    })
}
