//! The definition of the join, tried out row by row.

use crate::case::{Case, Row};
use crate::fixture::KeyForm;

/// The feature row of each entity row.
pub(crate) fn winners(case: &Case) -> Vec<Option<usize>> {
    case.entity
        .iter()
        .map(|entity| {
            let matching = (0..case.features.len()).filter(|at| matches(case, entity, &case.features[*at]));
            matching.max_by_key(|at| {
                let row = &case.features[*at];
                (row.time, created(case, row), *at)
            })
        })
        .collect()
}

fn matches(case: &Case, entity: &Row, feature: &Row) -> bool {
    let keys = entity.keys.iter().zip(&feature.keys).zip(&case.forms);
    let equal = keys.into_iter().all(|((ours, theirs), (form, _))| match (ours, theirs) {
        (Some(ours), Some(theirs)) if *form == KeyForm::Bool => ours % 2 == theirs % 2,
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => false,
    });
    let (Some(at), Some(event)) = (entity.time, feature.time) else { return false };
    let fresh = case.ttl_us.is_none_or(|ttl| ttl == 0 || event >= at.saturating_sub(ttl));
    let known = !case.as_known_at || created(case, feature).is_none_or(|created| created <= at);
    equal && event <= at && fresh && known
}

/// The two extreme values are a microsecond off, as the join documents.
fn created(case: &Case, row: &Row) -> Option<i64> {
    let created = row.created.filter(|_| case.with_created)?;
    Some(created.clamp(i64::MIN + 1, i64::MAX - 1))
}
