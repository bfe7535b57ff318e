//! What the server serves: plain data, made from the registered features by whoever starts the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hanok_online::ViewSchema;
use parking_lot::RwLock;

use crate::model::ModelSet;

/// Everything that requests can name.
#[derive(Clone, Debug, Default)]
pub struct ServingSet {
    /// Feature views.
    pub views: Vec<ServingView>,
    /// Feature services.
    pub services: Vec<ServingService>,
    /// Predictive models.
    pub models: ModelSet,
}

/// A feature view.
#[derive(Clone, Debug)]
pub struct ServingView {
    /// The view's definition; `schema.name` is its name in requests and in the online store.
    pub schema: ViewSchema,
    /// Its version, for `feature_view_metadata` and for references of the form `view@v2:feature`.
    pub version: u32,
}

/// A feature service: a named list of projections.
#[derive(Clone, Debug)]
pub struct ServingService {
    /// The name in requests.
    pub name: String,
    /// Its features, view by view.
    pub projections: Vec<ServiceProjection>,
}

/// Features of one view under a service.
#[derive(Clone, Debug, Default)]
pub struct ServiceProjection {
    /// The view's name.
    pub view: String,
    /// The name that replaces the view's in full feature names.
    pub alias: Option<String>,
    /// The features in order; empty means all of them.
    pub features: Vec<String>,
    /// `(join key of the view, entity column of the request)` where the two differ.
    pub join_keys: Vec<(String, String)>,
}

/// A handle on the current [`ServingSet`], which can be replaced while the server runs. Clones share it.
#[derive(Clone, Default)]
pub struct ServingSets {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    generation: AtomicU64,
    set: RwLock<Arc<ServingSet>>,
}

impl ServingSets {
    /// A handle on `set`.
    pub fn new(set: ServingSet) -> Self {
        let inner = Inner { generation: AtomicU64::new(0), set: RwLock::new(Arc::new(set)) };
        Self { inner: Arc::new(inner) }
    }

    /// Replaces the set. Requests that have begun are answered from the old one.
    pub fn swap(&self, set: ServingSet) {
        let mut current = self.inner.set.write();
        *current = Arc::new(set);
        self.inner.generation.fetch_add(1, Ordering::Release);
    }

    /// The set now.
    pub fn current(&self) -> Arc<ServingSet> {
        self.get().1
    }

    pub(crate) fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// The set with its generation.
    pub(crate) fn get(&self) -> (u64, Arc<ServingSet>) {
        let set = self.inner.set.read();
        (self.generation(), Arc::clone(&set))
    }
}
