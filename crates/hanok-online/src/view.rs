//! The records about views, and the names of the store's other records.

use std::path::Path;

use heed::RoTxn;
use serde::{Deserialize, Serialize};

use crate::env::Store;
use crate::error::StoreError;
use crate::schema::ViewSchema;
use hanok_types::ValueType;

/// Earlier schemas whose rows can still be read.
pub(crate) const OLDER_SCHEMAS_MAX: usize = 64;

pub(crate) const META_FORMAT: &[u8] = b"format";
pub(crate) const META_SEQUENCE: &[u8] = b"sequence";
pub(crate) const META_NEXT_VIEW: &[u8] = b"next_view";

/// The features of a schema that a view had before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct OlderSchema {
    pub schema_id: u32,
    pub features: Vec<(String, ValueType)>,
}

/// A view as the `views` database holds it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ViewRecord {
    pub view_id: u32,
    pub schema_id: u32,
    pub schema: ViewSchema,
    pub older: Vec<OlderSchema>,
}

/// How to read the rows of one schema as rows of the current one.
pub(crate) struct SchemaReading {
    pub schema_id: u32,
    pub types: Vec<ValueType>,
    /// For each current feature its column in this schema; absent for the current schema itself.
    pub mapping: Option<Vec<Option<u16>>>,
}

impl ViewRecord {
    /// The readings of all schemas, the current one first.
    pub(crate) fn readings(&self) -> Vec<SchemaReading> {
        let types =
            |features: &[(String, ValueType)]| features.iter().map(|(_, value_type)| *value_type).collect();
        let current =
            SchemaReading { schema_id: self.schema_id, types: types(&self.schema.features), mapping: None };
        let older = self.older.iter().map(|older| SchemaReading {
            schema_id: older.schema_id,
            types: types(&older.features),
            mapping: Some(
                self.schema
                    .features
                    .iter()
                    .map(|feature| older.features.iter().position(|old| old == feature).map(|at| at as u16))
                    .collect(),
            ),
        });
        std::iter::once(current).chain(older).collect()
    }
}

pub(crate) fn count_key(view_id: u32) -> [u8; 9] {
    let mut key = *b"count\0\0\0\0";
    key[5..].copy_from_slice(&view_id.to_be_bytes());
    key
}

/// A number among the `meta` records; 0 when it is absent.
pub(crate) fn number(store: &Store, txn: &RoTxn<'_>, key: &[u8]) -> Result<u64, StoreError> {
    let Some(bytes) = store.dbs.meta.get(txn, key).map_err(|error| store.error(error))? else {
        return Ok(0);
    };
    let bytes = bytes.try_into().map_err(|_| damaged(&store.path, key))?;
    Ok(u64::from_le_bytes(bytes))
}

fn damaged(path: &Path, key: &[u8]) -> StoreError {
    let what = format!("the record `{}` is not a number", String::from_utf8_lossy(key));
    StoreError::Damaged { path: path.to_owned(), what }
}

/// One view's record.
pub(crate) fn view(store: &Store, txn: &RoTxn<'_>, name: &str) -> Result<Option<ViewRecord>, StoreError> {
    let bytes = store.dbs.views.get(txn, name.as_bytes()).map_err(|error| store.error(error))?;
    bytes.map(|bytes| parse(&store.path, bytes)).transpose()
}

/// All views' records, by name.
pub(crate) fn views(store: &Store, txn: &RoTxn<'_>) -> Result<Vec<ViewRecord>, StoreError> {
    let entries = store.dbs.views.iter(txn).map_err(|error| store.error(error))?;
    entries
        .map(|entry| {
            let (_, bytes) = entry.map_err(|error| store.error(error))?;
            parse(&store.path, bytes)
        })
        .collect()
}

fn parse(path: &Path, bytes: &[u8]) -> Result<ViewRecord, StoreError> {
    let damaged = |what: String| StoreError::Damaged { path: path.to_owned(), what };
    let record: ViewRecord =
        serde_json::from_slice(bytes).map_err(|error| damaged(format!("a view's record: {error}")))?;
    record.schema.check().map_err(|error| damaged(error.to_string()))?;
    Ok(record)
}
