//! Where tables are published to.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{Config, Host};

use crate::error::Result;
use crate::{PublishError, TableSpec};

/// How long connecting may take when the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// A database or a folder.
#[derive(Clone)]
pub enum Target {
    /// A database of PostgreSQL.
    Postgres(Box<PostgresTarget>),
    /// A file of SQLite.
    Sqlite(PathBuf),
    /// A folder of Parquet files with a `manifest.json` and a `schema.sql`.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The schema for all tables.
        schema: Option<String>,
    },
}

/// A database of PostgreSQL. Not `Debug`: it holds the password.
#[derive(Clone)]
pub struct PostgresTarget {
    pub(crate) config: Config,
    pub(crate) ssl_mode: SslMode,
    pub(crate) ssl_root: Option<PathBuf>,
    /// `?schema=`.
    schema: Option<String>,
}

/// How the connection is encrypted, as in libpq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SslMode {
    /// Not.
    Disable,
    /// If the server can; its certificate is not looked at.
    Prefer,
    /// Always; the certificate is not looked at.
    Require,
    /// Always, with a certificate of a known authority.
    VerifyCa,
    /// Always, with a certificate of a known authority for the host's name.
    VerifyFull,
}

impl SslMode {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

impl Target {
    /// `postgres://…` (also with a driver's name, as SQLAlchemy writes it), `sqlite:PATH`, or else a folder. `password` is
    /// for URLs without one.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            return sqlite_path(path).map(Self::Sqlite);
        }
        match text.split_once("://") {
            Some((scheme, rest)) if matches!(driverless(scheme), "postgres" | "postgresql") => {
                postgres(rest, password).map(Box::new).map(Self::Postgres)
            }
            Some(_) => Err(unknown("its scheme is none of postgres and sqlite")),
            None if text.is_empty() => Err(unknown("it is empty")),
            None => Ok(Self::Folder { path: PathBuf::from(text), schema: None }),
        }
    }
}

impl Target {
    /// The schema for all tables, when one was named.
    pub fn schema(&self) -> Option<&str> {
        match self {
            Self::Postgres(target) => target.schema.as_deref(),
            Self::Sqlite(_) => None,
            Self::Folder { schema, .. } => schema.as_deref(),
        }
    }

    /// Names the schema for all tables.
    pub fn set_schema(&mut self, name: &str) -> Result<()> {
        match self {
            Self::Postgres(target) => target.schema = Some(name.to_owned()),
            Self::Sqlite(_) => return Err(unknown("SQLite has no schemas, so that none can be chosen")),
            Self::Folder { schema, .. } => *schema = Some(name.to_owned()),
        }
        Ok(())
    }

    /// What a table is called there.
    pub fn name_of(&self, table: &TableSpec) -> String {
        match self {
            Self::Postgres(_) | Self::Folder { .. } => table.title(),
            Self::Sqlite(_) => table.name.clone(),
        }
    }
}

/// Without password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(target) => target.fmt(f),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Folder { path, .. } => path.display().fmt(f),
        }
    }
}

/// Without password.
impl fmt::Display for PostgresTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        let ports = self.config.get_ports();
        for (at, host) in self.config.get_hosts().iter().enumerate() {
            f.write_str(if at > 0 { "," } else { "" })?;
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                #[cfg(unix)]
                Host::Unix(path) => path.display().fmt(f)?,
            }
            if let Some(port) = ports.get(at).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, "/{}", self.config.get_dbname().unwrap_or_default())
    }
}

fn driverless(scheme: &str) -> &str {
    scheme.split_once('+').map_or(scheme, |(name, _)| name)
}

fn unknown(problem: impl Into<String>) -> PublishError {
    PublishError::Target { problem: problem.into() }
}

/// `file.db`, `/folder/file.db`; as SQLAlchemy writes them, `///file.db` and `////folder/file.db`.
fn sqlite_path(text: &str) -> Result<PathBuf> {
    let path = match text.strip_prefix("//") {
        Some(rest) => rest.strip_prefix('/').ok_or_else(|| {
            unknown("after `sqlite:` comes a path, or `///` and a path as SQLAlchemy writes it")
        })?,
        None => text,
    };
    if path.is_empty() || path == ":memory:" || path.contains('?') {
        return Err(unknown("a file of SQLite needs a path without options"));
    }
    Ok(PathBuf::from(path))
}

fn postgres(rest: &str, password: Option<&str>) -> Result<PostgresTarget> {
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut schema, mut ssl_mode, mut ssl_root, mut others) = (None, SslMode::Prefer, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
        let Some((key, value)) = decoded else { continue };
        match key.as_ref() {
            "schema" => schema = Some(value.into_owned()),
            "sslrootcert" => ssl_root = Some(PathBuf::from(value.as_ref())),
            "sslmode" => {
                ssl_mode = SslMode::parse(&value).ok_or_else(|| {
                    unknown("`sslmode` is none of disable, prefer, require, verify-ca and verify-full")
                })?;
            }
            _ => others.push(pair),
        }
    }
    let query = if others.is_empty() { String::new() } else { format!("?{}", others.join("&")) };
    let mut config: Config = format!("postgres://{address}{query}").parse().map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        unknown(format!("as a URL of PostgreSQL: {cause}"))
    })?;
    if let Some(password) = password.filter(|_| config.get_password().is_none()) {
        config.password(password);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.application_name("hanok");
    Ok(PostgresTarget { config, ssl_mode, ssl_root, schema })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Target::parse(text, None) {
            Ok(target) => target.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn targets_are_told_apart() {
        assert_eq!(shown("sqlite:dev.db"), "sqlite:dev.db");
        assert_eq!(shown("sqlite:///dev.db"), "sqlite:dev.db");
        assert_eq!(shown("sqlite:////srv/dev.db"), "sqlite:/srv/dev.db");
        assert!(shown("sqlite://dev.db").starts_with("error"));
        assert!(shown("mysql://host/db").starts_with("error"));
        assert_eq!(shown("out/dev"), "out/dev");
    }

    #[test]
    fn a_url_of_postgres_keeps_its_password_to_itself() {
        let text = "postgresql+psycopg://ann:s3cret%21@db:5433/dev?schema=my%20app&sslmode=verify-full&connect_timeout=3";
        let Ok(Target::Postgres(target)) = Target::parse(text, Some("other")) else { panic!("{text}") };
        assert_eq!(target.to_string(), "postgres://db:5433/dev");
        assert_eq!(target.config.get_password(), Some(b"s3cret!".as_slice()));
        assert_eq!(target.schema.as_deref(), Some("my app"));
        assert_eq!(target.ssl_mode, SslMode::VerifyFull);
        assert_eq!(target.config.get_connect_timeout(), Some(&Duration::from_secs(3)));
        let without = Target::parse("postgres://ann@db/dev", Some("other"));
        let Ok(Target::Postgres(target)) = without else { panic!("no target") };
        assert_eq!(target.config.get_password(), Some(b"other".as_slice()));
        for text in [
            "postgres://u:s3cret@h:x/d",
            "postgres://u:s3cret@h/d?sslmode=s3cret",
            "postgres://u:s3cret@h/d?s3cret=1",
        ] {
            assert!(shown(text).starts_with("error"), "{text}");
            assert!(!shown(text).contains("s3cret@"), "{text}");
        }
    }
}
