//! Previewing and making a staging branch.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::csv::ReaderBuilder;
use arrow::datatypes::{DataType, Field, Schema};
use hanok_catalog::{Branch, OwnTable, StagingRecord, TableRecord};
use hanok_lake::{Draft, ForkRequest, Lake, Table};
use hanok_mask::risk::k_anonymity;
use hanok_mask::{Key, MaskError};
use hanok_query::Session;
use hanok_types::TableName;

use crate::closure::{Closure, listed, pick};
use crate::design::{Design, Fate};
use crate::error::{Result, StagingError};
use crate::facts::Facts;
use crate::graph::groups;
use crate::manifest::{Anonymity, Manifest, TableManifest, sign};
use crate::mask::count;
use crate::plan::{Keys, Plan, Sample};
use crate::snapshot::Snapshot;
use crate::work::{Progress, Work};

/// A file of keys is read up to this size.
const KEY_FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A staging branch to be made of a parent.
pub struct Staging<'a> {
    /// The parent.
    pub parent: &'a Lake,
    /// A session over it.
    pub session: &'a Session,
    /// What becomes of its tables.
    pub plan: &'a Plan,
    /// The plan's text, of which the manifest has a hash.
    pub plan_text: &'a str,
    /// The folder that files of keys are relative to.
    pub folder: &'a Path,
    /// What the project says of its tables.
    pub facts: &'a Facts,
    /// The key of the branch.
    pub key: &'a Key,
    /// Whether the key exists elsewhere.
    pub key_was_given: bool,
    /// Of the sets of keys, and of what is treated as a whole.
    pub memory_bytes_max: usize,
    /// Name, moment and expiry.
    pub request: ForkRequest,
}

