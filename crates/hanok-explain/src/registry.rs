//! The registry: model files under names, with versions.
//!
//! A file is kept as `<SHA-256>` in a folder of the project, written beside it and renamed when whole; the catalog names
//! it afterwards. A process that is killed in between leaves a file without a name, which a later `add` removes.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hanok_catalog::{Catalog, CatalogError, ModelFacts, ModelVersion};
use hanok_error::{Code, Coded, code};
use hanok_infer::{GraphError, Protocol};
use hanok_models::{Ensemble, ReadError};
use hanok_types::{Name, NameError};
use sha2::{Digest as _, Sha256};

use crate::explanation::ModelIdentity;
use crate::model::{Form, FormError, Model};

/// The largest model file that is read.
const MODEL_BYTES_MAX: u64 = 4 << 30;
/// Files without a name are left alone for so long: another process may be about to name them.
const GRACE: Duration = Duration::from_hours(1);

/// The registry failed, or does not have what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No such name.
    #[error("there is no predictive model `{name}`")]
    Unknown {
        /// The name asked for.
        name: String,
        /// Names that there are.
        known: Vec<String>,
    },
    /// No such version.
    #[error("the predictive model `{name}` has no version {version}; the newest is {newest}")]
    Version {
        /// The model.
        name: String,
        /// What was asked for.
        version: String,
        /// Its newest version.
        newest: i64,
    },
    /// A name cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The catalog failed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A file cannot be read or written.
    #[error("cannot {action} {}", .path.display())]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file given by its path is not there.
    #[error("there is no model file {}", .0.display())]
    NoFile(PathBuf),
    /// The registry's own file is not what was registered.
    #[error("the file of {name}@{version} {reason}")]
    Damaged {
        /// The model.
        name: String,
        /// Its version.
        version: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is no model that can be read.
    #[error("{}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The file is an ONNX model that cannot be computed.
    #[error("{}", .path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// Why.
        source: GraphError,
    },
    /// An endpoint cannot be registered.
    #[error("{0} is an address: only files are registered")]
    Address(String),
}

impl Coded for RegistryError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } | Self::Version { .. } | Self::NoFile(_) => code::PREDICTOR_UNKNOWN,
            Self::Name(error) => error.code(),
            Self::Catalog(error) => error.code(),
            Self::File { .. } => code::FILE_IO,
            Self::Damaged { .. } => code::PREDICTOR_DAMAGED,
            Self::Read { source, .. } => source.code(),
            Self::Graph { source, .. } => source.code(),
            Self::Address(_) => code::PREDICTOR_ADDRESS,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { name, .. } if Path::new(name).is_file() => {
                Some(format!("the file of that name is `./{name}`"))
            }
            Self::Unknown { known, .. } if !known.is_empty() => {
                Some(format!("there are: {}", known.join(", ")))
            }
            Self::Name(error) => error.hint(),
            Self::Catalog(error) => error.hint(),
            Self::Address(address) => {
                Some(format!("`hanok predict {address} …` and `hanok explain {address} …` take it as it is"))
            }
            Self::Damaged { name, .. } => {
                Some(format!("add the file again with `hanok model add {name} FILE`"))
            }
            _ => None,
        }
    }
}

/// The models of a project. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ModelRegistry {
    catalog: Catalog,
    folder: PathBuf,
}

impl ModelRegistry {
    /// The registry whose files are in `folder`.
    pub fn new(catalog: Catalog, folder: PathBuf) -> Self {
        Self { catalog, folder }
    }

    /// Registers a file as the next version of a model. The same bytes again are the same version. Returns the version
    /// and whether it is new.
    pub async fn add(&self, name: &str, path: &Path) -> Result<(ModelVersion, bool), RegistryError> {
        let name = Name::new(name)?;
        if let Some(address) = path.to_str().filter(|path| Protocol::is_address(path)) {
            return Err(RegistryError::Address(address.to_owned()));
        }
        let (folder, path) = (self.folder.clone(), path.to_owned());
        let facts = blocking(move || {
            let (bytes, sha256) = read_bytes(&path)?;
            let form = read_form(&bytes, &path)?;
            keep(&folder, &sha256, &bytes)?;
            let ensemble = form.ensemble();
            Ok(ModelFacts {
                sha256,
                bytes: bytes.len() as u64,
                format: form.format(),
                features: form.feature_names(),
                feature_count: form.features().unwrap_or(0) as u64,
                outputs: form.outputs() as u64,
                trees: ensemble.map_or(0, Ensemble::trees) as u64,
                has_cover: ensemble.is_some_and(Ensemble::has_cover),
                source: path.display().to_string(),
            })
        });
        let added = self.catalog.add_model(name.as_str(), &facts.await?).await?;
        self.remove_nameless().await?;
        Ok(added)
    }

    /// All versions of all models, or of one that must exist: by name, the newest first.
    pub async fn versions(&self, name: Option<&str>) -> Result<Vec<ModelVersion>, RegistryError> {
        let found = self.catalog.model_versions(name).await?;
        match name {
            Some(name) if found.is_empty() => Err(self.unknown(name).await?),
            _ => Ok(found),
        }
    }

