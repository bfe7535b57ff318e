//! Load ids that can be found again.

use hanok_types::TableName;

/// Letters of Crockford's base 32, as in ULIDs.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The id of the load of `table` that began at `started_ms` (Unix time): a ULID whose random part is a hash of both.
///
/// The Delta log keeps the time in each file's application transaction, so whoever finds a half-finished load can
/// finish it under its own id, and the ledger can be written again from the log.
pub(crate) fn load_id(table: &TableName, started_ms: i64) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.to_string().as_bytes());
    hasher.update(&started_ms.to_le_bytes());
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&started_ms.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&hasher.finalize().as_bytes()[..10]);
    let bits = u128::from_be_bytes(bytes);
    (0..26).rev().map(|at| char::from(LETTERS[(bits >> (5 * at)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hanok_types::Id;

    #[test]
    fn ids_are_ulids_that_sort_by_time() {
        let table = TableName::new("raw", "flights").unwrap();
        let ids: Vec<String> = [1_700_000_000_000, 1_700_000_000_001, 1_800_000_000_000]
            .iter()
            .map(|&ms| load_id(&table, ms))
            .collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| Id::parse(id).is_some_and(|parsed| parsed.to_string() == *id)));
        assert_ne!(load_id(&TableName::new("raw", "b").unwrap(), 1_700_000_000_000), ids[0]);
    }
}