impl Staging<'_> {
    /// What would be made.
    ///
    /// # Errors
    /// [`StagingError::Refused`] with all problems of the plan.
    pub async fn preview(&self) -> Result<Manifest> {
        let as_of_us = chrono::Utc::now().timestamp_micros();
        let snapshot = Snapshot::open(self.parent, self.session, self.request.as_of).await?;
        let design = Design::new(self.plan, &snapshot, self.facts)?;
        let closure = self.closure(&design, &snapshot).await?;
        let mut manifest = self.manifest(&design, &snapshot, as_of_us, "");
        for table in &mut manifest.tables {
            let Some(opened) = snapshot.tables.get(&table.table) else { continue };
            if table.fate == "masked" {
                table.count(count(self.session, &table.table, &opened.table, &closure).await?);
            } else {
                table.rows_parent = opened.table.rows().await?;
            }
            let files = opened.table.files().await?;
            let bytes: u64 = files.iter().map(|file| file.bytes).sum();
            table.bytes = match (table.fate.as_str(), table.rows, table.rows_parent) {
                ("masked", Some(rows), Some(all)) if all > 0 => {
                    (bytes as f64 * rows as f64 / all as f64) as u64
                }
                ("synthetic", ..) => bytes,
                _ => 0,
            };
        }
        manifest.assess();
        Ok(manifest)
    }

    /// Makes the branch: all of it or, whatever stops the process when, nothing that anybody could use.
    pub async fn create(
        &self,
        signing_key: &[u8; 32],
        progress: &Progress<'_>,
    ) -> Result<(Branch, Manifest)> {
        let name = self.request.name.as_str();
        if self.parent.catalog().branches().await?.iter().any(|branch| branch.name == name) {
            return Err(hanok_catalog::CatalogError::BranchExists { branch: name.to_owned() }.into());
        }
        let draft = self.parent.draft(&self.request);
        match self.write(&draft, signing_key, progress).await {
            Ok((shared, own, record, manifest)) => {
                let branch = draft.publish(shared, &own, &record).await?;
                Ok((branch, manifest))
            }
            Err(error) => {
                draft.abandon().await?;
                Err(error)
            }
        }
    }

    /// Writes the branch's own tables, and says what else belongs to it.
    async fn write(
        &self,
        draft: &Draft,
        signing_key: &[u8; 32],
        progress: &Progress<'_>,
    ) -> Result<(Vec<(TableRecord, Option<Table>)>, Vec<OwnTable>, StagingRecord, Manifest)> {
        let as_of_us = chrono::Utc::now().timestamp_micros();
        let snapshot = Snapshot::open(self.parent, self.session, self.request.as_of).await?;
        let design = Design::new(self.plan, &snapshot, self.facts)?;
        let closure = self.closure(&design, &snapshot).await?;
        let mut manifest = self.manifest(&design, &snapshot, as_of_us, draft.id());
        let mut work = Work {
            session: self.session,
            snapshot: &snapshot,
            design: &design,
            key: self.key,
            draft,
            bytes_max: self.memory_bytes_max,
            progress,
            made: BTreeMap::new(),
        };
        for name in order(&design) {
            let Some(table) = design.tables.get(&name) else { continue };
            let counts = match table.fate {
                Fate::Mask => work.mask(&name, table, &closure).await?,
                _ => work.synthesize(&name, table).await?,
            };
            if let Some(table) = manifest.tables.iter_mut().find(|entry| entry.table == name) {
                table.count(counts);
            }
        }
        let made = std::mem::take(&mut work.made);
        self.measure(&mut manifest, &design, &made).await?;
        manifest.assess();
        let own = made.values().map(|table| OwnTable {
            name: table.name().clone(),
            directory: table.directory(),
            key: design.tables.get(table.name()).map(|table| table.key.clone()).unwrap_or_default(),
        });
        let own = own.collect();
        let text = serde_json::to_string(&manifest).map_err(StagingError::Manifest)?;
        let record = StagingRecord { signature: sign(&text, signing_key), manifest: text };
        let is_shared =
            |name: &TableName| design.tables.get(name).is_some_and(|table| table.fate == Fate::Share);
        let shared = snapshot.tables.into_iter().filter(|(name, _)| is_shared(name));
        let shared = shared.map(|(_, opened)| (opened.record, Some(opened.table)));
        let views = snapshot.views.into_iter().map(|view| (view, None));
        Ok((shared.chain(views).collect(), own, record, manifest))
    }

    async fn closure<'a>(&'a self, design: &'a Design, snapshot: &'a Snapshot) -> Result<Closure<'a>> {
        let keys = self.sampled_keys(design).await?;
        Closure::of(design, snapshot, self.session, self.key, keys, self.memory_bytes_max).await
    }

    /// The keys that samples list.
    async fn sampled_keys(&self, design: &Design) -> Result<BTreeMap<TableName, Vec<ArrayRef>>> {
        let mut all = BTreeMap::new();
        for (name, table) in design.of(&Fate::Mask) {
            let wrong = |reason: String| StagingError::Sample { table: name.clone(), reason };
            let keys = match &table.sample {
                Some(Sample::Keys(Keys::List(keys))) => {
                    let texts: Vec<String> = keys.iter().map(|key| key.0.clone()).collect();
                    let parts = table.key.len();
                    listed(&texts, parts).ok_or_else(|| wrong(format!("a key has not {parts} parts")))?
                }
                Some(Sample::Keys(Keys::File(path))) => {
                    read_keys(&self.folder.join(path), &table.key).map_err(wrong)?
                }
                Some(Sample::Sql(sql)) => {
                    let batches = self.session.sql(sql).await?.collect().await?;
                    columns_of(&batches, table.key.len()).map_err(wrong)?
                }
                _ => continue,
            };
            all.insert(name.clone(), keys);
        }
        Ok(all)
    }

    fn manifest(&self, design: &Design, snapshot: &Snapshot, as_of_us: i64, id: &str) -> Manifest {
        let version = |name: &TableName| snapshot.tables.get(name).and_then(|opened| opened.table.version());
        Manifest {
            form: Manifest::FORM,
            hanok: env!("CARGO_PKG_VERSION").to_owned(),
            branch: self.request.name.to_string(),
            id: id.to_owned(),
            parent: self.parent.branch().name.clone(),
            as_of_us: match self.request.as_of {
                Some(hanok_lake::AsOf::Timestamp(instant_us)) => instant_us,
                _ => as_of_us,
            },
            plan: blake3::hash(self.plan_text.as_bytes()).to_hex().to_string(),
            key_was_given: self.key_was_given,
            k: design.k,
            tables: design
                .tables
                .iter()
                .map(|(name, table)| TableManifest::new(name, table, version(name)))
                .collect(),
            risks: Vec::new(),
        }
    }

    /// Fills in what the written tables are like.
    async fn measure(
        &self,
        manifest: &mut Manifest,
        design: &Design,
        made: &BTreeMap<TableName, Table>,
    ) -> Result<()> {
        for entry in &mut manifest.tables {
            let (Some(table), Some(design)) = (made.get(&entry.table), design.tables.get(&entry.table))
            else {
                continue;
            };
            entry.bytes = table.files().await?.iter().map(|file| file.bytes).sum();
            let there = table.schema()?;
            let there =
                |column: &String| there.as_ref().is_some_and(|schema| schema.field_with_name(column).is_ok());
            let columns: Vec<String> =
                design.quasi_identifiers.iter().filter(|column| there(column)).cloned().collect();
            if columns.is_empty() {
                continue;
            }
            let stream = self.session.scan(table, &columns, &[], None).await?;
            let schema = stream.schema();
            let batches = stream.collect().await?;
            let rows = arrow::compute::concat_batches(&schema, &batches)
                .map_err(crate::closure::rows_of(&entry.table))?;
            let failed = |source: MaskError| StagingError::Mask {
                table: entry.table.clone(),
                column: columns.join(", "),
                source,
            };
            let found = k_anonymity(&pick(&rows, &columns), manifest.k).map_err(failed)?;
            entry.anonymity = Some(Anonymity {
                smallest: found.smallest,
                classes: found.classes,
                classes_below: found.classes_below,
                rows_below: found.rows_below,
                unique_rows: found.unique_rows,
                quasi_identifiers: columns,
            });
        }
        Ok(())
    }
}

