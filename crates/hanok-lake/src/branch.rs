//! How a branch is served: its own layer over those of the branches below it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hanok_catalog::{Branch, Catalog, Fork};
use hanok_types::Id;
use object_store::ObjectStore;
use object_store::prefix::PrefixStore;
use parking_lot::RwLock;

use crate::overlay::{ForkMap, Overlay, Seen};
use crate::{LakeError, Router};

/// One branch's own folder and what it saw of its parent. Neither ever changes for an id.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    /// The branch's id.
    pub(crate) id: String,
    /// Its folder when the lake is local.
    pub(crate) folder: Option<PathBuf>,
    /// Empty for `main`.
    pub(crate) forks: Arc<ForkMap>,
}

/// The layers of a branch, its own first, `main`'s last.
pub(crate) type Layers = Arc<[Layer]>;

/// The storage below all branches of a lake.
#[derive(Clone, Debug)]
pub(crate) struct Storage {
    /// Holds a folder for each branch.
    pub(crate) base: Arc<dyn ObjectStore>,
    /// The lake's folder when it is local.
    pub(crate) root: Option<Arc<PathBuf>>,
    /// Serves the branches that are in use.
    pub(crate) router: Router,
    mounted: Arc<RwLock<HashMap<String, Layers>>>,
}

impl Storage {
    pub(crate) fn new(base: Arc<dyn ObjectStore>, root: Option<PathBuf>) -> Self {
        Self { base, root: root.map(Arc::new), router: Router::default(), mounted: Arc::default() }
    }

    /// The store of one branch's own layer.
    pub(crate) fn own_layer(&self, id: &str) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.base.clone(), id))
    }

    /// The lake for people.
    pub(crate) fn shown(&self) -> String {
        self.root.as_ref().map_or_else(|| self.base.to_string(), |root| root.display().to_string())
    }

    /// The folder of one branch's own layer when the lake is local.
    pub(crate) fn folder(&self, id: &str) -> Option<PathBuf> {
        self.root.as_ref().map(|root| root.join(id))
    }

    /// Serves `main`.
    pub(crate) fn mount_main(&self, id: &str) -> Layers {
        let layer = Layer { id: id.to_owned(), folder: self.folder(id), forks: Arc::default() };
        self.router.mount(id, self.own_layer(id));
        let layers: Layers = Arc::new([layer]);
        self.mounted.write().insert(id.to_owned(), layers.clone());
        layers
    }

    /// Serves a branch, and with it all that stand below it.
    pub(crate) async fn mount(&self, catalog: &Catalog, branch: &Branch) -> Result<Layers, LakeError> {
        if let Some(layers) = self.mounted.read().get(&branch.id) {
            return Ok(layers.clone());
        }
        let mut below: Option<Layers> = None;
        for member in catalog.branch_chain(&branch.id).await?.iter().rev() {
            let known = self.mounted.read().get(&member.id).cloned();
            let layers = match (known, &below) {
                (Some(layers), _) => layers,
                (None, Some(below)) => self.mount_over(catalog, member, below).await?,
                (None, None) => self.mount_main(&member.id),
            };
            below = Some(layers);
        }
        below.ok_or_else(|| LakeError::BranchGone { branch: branch.name.clone() })
    }

    async fn mount_over(
        &self,
        catalog: &Catalog,
        branch: &Branch,
        below: &Layers,
    ) -> Result<Layers, LakeError> {
        let forks = Arc::new(fork_map(catalog.forks(&branch.id).await?));
        let lower = below.first().and_then(|layer| self.router.store(&layer.id));
        let lower = lower.ok_or_else(|| LakeError::BranchGone { branch: branch.name.clone() })?;
        let overlay = Overlay::new(self.own_layer(&branch.id), lower, forks.clone(), branch.is_read_only());
        let own = Layer { id: branch.id.clone(), folder: self.folder(&branch.id), forks };
        let layers: Layers = std::iter::once(own).chain(below.iter().cloned()).collect();
        self.router.mount(&branch.id, Arc::new(overlay));
        self.mounted.write().insert(branch.id.clone(), layers.clone());
        Ok(layers)
    }

    /// Stops to serve a branch that is gone.
    pub(crate) fn unmount(&self, id: &str) {
        self.router.unmount(id);
        self.mounted.write().remove(id);
    }
}

fn fork_map(forks: Vec<Fork>) -> ForkMap {
    let seen = forks.into_iter().filter_map(|fork| {
        let directory = fork.record.directory()?;
        Some((directory.to_string(), Seen { version: fork.version?, hint: fork.hint }))
    });
    seen.collect()
}

/// The folders in which files of a table may be, the branch's own first. Only the first when the branch did not see the
/// table in its parent.
pub(crate) fn folders_of(layers: &[Layer], directory: Id) -> Vec<PathBuf> {
    let directory = directory.to_string();
    let mut folders = Vec::new();
    for layer in layers {
        folders.extend(layer.folder.as_ref().map(|folder| folder.join(&directory)));
        if !layer.forks.contains_key(&directory) {
            break;
        }
    }
    folders
}

/// The path of a data file in the layer that has it.
pub(crate) fn locate(folders: &[PathBuf], path: &str) -> Option<PathBuf> {
    let (last, nearer) = folders.split_last()?;
    let found = nearer.iter().map(|folder| folder.join(path)).find(|path| path.exists());
    Some(found.unwrap_or_else(|| last.join(path)))
}

/// Removes a folder and all that is in it; one that is not there is removed already.
pub(crate) fn remove_folder(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
