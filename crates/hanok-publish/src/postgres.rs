//! PostgreSQL: everything in one transaction, rows by binary `COPY`.
//!
//! New tables are filled in schemas of their own and moved to their places at the end, so that readers wait for the moment of
//! the exchange only. The transaction takes all of it back when the connection ends before the commit, whatever the reason.

mod copy;
pub(crate) mod ddl;
mod tls;

use std::pin::Pin;

use arrow::array::RecordBatch;
use bytes::{Bytes, BytesMut};
use futures::SinkExt as _;
use tokio_postgres::config::Host;
use tokio_postgres::{Client, CopyInSink, NoTls};

use crate::cell::plain_columns;
use crate::error::Result;
use crate::kind::Kind;
use crate::names::{RECORDS, quoted};
use crate::publisher::{Origin, Place};
use crate::{PostgresTarget, PublishError, SslMode, TableSpec};

/// Bytes of rows that are sent at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// The advisory lock of publications: "hanok" in ASCII. One runs in a database at a time.
const LOCK: i64 = 0x68_61_6e_6f_6b;
/// How long to wait for another publication, and for readers when tables are exchanged.
const LOCK_TIMEOUT: &str = "30s";

/// A publication into PostgreSQL.
pub(crate) struct Postgres {
    client: Client,
    origin: Origin,
    /// The schemas of the tables; those that are filled have the same order.
    schemas: Vec<String>,
    kinds: Vec<Vec<Kind>>,
    copy: Option<Copy>,
}

struct Copy {
    table: usize,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    buffer: BytesMut,
}

impl Postgres {
    pub(crate) async fn begin(target: &PostgresTarget, tables: &[TableSpec], origin: Origin) -> Result<Self> {
        let client = connect(target).await?;
        let mut schemas: Vec<String> = tables.iter().map(|table| table.schema.clone()).collect();
        schemas.sort_unstable();
        schemas.dedup();
        let kinds = tables.iter().map(TableSpec::kinds).collect::<Result<_>>()?;
        let this = Self { client, origin, schemas, kinds, copy: None };
        this.run("begin", &format!(
            "BEGIN; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL idle_in_transaction_session_timeout = 0"
        ))
        .await?;
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        this.run("wait for another publication to end", &lock).await?;
        for (at, schema) in this.schemas.iter().enumerate() {
            let known = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
            let known = this.client.query_opt(known, &[schema]).await.map_err(failed("look up schemas"))?;
            if known.is_none() {
                this.run("create a schema", &format!("CREATE SCHEMA {}", quoted(schema))).await?;
            }
            this.run("create its record of publications", &ddl::records(schema)).await?;
            this.run("create a schema", &format!("CREATE SCHEMA {}", filling(at))).await?;
        }
        this.published(tables).await?;
        for table in tables {
            let sql = ddl::create(table, &this.filled(table))?;
            this.run(&format!("create {}", table.title()), &sql).await?;
        }
        Ok(this)
    }

    pub(crate) async fn write(&mut self, table: usize, place: &Place<'_>, batch: &RecordBatch) -> Result<()> {
        if self.copy.as_ref().is_some_and(|copy| copy.table != table) {
            self.end_copy().await?;
        }
        let action = format!("write {}", place.table.title());
        let mut copy = match self.copy.take() {
            Some(copy) => copy,
            None => {
                let columns = ddl::columns(place.table);
                let sql = format!("COPY {} ({columns}) FROM STDIN BINARY", self.filled(place.table));
                let sink = self.client.copy_in(&sql).await.map_err(failed(&action))?;
                Copy { table, sink: Box::pin(sink), buffer: BytesMut::from(copy::HEADER) }
            }
        };
        let columns = plain_columns(batch)
            .map_err(|error| PublishError::Database { action: action.clone(), reason: error.to_string() })?;
        let mut sent = Ok(());
        for row in 0..batch.num_rows() {
            copy::encode(&mut copy.buffer, &self.kinds[table], &columns, row)
                .map_err(|(column, problem)| place.value(column, row, problem))?;
            if copy.buffer.len() >= CHUNK_BYTES && sent.is_ok() {
                sent = copy.sink.send(copy.buffer.split().freeze()).await;
            }
            if sent.is_err() {
                break;
            }
        }
        match sent {
            Ok(()) => self.copy = Some(copy),
            // The sink knows only that it was closed; the answer to the copy says why.
            Err(error) => {
                let reason = copy.sink.as_mut().finish().await.err().unwrap_or(error);
                return Err(failed(&action)(reason));
            }
        }
        Ok(())
    }

