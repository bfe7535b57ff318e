//! Wiring of `hanok staging`.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hanok_catalog::{BranchKind, MAIN_BRANCH};
use hanok_lake::{AsOf, ForkRequest};
use hanok_load::{Source, read_sources};
use hanok_mask::Key;
use hanok_query::Session;
use hanok_staging::{Facts, Manifest, Plan, Reference, Staging, StagingError, is_signed};
use hanok_transform::{Project, TestTarget};
use hanok_types::{BranchName, Id, TableName};
use serde::Serialize;

use crate::branches::{expiry, user};
use crate::build::read_project;
use crate::engine::{file_error, session_options};
use crate::{Engine, EngineError, Event, Observer};

/// The key that manifests are signed with, in `.hanok`.
const SIGNING_KEY: &str = "staging.key";
/// Of the memory setting, one half goes to queries, the other to keys and to what is treated as a whole.
const MEMORY_PARTS: u64 = 2;

/// A staging branch to be made.
#[derive(Clone, Debug)]
pub struct StagingRequest {
    /// Its name.
    pub name: String,
    /// The branch or tag that it is made of; `main` when there is none.
    pub from: Option<String>,
    /// The moment of that one; now when there is none.
    pub as_of: Option<AsOf>,
    /// After which time it may be dropped.
    pub ttl: Option<Duration>,
    /// The plan.
    pub plan: PathBuf,
    /// A file with the masking key; without, a random one is made and forgotten.
    pub key_file: Option<PathBuf>,
}

/// Whether a manifest is what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Signature {
    /// It is.
    Valid,
    /// It is not, or it was signed with another key.
    Invalid,
    /// The project's key is not here.
    Unknown,
}

/// A staging branch, or what it would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StagingReport {
    /// Whether nothing was made.
    pub preview: bool,
    /// What was done.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Of a branch that is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    /// Wall time.
    pub seconds: f64,
}

impl Engine {
    /// What a staging branch would be. Nothing is made.
    pub async fn preview_staging(&self, request: &StagingRequest) -> Result<StagingReport, EngineError> {
        self.stage(request, true, &|_| {}).await
    }

    /// Makes a staging branch.
    pub async fn create_staging(
        &self,
        request: &StagingRequest,
        observer: &Observer,
    ) -> Result<StagingReport, EngineError> {
        self.stage(request, false, observer).await
    }

    async fn stage(
        &self,
        request: &StagingRequest,
        preview: bool,
        observer: &Observer,
    ) -> Result<StagingReport, EngineError> {
        let started = Instant::now();
        let plan = Plan::read(&request.plan)?;
        let plan_text = std::fs::read_to_string(&request.plan)
            .map_err(|error| file_error("read", &request.plan, &error))?;
        let parent = self.lake.on_branch(request.from.as_deref().unwrap_or(MAIN_BRANCH)).await?;
        let options = session_options(&self.project, MEMORY_PARTS);
        let session = Session::open(&parent, &options)?;
        let facts = facts(self)?;
        let key = masking_key(request.key_file.as_deref())?;
        let folder = request.plan.parent().unwrap_or(Path::new("."));
        let staging = Staging {
            parent: &parent,
            session: &session,
            plan: &plan,
            plan_text: &plan_text,
            folder,
            facts: &facts,
            key: &key,
            key_was_given: request.key_file.is_some(),
            memory_bytes_max: options.memory_bytes_max,
            request: ForkRequest {
                name: BranchName::new(request.name.clone())?,
                kind: BranchKind::Branch,
                as_of: request.as_of,
                tables: None,
                expires_us: request.ttl.map(expiry),
                created_by: user(),
            },
        };
        let manifest = if preview {
            staging.preview().await?
        } else {
            let signing_key = self.signing_key(true)?.unwrap_or_default();
            let progress = |table: &TableName, rows: u64| {
                observer(Event::Progress { what: "stage", name: &table.to_string(), done: rows });
            };
            staging.create(&signing_key, &progress).await?.1
        };
        Ok(StagingReport { preview, manifest, signature: None, seconds: started.elapsed().as_secs_f64() })
    }

    /// How a staging branch, or a branch of one, was made.
    pub async fn show_staging(&self, name: &str) -> Result<StagingReport, EngineError> {
        let started = Instant::now();
        let branch = self.catalog.branch(name).await?;
        let record = self.catalog.staging(&branch.id).await?;
        let record = record.ok_or_else(|| EngineError::NoStaging(name.to_owned()))?;
        let signature = match self.signing_key(false)? {
            Some(key) if is_signed(&record.manifest, &record.signature, &key) => Signature::Valid,
            Some(_) => Signature::Invalid,
            None => Signature::Unknown,
        };
        let manifest = serde_json::from_str(&record.manifest).map_err(StagingError::Manifest)?;
        let seconds = started.elapsed().as_secs_f64();
        Ok(StagingReport { preview: false, manifest, signature: Some(signature), seconds })
    }

