//! Migrations: `PRAGMA user_version` counts the steps that a file has been through.

use sqlx::SqliteConnection;

/// The schema version that this binary writes.
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// Steps are only ever appended; one that has been released never changes.
const STEPS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// Brings the file up to [`SCHEMA_VERSION`]. Returns the version found when it is newer than this binary.
pub(crate) async fn run(connection: &mut SqliteConnection) -> Result<Result<(), i64>, sqlx::Error> {
    let found = version(connection).await?;
    if found >= SCHEMA_VERSION {
        return Ok(if found > SCHEMA_VERSION { Err(found) } else { Ok(()) });
    }
    // Two processes may arrive together: the write lock is taken first and the version is read again under it.
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let found = version(connection).await?;
    for (at, step) in STEPS.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        sqlx::raw_sql(*step).execute(&mut *connection).await?;
        let pragma = format!("PRAGMA user_version = {}", at + 1);
        sqlx::raw_sql(sqlx::AssertSqlSafe(pragma)).execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    Ok(if found > SCHEMA_VERSION { Err(found) } else { Ok(()) })
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await
}
