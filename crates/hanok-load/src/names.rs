//! Column names out of headers and JSON keys.

/// Makes a column name of what a file says: letters of any script, digits and underscores; every run of other
/// characters becomes one underscore, none at the ends; a leading digit gets an underscore before it. Case is kept.
///
/// Delta Lake and Parquet readers refuse blanks and most punctuation, and a name that needs no quotes is the one people
/// can type.
pub fn column_name(raw: &str) -> String {
    let mut name = String::with_capacity(raw.len());
    let mut gap = false;
    for c in raw.trim().chars() {
        if c.is_alphanumeric() || c == '_' {
            if gap && !name.is_empty() {
                name.push('_');
            }
            gap = false;
            name.push(c);
        } else {
            gap = true;
        }
    }
    if name.starts_with(|c: char| c.is_numeric()) {
        name.insert(0, '_');
    }
    name
}

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
    fn names_keep_letters_of_any_script_and_lose_punctuation() {
        for (raw, name) in [
            ("year", "year"),
            (" Dep. Delay (min) ", "Dep_Delay_min"),
            ("출발 시각", "출발_시각"),
            ("2nd", "_2nd"),
            ("__x__", "__x__"),
            ("a--b", "a_b"),
            ("%", ""),
        ] {
            assert_eq!(column_name(raw), name);
        }
        assert_eq!(distinct("id".into(), |name| same(name, "ID")), "id_2");
    }
}
