//! Column names that are taken.

/// `base`, or the first of `base_2`, `base_3`, … that is not taken. Case does not tell names apart: Delta Lake would
/// refuse a table with `id` and `ID`.
pub(crate) fn distinct(base: String, taken: impl Fn(&str) -> bool) -> String {
    if !taken(&base) {
        return base;
    }
    (2..u64::MAX).map(|n| format!("{base}_{n}")).find(|name| !taken(name)).unwrap_or(base)
}

/// Names that differ by case only are one name to Delta Lake and to SQL.
pub(crate) fn same(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_without_case() {
        assert_eq!(distinct("id".into(), |name| same(name, "ID")), "id_2");
    }
}
