//! What can be wrong with a specification or a picture.

use hanok_error::{Code, Coded, code};

/// A chart could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// Two lists of a specification that belong together have different lengths.
    #[error("{what} has {found} values where {expected} are needed")]
    Shape {
        /// Which list, e.g. "`inputs` of `age`".
        what: String,
        /// The length that fits.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// A grid stands within a grid.
    #[error("a grid cannot stand within a grid")]
    Nested,
    /// A font's bytes are not a font.
    #[error("font {index} cannot be read: {problem}")]
    Font {
        /// Place in the list of fonts given.
        index: usize,
        /// What the reader of fonts says.
        problem: String,
    },
    /// A picture of more pixels than are ever needed.
    #[error("a picture of {width} × {height} pixels is too large; {pixels_max} pixels are the most")]
    Pixels {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
        /// The limit of their product.
        pixels_max: u64,
    },
}

impl Coded for ChartError {
    fn code(&self) -> Code {
        match self {
            Self::Shape { .. } | Self::Nested => code::CHART_SPEC,
            Self::Font { .. } => code::CHART_FONT,
            Self::Pixels { .. } => code::CHART_PIXELS,
        }
    }
}

pub(crate) type Result<T, E = ChartError> = std::result::Result<T, E>;

/// Refuses lists of different lengths.
pub(crate) fn same(what: impl FnOnce() -> String, expected: usize, found: usize) -> Result<()> {
    if expected == found { Ok(()) } else { Err(ChartError::Shape { what: what(), expected, found }) }
}
