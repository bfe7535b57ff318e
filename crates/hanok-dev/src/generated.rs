//! The references that are made from the code. A new one is a module here and a line in [`documents`].

mod errors;

/// One generated file.
#[derive(Debug)]
pub(crate) struct Document {
    /// Relative to the repository.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// Every generated reference: `generate` writes these, `tidy` compares them.
pub(crate) fn documents() -> Vec<Document> {
    vec![Document { path: "docs/errors.md", text: errors::text() }]
}