    async fn end_copy(&mut self) -> Result<()> {
        let Some(mut copy) = self.copy.take() else { return Ok(()) };
        copy.buffer.extend_from_slice(copy::TRAILER);
        let sent = copy.sink.send(copy.buffer.freeze()).await;
        let ended = copy.sink.as_mut().finish().await;
        ended.and(sent).map_err(failed("take the rows"))
    }

    pub(crate) async fn commit(mut self, tables: &[TableSpec], rows: &[u64]) -> Result<()> {
        self.end_copy().await?;
        for table in tables {
            for (what, sql) in ddl::keys(table, &self.filled(table)) {
                self.declare(table, &what, &sql).await?;
            }
        }
        for table in tables {
            for (what, sql) in ddl::references(table, &self.filled(table), |at| self.filled(&tables[at])) {
                self.declare(table, &what, &sql).await?;
            }
            self.run("analyze", &format!("ANALYZE {}", self.filled(table))).await?;
        }
        self.exchange(tables, rows).await?;
        self.run("commit", "COMMIT").await
    }

    /// Puts the new tables in the place of the old ones.
    async fn exchange(&self, tables: &[TableSpec], rows: &[u64]) -> Result<()> {
        let mut grants = Vec::new();
        for table in tables {
            grants.extend(self.grants(table).await?);
        }
        let old = self.published(tables).await?;
        if !old.is_empty() {
            self.run("replace what was published before", &format!("DROP TABLE {}", old.join(", "))).await?;
        }
        for (table, rows) in tables.iter().zip(rows) {
            let moved = format!("ALTER TABLE {} SET SCHEMA {}", self.filled(table), quoted(&table.schema));
            self.run(&format!("put {} in its place", table.title()), &moved).await?;
            let record = format!(
                "INSERT INTO {0} (table_name, branch, version, row_count, table_oid)
                 SELECT $1::text, $2::text, $3::text, $4::bigint, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = $5::text AND c.relname = $1::text
                 ON CONFLICT (table_name) DO UPDATE SET branch = excluded.branch, version = excluded.version,
                 row_count = excluded.row_count, table_oid = excluded.table_oid, published_at = now()",
                place(&table.schema, RECORDS)
            );
            let rows = *rows as i64;
            self.client
                .execute(
                    &record,
                    &[&table.name, &self.origin.branch, &self.origin.version, &rows, &table.schema],
                )
                .await
                .map_err(failed("record the publication"))?;
        }
        for grant in grants {
            self.run("grant the rights of the replaced tables", &grant).await?;
        }
        for at in 0..self.schemas.len() {
            self.run("tidy up", &format!("DROP SCHEMA {}", filling(at))).await?;
        }
        Ok(())
    }

    /// The tables of earlier publications that are in the place of these.
    ///
    /// # Errors
    /// When one is not Hanok's.
    async fn published(&self, tables: &[TableSpec]) -> Result<Vec<String>> {
        let mut old = Vec::new();
        for table in tables {
            let sql = format!(
                "SELECT r.table_oid IS NOT DISTINCT FROM c.oid AND c.relkind = 'r'
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 LEFT JOIN {} r ON r.table_name = c.relname WHERE n.nspname = $1 AND c.relname = $2",
                place(&table.schema, RECORDS)
            );
            let found = self.client.query_opt(&sql, &[&table.schema, &table.name]).await;
            let Some(row) = found.map_err(failed("look up tables"))? else { continue };
            if !row.get::<_, bool>(0) {
                return Err(PublishError::Foreign {
                    what: format!("the table {}", table.title()),
                    problem: "is in the database already, and Hanok did not publish it".to_owned(),
                });
            }
            old.push(place(&table.schema, &table.name));
        }
        Ok(old)
    }