    /// The staging branches.
    pub async fn stagings(&self) -> Result<Vec<StagingReport>, EngineError> {
        let mut reports = Vec::new();
        for branch in self.catalog.branches().await? {
            match self.show_staging(&branch.name).await {
                Ok(report) if report.manifest.id == branch.id => reports.push(report),
                Ok(_) | Err(EngineError::NoStaging(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(reports)
    }

    /// The project's own key; made when it is missing and wanted.
    fn signing_key(&self, make: bool) -> Result<Option<[u8; 32]>, EngineError> {
        let path = self.project.state(SIGNING_KEY);
        if !path.exists() {
            if !make {
                return Ok(None);
            }
            let text: String = random()?.iter().map(|byte| format!("{byte:02x}")).collect();
            write_once(&path, text.as_bytes()).map_err(|error| file_error("write", &path, &error))?;
        }
        key_of(&path).map(Some)
    }
}

/// Makes a file that only its owner may read: whole or not at all, whatever is killed. One that is there stays.
fn write_once(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_added_extension(Id::generate().to_string());
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial)?;
    let linked =
        file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::hard_link(&partial, path));
    fs::remove_file(&partial)?;
    match linked {
        // Another process was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// # Errors
/// [`EngineError::StagingMasked`] for a source whose table is not the parent's on this branch.
pub(crate) async fn may_load(engine: &Engine, sources: &[&Source]) -> Result<(), EngineError> {
    let Some(record) = engine.catalog.staging(engine.lake.branch_id()).await? else { return Ok(()) };
    let manifest: Manifest = serde_json::from_str(&record.manifest).map_err(StagingError::Manifest)?;
    for source in sources {
        let table = source.table()?;
        if manifest.protected().any(|protected| *protected == table) {
            let branch = engine.lake.branch().name.clone();
            return Err(EngineError::StagingMasked { table: table.to_string(), branch });
        }
    }
    Ok(())
}

/// What the project's models and sources say of its tables.
fn facts(engine: &Engine) -> Result<Facts, EngineError> {
    let sources = read_sources(&engine.project.folder)?;
    let project = read_project(engine, &sources)?;
    let mut facts = Facts::default();
    for source in &sources {
        facts.rejects.insert(source.rejects_table()?, source.table()?);
    }
    for (at, model) in project.models.iter().enumerate() {
        let parents = project.graph.parents(at).iter().map(|parent| project.models[*parent].table.clone());
        facts.derived.insert(model.table.clone(), parents.chain(model.sources.iter().cloned()).collect());
        tag(&mut facts, &model.table, &model.columns);
    }
    for source in &project.sources {
        tag(&mut facts, &source.table, &source.columns);
    }
    for test in &project.tests {
        let (Some(column), Some((table, key))) = (&test.column, &test.refers_to) else { continue };
        let reference =
            Reference { columns: vec![column.clone()], table: table.clone(), key: vec![key.clone()] };
        facts.references.push((tested(&project, &test.target), reference));
    }
    Ok(facts)
}

fn tested(project: &Project, target: &TestTarget) -> TableName {
    match target {
        TestTarget::Model(at) => project.models[*at].table.clone(),
        TestTarget::Source(table) => table.clone(),
    }
}

fn tag(facts: &mut Facts, table: &TableName, columns: &[hanok_transform::Column]) {
    let personal =
        columns.iter().filter(|column| column.tags.iter().any(|tag| tag == hanok_staging::PERSONAL));
    facts.personal.extend(personal.map(|column| (table.clone(), column.name.clone())));
}

/// The masking key: of the file, or a random one that nothing keeps.
fn masking_key(file: Option<&Path>) -> Result<Key, EngineError> {
    Ok(Key::new(match file {
        Some(path) => key_of(path)?,
        None => random()?,
    }))
}

fn random() -> Result<[u8; 32], EngineError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| EngineError::StagingKey {
        path: "of the system's random source".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(bytes)
}

/// A key of 64 hexadecimal digits.
fn key_of(path: &Path) -> Result<[u8; 32], EngineError> {
    let wrong = |reason: &str| EngineError::StagingKey {
        path: path.display().to_string(),
        reason: reason.to_owned(),
    };
    let text = fs::read_to_string(path).map_err(|error| file_error("read", path, &error))?;
    let digits: Option<Vec<u8>> = text.trim().chars().map(|digit| Some(digit.to_digit(16)? as u8)).collect();
    let digits =
        digits.filter(|digits| digits.len() == 64).ok_or_else(|| wrong("it is not 64 hexadecimal digits"))?;
    let mut key = [0; 32];
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    Ok(key)
}
