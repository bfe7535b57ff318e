//! Where in the project something stands.

use std::fmt;

/// A line of a project file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The path relative to the project's folder, with `/` between its parts.
    pub file: String,
    /// The line, from 1; 0 when only the file is known.
    pub line: u32,
}

impl Place {
    /// `line` of `file`.
    pub fn new(file: impl Into<String>, line: u32) -> Self {
        Self { file: file.into(), line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        Ok(())
    }
}

/// Something in the project that has no effect, or not the one its author may expect. Never a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where it stands.
    pub place: Place,
    /// What to know, as a lowercase fragment.
    pub message: String,
}

/// The candidate closest to `name` that is close enough to be a likely misspelling.
pub(crate) fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let distance_max = name.chars().count() / 3 + 1;
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= distance_max)
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// Levenshtein's distance in characters, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let names = ["stg_orders", "stg_customers", "학생"];
        assert_eq!(did_you_mean("stg_order", names).as_deref(), Some("stg_orders"));
        assert_eq!(did_you_mean("STG_CUSTOMER", names).as_deref(), Some("stg_customers"));
        assert_eq!(did_you_mean("payments", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
