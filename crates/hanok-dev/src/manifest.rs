//! The dependency lines of a `Cargo.toml`, read without a TOML parser: these files are written one dependency a line.

/// Which table a dependency stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `[dependencies]` and `[build-dependencies]`, also those of a target.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
}

/// One dependency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Dependency {
    /// The package's name, also when it is renamed.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// From 1.
    pub(crate) line: usize,
    /// The line asks for features.
    pub(crate) has_features: bool,
}

/// The dependencies in the order of the file. `[workspace.dependencies]` are no dependencies.
pub(crate) fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut kind = None;
    for (index, raw) in manifest.lines().enumerate() {
        let line = raw.trim();
        if let Some(header) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let (table, own) = table_of(header);
            kind = if own.is_some() { None } else { table };
            if let (Some(kind), Some(name)) = (table, own) {
                found.push(Dependency { name, kind, line: index + 1, has_features: false });
            }
            continue;
        }
        let Some((kind, (key, value))) = kind.zip(line.split_once('=')) else { continue };
        if line.starts_with('#') {
            continue;
        }
        let name = match value.split_once("package") {
            Some((_, rest)) => rest.split('"').nth(1).unwrap_or_default(),
            None => key.trim().trim_end_matches(".workspace").trim_matches('"'),
        };
        found.push(Dependency {
            name: name.to_owned(),
            kind,
            line: index + 1,
            has_features: value.contains("features"),
        });
    }
    found
}

/// The kind of a table's header, and the dependency's name when the header is one dependency's own.
fn table_of(header: &str) -> (Option<Kind>, Option<String>) {
    if header.starts_with("workspace") {
        return (None, None);
    }
    for (suffix, kind) in [
        ("dev-dependencies", Kind::Dev),
        ("build-dependencies", Kind::Normal),
        ("dependencies", Kind::Normal),
    ] {
        if header == suffix || header.ends_with(&format!(".{suffix}")) {
            return (Some(kind), None);
        }
        if let Some((before, name)) = header.rsplit_once('.')
            && (before == suffix || before.ends_with(&format!(".{suffix}")))
        {
            return (Some(kind), Some(name.trim_matches('"').to_owned()));
        }
    }
    (None, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_form() {
        let text = r#"
[package]
name = "x"

[dependencies]
serde.workspace = true
#gone.workspace = true
csv = "1.4"
json = { package = "serde_json", version = "1", features = ["raw_value"] }

[dependencies.heed]
version = "1"

[target.'cfg(unix)'.dependencies]
libc.workspace = true

[dev-dependencies]
proptest.workspace = true

[[test]]
name = "it"

[workspace.dependencies]
tokio = "1"
"#;
        let names: Vec<_> = dependencies(text).into_iter().map(|d| (d.name, d.kind)).collect();
        let expected = [
            ("serde", Kind::Normal),
            ("csv", Kind::Normal),
            ("serde_json", Kind::Normal),
            ("heed", Kind::Normal),
            ("libc", Kind::Normal),
            ("proptest", Kind::Dev),
        ];
        assert_eq!(names, expected.map(|(name, kind)| (name.to_owned(), kind)));
        let json = &dependencies(text)[2];
        assert!(json.has_features);
        assert_eq!(json.line, 9);
    }
}