/// The new tables, those that others refer to first.
fn order(design: &Design) -> Vec<TableName> {
    let new = design.tables.iter().filter(|(_, table)| matches!(table.fate, Fate::Mask | Fate::Synthetic));
    let names: Vec<&TableName> = new.clone().map(|(name, _)| name).collect();
    let place = |name: &TableName| names.iter().position(|other| *other == name);
    let references: Vec<Vec<usize>> = new
        .map(|(_, table)| table.references.iter().filter_map(|reference| place(&reference.table)).collect())
        .collect();
    groups(&references).concat().into_iter().map(|at| names[at].clone()).collect()
}

/// The columns of a key from a CSV file with a header.
fn read_keys(path: &PathBuf, key: &[String]) -> Result<Vec<ArrayRef>, String> {
    let refused = |error: &dyn std::error::Error| format!("{}: {error}", path.display());
    let bytes = std::fs::metadata(path).map_err(|error| refused(&error))?.len();
    if bytes > KEY_FILE_BYTES_MAX {
        return Err(format!("{}: more than {} MiB", path.display(), KEY_FILE_BYTES_MAX / (1024 * 1024)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split(',').map(str::trim).collect();
    let header: Vec<&str> = header.into_iter().map(|name| name.trim_matches('"')).collect();
    if let Some(missing) = key.iter().find(|column| !header.contains(&column.as_str())) {
        return Err(format!("{} has no column `{missing}`", path.display()));
    }
    let fields: Vec<Field> = header.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let reader = ReaderBuilder::new(Arc::new(Schema::new(fields))).with_header(true);
    let reader = reader.build(std::io::Cursor::new(text)).map_err(|error| refused(&error))?;
    // The parser's own message may show a line.
    let batches: Result<Vec<_>, _> = reader.collect();
    let batches = batches
        .map_err(|_| format!("{} is not a CSV file with as many columns as its header", path.display()))?;
    let schema = batches
        .first()
        .map(arrow::array::RecordBatch::schema)
        .ok_or_else(|| format!("{} is empty", path.display()))?;
    let whole = arrow::compute::concat_batches(&schema, &batches).map_err(|error| refused(&error))?;
    Ok(pick(&whole, key))
}

/// The columns of a query's result.
fn columns_of(batches: &[arrow::array::RecordBatch], wanted: usize) -> Result<Vec<ArrayRef>, String> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    if first.num_columns() != wanted {
        return Err(format!("the query returns {} columns, and the key has {wanted}", first.num_columns()));
    }
    let whole =
        arrow::compute::concat_batches(&first.schema(), batches).map_err(|error| error.to_string())?;
    Ok(whole.columns().to_vec())
}
