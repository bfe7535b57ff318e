//! Rows that could not be loaded.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

/// A row that could not be loaded, and why. Nothing is lost: the text is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reject {
    /// The file, and the member within a zip after a `#`.
    pub file: Arc<str>,
    /// The 1-based physical line where the row starts; the 1-based row for Parquet.
    pub line: u64,
    /// Why, as a lowercase fragment.
    pub reason: String,
    /// The row as it stands in the file, bytes that are not text replaced by U+FFFD, cut at
    /// [`Limits::raw_bytes_max`](crate::Limits::raw_bytes_max).
    pub raw: String,
}

impl Reject {
    /// The columns of a table of rejects: `file` string, `line` int64, `reason` string, `raw` string.
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("file", DataType::Utf8, true),
            Field::new("line", DataType::Int64, true),
            Field::new("reason", DataType::Utf8, true),
            Field::new("raw", DataType::Utf8, true),
        ]))
    }

    /// The rejects as a batch of [`Reject::schema`].
    pub fn batch(rejects: &[Self]) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|reject| &*reject.file))),
            Arc::new(rejects.iter().map(|reject| reject.line as i64).collect::<Int64Array>()),
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|reject| reject.reason.as_str()))),
            Arc::new(StringArray::from_iter_values(rejects.iter().map(|reject| reject.raw.as_str()))),
        ];
        RecordBatch::try_new(Self::schema(), columns)
    }
}

/// The text of a rejected row: without its line end, cut, and with U+FFFD for what is not text.
pub(crate) fn raw_text(row: &[u8], bytes_max: usize) -> String {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut end = row.len().min(bytes_max);
    // Not in the middle of a character.
    while end < row.len() && end > 0 && row[end] & 0xC0 == 0x80 {
        end -= 1;
    }
    String::from_utf8_lossy(&row[..end]).into_owned()
}

/// A value for a message.
pub(crate) fn short(text: &[u8]) -> String {
    const CHARS_MAX: usize = 60;
    let text = String::from_utf8_lossy(&text[..text.len().min(CHARS_MAX * 4)]).into_owned();
    if text.chars().count() > CHARS_MAX {
        format!("`{}…`", text.chars().take(CHARS_MAX).collect::<String>())
    } else {
        format!("`{text}`")
    }
}