    /// The rights that others have to the old table; of a new one those that the schema gives by default, because a table
    /// that moves in does not get them.
    async fn grants(&self, table: &TableSpec) -> Result<Vec<String>> {
        let sql = "WITH old AS (
                SELECT c.relacl AS acl FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = $1 AND c.relname = $2
            ), acls AS (
                SELECT acl FROM old UNION ALL
                SELECT d.defaclacl FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace
                WHERE n.nspname = $1 AND d.defaclobjtype = 'r' AND NOT EXISTS (SELECT 1 FROM old)
                AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
            )
            SELECT coalesce(r.rolname::text, ''), a.privilege_type, a.is_grantable
            FROM acls, aclexplode(acls.acl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
            WHERE r.rolname IS DISTINCT FROM current_user";
        let rows = self.client.query(sql, &[&table.schema, &table.name]).await;
        let rows = rows.map_err(failed("look up rights"))?;
        let grants = rows.iter().map(|row| {
            let (role, right, option): (String, String, bool) = (row.get(0), row.get(1), row.get(2));
            let role = if role.is_empty() { "PUBLIC".to_owned() } else { quoted(&role) };
            let option = if option { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {right} ON {} TO {role}{option}", place(&table.schema, &table.name))
        });
        Ok(grants.collect())
    }

    /// Declares a key or an index, which the rows may break.
    async fn declare(&self, table: &TableSpec, what: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|error| PublishError::Key {
            what: what.to_owned(),
            table: table.title(),
            problem: format!("cannot be declared: {}", reason(&error)),
        })
    }

    async fn run(&self, action: &str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(failed(action))
    }

    /// The table while it is filled.
    fn filled(&self, table: &TableSpec) -> String {
        let at = self.schemas.iter().position(|schema| *schema == table.schema).unwrap_or_default();
        format!("{}.{}", filling(at), quoted(&table.name))
    }
}

fn filling(at: usize) -> String {
    format!("hanok_publishing_{at}")
}

pub(crate) fn place(schema: &str, table: &str) -> String {
    format!("{}.{}", quoted(schema), quoted(table))
}

async fn connect(target: &PostgresTarget) -> Result<Client> {
    let refused = |reason| PublishError::Connect { target: target.to_string(), reason };
    let mut config = target.config.clone();
    let local = config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)));
    if target.ssl_mode == SslMode::Disable || local {
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect(NoTls).await.map_err(|error| refused(reason(&error)))?;
        tokio::spawn(connection);
        return Ok(client);
    }
    config.ssl_mode(match target.ssl_mode {
        SslMode::Disable | SslMode::Prefer => tokio_postgres::config::SslMode::Prefer,
        _ => tokio_postgres::config::SslMode::Require,
    });
    let tls = tls::Tls::new(target.ssl_mode, target.ssl_root.as_deref()).map_err(refused)?;
    let (client, connection) = config.connect(tls).await.map_err(|error| refused(reason(&error)))?;
    tokio::spawn(connection);
    Ok(client)
}

fn failed(action: &str) -> impl Fn(tokio_postgres::Error) -> PublishError {
    let action = action.to_owned();
    move |error| PublishError::Database { action: action.clone(), reason: reason(&error) }
}

/// The server's message with its detail and hint, or the chain of causes.
fn reason(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let parts = [Some(error.message()), error.detail(), error.hint()];
        return parts.into_iter().flatten().collect::<Vec<_>>().join("; ");
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