    /// A registered model's newest version (`delay`), or one of its versions (`delay@3`).
    pub async fn version(&self, reference: &str) -> Result<ModelVersion, RegistryError> {
        let (name, wanted) = match reference.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (reference, None),
        };
        let versions = self.versions(Some(name)).await?;
        let newest = versions.first().map_or(0, |version| version.version);
        let matches = |version: &ModelVersion| match wanted {
            Some(wanted) => wanted.parse() == Ok(version.version),
            None => true,
        };
        versions.into_iter().find(matches).ok_or_else(|| RegistryError::Version {
            name: name.to_owned(),
            version: wanted.unwrap_or_default().to_owned(),
            newest,
        })
    }

    /// Loads what `reference` names: as [`Self::version`], the address of an endpoint, or a file, which is what a name with a dot or a
    /// slash is.
    pub async fn load(&self, reference: &str) -> Result<Model, RegistryError> {
        if Protocol::is_address(reference) {
            return Ok(endpoint(reference));
        }
        if reference.contains(['.', '/', '\\']) {
            return load_file(reference).await;
        }
        let found = self.version(reference).await?;
        let path = self.folder.join(&found.facts.sha256);
        blocking(move || load_registered(&path, &found)).await
    }

    async fn unknown(&self, name: &str) -> Result<RegistryError, RegistryError> {
        let mut known: Vec<String> =
            self.catalog.model_versions(None).await?.into_iter().map(|version| version.name).collect();
        known.dedup();
        Ok(RegistryError::Unknown { name: name.to_owned(), known })
    }

    /// Removes what adding that was killed has left: files that no version names and nobody has touched for an hour.
    async fn remove_nameless(&self) -> Result<(), RegistryError> {
        let versions = self.catalog.model_versions(None).await?;
        let named: HashSet<String> = versions.into_iter().map(|version| version.facts.sha256).collect();
        let folder = self.folder.clone();
        blocking(move || {
            let failed = |source| RegistryError::File { action: "read", path: folder.clone(), source };
            for entry in std::fs::read_dir(&folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let touched = entry.metadata().and_then(|metadata| metadata.modified());
                let is_old = touched.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > GRACE));
                let name = entry.file_name();
                if is_old && name.to_str().is_some_and(|name| !named.contains(name)) {
                    // Another process may have been faster.
                    let _ = std::fs::remove_file(entry.path());
                }
            }
            Ok(())
        })
        .await
    }
}

/// A server is asked when there are rows.
fn endpoint(reference: &str) -> Model {
    let (protocol, url) = Protocol::of_address(reference);
    let form = Form::Endpoint { url: url.to_owned(), protocol };
    // Who reads an explanation must not read a password.
    let name = hanok_infer::shown_address(url);
    let format = form.format();
    Model { identity: ModelIdentity { name, version: None, sha256: String::new(), format }, form }
}

fn read_form(bytes: &[u8], path: &Path) -> Result<Form, RegistryError> {
    Form::read(bytes).map_err(|error| match error {
        FormError::Ensemble(source) => RegistryError::Read { path: path.to_owned(), source },
        FormError::Graph(source) => RegistryError::Graph { path: path.to_owned(), source },
    })
}

async fn load_file(reference: &str) -> Result<Model, RegistryError> {
    let path = PathBuf::from(reference);
    blocking(move || {
        let (bytes, sha256) = read_bytes(&path)?;
        let form = read_form(&bytes, &path)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let format = form.format();
        Ok(Model { identity: ModelIdentity { name, version: None, sha256, format }, form })
    })
    .await
}

fn load_registered(path: &Path, found: &ModelVersion) -> Result<Model, RegistryError> {
    let (name, version) = (found.name.clone(), found.version);
    let damaged =
        |reason: &str| RegistryError::Damaged { name: name.clone(), version, reason: reason.to_owned() };
    let (bytes, sha256) = match read_bytes(path) {
        Err(RegistryError::NoFile(_)) => return Err(damaged("is gone")),
        read => read?,
    };
    if sha256 != found.facts.sha256 {
        return Err(damaged("is not what was registered"));
    }
    let form = read_form(&bytes, path)?;
    let format = found.facts.format.clone();
    Ok(Model { identity: ModelIdentity { name, version: Some(version), sha256, format }, form })
}

/// A file's bytes and their SHA-256.
fn read_bytes(path: &Path) -> Result<(Vec<u8>, String), RegistryError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => RegistryError::NoFile(path.to_owned()),
        _ => RegistryError::File { action: "read", path: path.to_owned(), source },
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MODEL_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MODEL_BYTES_MAX {
        let source = ReadError::Limit { what: "bytes", found: bytes.len(), limit: MODEL_BYTES_MAX as usize };
        return Err(RegistryError::Read { path: path.to_owned(), source });
    }
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, sha256))
}

/// Keeps the bytes under their hash; a file that is there with as many bytes is rewritten too, in case it is damaged.
fn keep(folder: &Path, sha256: &str, bytes: &[u8]) -> Result<(), RegistryError> {
    let path = folder.join(sha256);
    let partial = folder.join(format!("{sha256}.{}.partial", std::process::id()));
    let written = || {
        std::fs::create_dir_all(folder)?;
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| {
        // What is left of it takes room only.
        let _ = std::fs::remove_file(&partial);
        RegistryError::File { action: "write", path: path.clone(), source }
    })
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RegistryError> + Send + 'static,
) -> Result<T, RegistryError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
