//! A folder: one Parquet file a table, `schema.sql` for PostgreSQL and `manifest.json`, written beside it and exchanged whole.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::cell::plain_batch;
use crate::error::Result;
use crate::postgres::{ddl, place};
use crate::publisher::{Origin, Place};
use crate::spec::plain_schema;
use crate::{PublishError, TableSpec};

/// Rows of a row group, which is what is held in memory.
const ROW_GROUP_ROWS_MAX: usize = 128 * 1024;
const MANIFEST: &str = "manifest.json";
const SCHEMA: &str = "schema.sql";
const MADE_BY: &str = "hanok";

/// A publication into a folder.
pub(crate) struct Folder {
    path: PathBuf,
    partial: Partial,
    origin: Origin,
    writer: Option<(usize, ArrowWriter<File>)>,
    written: Vec<bool>,
}

/// The folder that is filled. Locked, so that those of killed processes can be told apart; removed when it is dropped, as
/// is what an exchange has left at its place.
struct Partial {
    path: PathBuf,
    _lock: File,
}

impl Drop for Partial {
    fn drop(&mut self) {
        // A folder that cannot be removed is found by the next publication.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// `manifest.json`.
#[derive(Serialize, Deserialize)]
struct Manifest {
    made_by: String,
    format: u32,
    version: String,
    branch: String,
    tables: Vec<ManifestTable>,
}

#[derive(Serialize, Deserialize)]
struct ManifestTable {
    schema: String,
    table: String,
    file: String,
    rows: u64,
    primary_key: Vec<String>,
    unique: Vec<Vec<String>>,
    references: Vec<ManifestReference>,
    indexes: Vec<Vec<String>>,
}

#[derive(Serialize, Deserialize)]
struct ManifestReference {
    columns: Vec<String>,
    table: String,
    key: Vec<String>,
}

impl Folder {
    pub(crate) fn begin(path: &Path, tables: &[TableSpec], origin: Origin) -> Result<Self> {
        for table in tables {
            for name in [&table.schema, &table.name] {
                if name.contains(['/', '\\', '.']) {
                    let problem = "cannot be part of a file's name".to_owned();
                    return Err(PublishError::Name {
                        what: "table".to_owned(),
                        name: table.title(),
                        problem,
                    });
                }
            }
        }
        let path = std::path::absolute(path).map_err(|error| refused(path, &error))?;
        check_ours(&path)?;
        let partial = partial(&path)?;
        Ok(Self { path, partial, origin, writer: None, written: vec![false; tables.len()] })
    }

    pub(crate) fn write(&mut self, table: usize, place: &Place<'_>, batch: &RecordBatch) -> Result<()> {
        if self.writer.as_ref().is_none_or(|(current, _)| *current != table) {
            self.open(table, place.table)?;
        }
        let file = self.partial.path.join(file_name(place.table));
        let batch = plain_batch(batch).map_err(|error| refused(&file, &error))?;
        let Some((_, writer)) = &mut self.writer else { return Ok(()) };
        writer.write(&batch).map_err(|error| refused(&file, &error))
    }

    fn open(&mut self, at: usize, table: &TableSpec) -> Result<()> {
        self.close()?;
        let path = self.partial.path.join(file_name(table));
        let file = File::create_new(&path).map_err(|error| refused(&path, &error))?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
            .build();
        let writer = ArrowWriter::try_new(file, plain_schema(&table.columns), Some(properties))
            .map_err(|error| refused(&path, &error))?;
        self.writer = Some((at, writer));
        self.written[at] = true;
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some((_, writer)) = self.writer.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(|error| refused(&self.partial.path, &error))?;
        file.sync_all().map_err(|error| refused(&self.partial.path, &error))
    }

    pub(crate) fn commit(mut self, tables: &[TableSpec], rows: &[u64]) -> Result<()> {
        for (at, table) in tables.iter().enumerate() {
            // A table without rows has its file as well.
            if !self.written[at] {
                self.open(at, table)?;
            }
        }
        self.close()?;
        self.text(SCHEMA, &schema_sql(tables)?)?;
        let manifest = manifest(&self.origin, tables, rows);
        // Texts and numbers have a JSON form.
        self.text(MANIFEST, &serde_json::to_string_pretty(&manifest).unwrap_or_default())?;
        check_ours(&self.path)?;
        exchange(&self.partial.path, &self.path).map_err(|error| refused(&self.path, &error))
    }

    fn text(&self, name: &str, text: &str) -> Result<()> {
        let path = self.partial.path.join(name);
        let written = File::create_new(&path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
        written.map_err(|error| refused(&path, &error))
    }
}

fn file_name(table: &TableSpec) -> String {
    format!("{}.parquet", table.title())
}

fn refused(path: &Path, error: &dyn std::error::Error) -> PublishError {
    PublishError::File { path: path.display().to_string(), reason: error.to_string() }
}

/// Refuses a folder with files that no publication of Hanok wrote.
fn check_ours(path: &Path) -> Result<()> {
    let foreign =
        |problem: String| PublishError::Foreign { what: format!("the folder {}", path.display()), problem };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused(path, &error)),
        Ok(metadata) if !metadata.is_dir() => return Err(foreign("is no folder".to_owned())),
        Ok(_) => {}
    }
    let manifest = fs::read(path.join(MANIFEST)).ok();
    let manifest = manifest.and_then(|text| serde_json::from_slice::<Manifest>(&text).ok());
    let mut known = vec![MANIFEST.to_owned(), SCHEMA.to_owned()];
    match manifest.filter(|manifest| manifest.made_by == MADE_BY) {
        Some(manifest) => known.extend(manifest.tables.into_iter().map(|table| table.file)),
        None => known.clear(),
    }
    for entry in fs::read_dir(path).map_err(|error| refused(path, &error))? {
        let name = entry.map_err(|error| refused(path, &error))?.file_name();
        if !known.iter().any(|known| name == known.as_str()) {
            return Err(foreign(format!("has {} in it, which Hanok did not publish", name.display())));
        }
    }
    Ok(())
}

/// A new folder beside `path`. Those of killed processes are removed.
fn partial(path: &Path) -> Result<Partial> {
    let parent = path.parent().ok_or_else(|| refused(path, &std::io::Error::other("it is the root")))?;
    fs::create_dir_all(parent).map_err(|error| refused(parent, &error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (start, end) = (format!(".{name}."), ".partial");
    for entry in fs::read_dir(parent).map_err(|error| refused(parent, &error))?.flatten() {
        let left = entry.file_name();
        let left = left.to_string_lossy();
        let id = left.strip_prefix(&start).and_then(|rest| rest.strip_suffix(end));
        if id.is_some_and(|id| Ulid::from_string(id).is_ok()) && lock(&entry.path()).is_some() {
            // Whoever made it is gone. What cannot be removed harms nobody.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let path = parent.join(format!("{start}{}{end}", Ulid::generate()));
    fs::create_dir(&path).map_err(|error| refused(&path, &error))?;
    let lock = lock(&path).ok_or_else(|| refused(&path, &std::io::Error::other("it is locked")))?;
    Ok(Partial { path, _lock: lock })
}

fn lock(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.try_lock().is_ok().then_some(file)
}

/// Puts the new folder in the place of the old one, which then is where the new one was.
fn exchange(new: &Path, old: &Path) -> std::io::Result<()> {
    File::open(new)?.sync_all()?;
    if old.exists() {
        renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE)?;
    } else {
        fs::rename(new, old)?;
    }
    match old.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn schema_sql(tables: &[TableSpec]) -> Result<String> {
    let at = |table: &TableSpec| place(&table.schema, &table.name);
    let mut schemas: Vec<&str> = tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    let mut statements: Vec<String> = schemas
        .iter()
        .map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {}", crate::names::quoted(schema)))
        .collect();
    for table in tables {
        statements.push(ddl::create(table, &at(table))?);
    }
    statements.extend(tables.iter().flat_map(|table| ddl::keys(table, &at(table))).map(|(_, sql)| sql));
    let references =
        tables.iter().flat_map(|table| ddl::references(table, &at(table), |other| at(&tables[other])));
    statements.extend(references.map(|(_, sql)| sql));
    Ok(statements.iter().map(|sql| format!("{sql};\n")).collect())
}

fn manifest(origin: &Origin, tables: &[TableSpec], rows: &[u64]) -> Manifest {
    let described = tables.iter().zip(rows).map(|(table, rows)| ManifestTable {
        schema: table.schema.clone(),
        table: table.name.clone(),
        file: file_name(table),
        rows: *rows,
        primary_key: table.primary_key.clone(),
        unique: table.unique.clone(),
        references: table
            .foreign_keys
            .iter()
            .map(|foreign| ManifestReference {
                columns: foreign.columns.clone(),
                table: tables[foreign.table].title(),
                key: foreign.key.clone(),
            })
            .collect(),
        indexes: table.indexes.clone(),
    });
    Manifest {
        made_by: MADE_BY.to_owned(),
        format: 1,
        version: origin.version.clone(),
        branch: origin.branch.clone(),
        tables: described.collect(),
    }
}
