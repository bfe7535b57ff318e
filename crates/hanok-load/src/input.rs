//! Files to streams of UTF-8 text: gzip and zip unpacked, other encodings converted, byte-order marks taken off.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;

use crate::error::{OptionError, ReadError};

/// Compressed bytes are read in pieces of this size.
const COMPRESSED_BYTES: usize = 128 << 10;
/// Text in other encodings is converted in pieces of this size.
const CONVERT_BYTES: usize = 64 << 10;
/// Stands in converted text for bytes that are not valid in the encoding. It never occurs in UTF-8, so the row is
/// found, and rejected, where invalid UTF-8 is.
const INVALID: u8 = 0xFF;

/// One of a source's files.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// The name in messages and rejects.
    pub(crate) name: Arc<str>,
}

impl SourceFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.to_string_lossy().into() }
    }

    pub(crate) fn open(&self) -> Result<File, ReadError> {
        let file = File::open(&self.path).map_err(|source| self.io(source))?;
        let kind = file.metadata().map_err(|source| self.io(source))?;
        if kind.is_dir() {
            return Err(self.io(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Ok(file)
    }

    pub(crate) fn io(&self, source: io::Error) -> ReadError {
        ReadError::Io { file: self.name.to_string(), source }
    }
}

/// A stream of text: a file, or a member of a zip.
pub(crate) struct Part<'r> {
    /// The file, and the member of a zip after a `#`.
    pub(crate) name: Arc<str>,
    /// Whether read errors mean a broken stream, not a broken disk.
    pub(crate) compressed: bool,
    /// UTF-8, except for what could not be converted.
    pub(crate) text: &'r mut dyn Read,
}

/// Finds the encoding of a label.
pub(crate) fn encoding(label: &str) -> Result<&'static Encoding, ReadError> {
    Encoding::for_label(label.as_bytes())
        .ok_or_else(|| ReadError::Option(OptionError::Encoding(label.to_owned())))
}

/// Calls `visit` for each stream of text in the file, in order: one for a plain or gzip file, one for each member of a
/// zip by name. `extensions` (without the dot) choose among a zip's members, unless none has one of them.
///
/// Compression is told by the first bytes; a name that promises gzip or zip over other content is an error.
pub(crate) fn visit_parts(
    file: &SourceFile,
    encoding: &'static Encoding,
    extensions: &[&str],
    visit: &mut dyn FnMut(Part<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut raw = file.open()?;
    let mut magic = [0; 4];
    let read = read_up_to(&mut raw, &mut magic).map_err(|source| file.io(source))?;
    raw.seek(SeekFrom::Start(0)).map_err(|source| file.io(source))?;
    let promised = file.path.extension().and_then(|text| text.to_str()).map(str::to_ascii_lowercase);
    match &magic[..read] {
        [0x1f, 0x8b, ..] => {
            let mut unpacked = MultiGzDecoder::new(BufReader::with_capacity(COMPRESSED_BYTES, raw));
            visit_text(&file.name, true, encoding, &mut unpacked, visit)
        }
        b"PK\x03\x04" | b"PK\x05\x06" => visit_zip(file, raw, encoding, extensions, visit),
        _ => match promised.as_deref() {
            Some(kind @ ("gz" | "zip")) => Err(ReadError::Corrupt {
                file: file.name.to_string(),
                at: "at its first byte".to_owned(),
                reason: format!("not a {kind} file"),
            }),
            _ => visit_text(&file.name, false, encoding, &mut raw, visit),
        },
    }
}

fn visit_zip(
    file: &SourceFile,
    raw: File,
    encoding: &'static Encoding,
    extensions: &[&str],
    visit: &mut dyn FnMut(Part<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let corrupt = |member: &str, error: zip::result::ZipError| match error {
        zip::result::ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => file.io(source),
        error => ReadError::Corrupt {
            file: if member.is_empty() { file.name.to_string() } else { format!("{}#{member}", file.name) },
            at: "in its zip directory".to_owned(),
            reason: error.to_string(),
        },
    };
    let mut archive = zip::ZipArchive::new(BufReader::with_capacity(COMPRESSED_BYTES, raw))
        .map_err(|error| corrupt("", error))?;
    let mut members = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        if let Some(name) = archive.name_for_index(index) {
            let name = name.map_err(|error| corrupt("", error))?.into_owned();
            let hidden = name.starts_with("__MACOSX/") || name.split('/').any(|part| part.starts_with('.'));
            if !name.ends_with('/') && !hidden {
                members.push((name, index));
            }
        }
    }
    members.sort();
    let matches = |name: &str| {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        extension.is_some_and(|extension| extensions.contains(&extension.as_str()))
    };
    if members.iter().any(|(name, _)| matches(name)) {
        members.retain(|(name, _)| matches(name));
    }
    for (member, index) in members {
        let name: Arc<str> = format!("{}#{member}", file.name).into();
        let mut unpacked = archive.by_index(index).map_err(|error| corrupt(&member, error))?;
        visit_text(&name, true, encoding, &mut unpacked, visit)?;
    }
    Ok(())
}

fn visit_text(
    name: &Arc<str>,
    compressed: bool,
    encoding: &'static Encoding,
    bytes: &mut dyn Read,
    visit: &mut dyn FnMut(Part<'_>) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut start = [0; 3];
    let read =
        read_up_to(bytes, &mut start).map_err(|source| stream_error(name, compressed, 0, 1, source))?;
    let (encoding, mark) = match Encoding::for_bom(&start[..read]) {
        Some((found, len)) => (found, len),
        None => (encoding, 0),
    };
    let mut bytes = (&start[mark..read]).chain(bytes);
    let name = Arc::clone(name);
    if encoding == UTF_8 {
        return visit(Part { name, compressed, text: &mut bytes });
    }
    let mut text = Convert::new(encoding, bytes);
    visit(Part { name, compressed, text: &mut text })
}

/// What a failed read means.
pub(crate) fn stream_error(
    name: &str,
    compressed: bool,
    bytes: u64,
    line: u64,
    source: io::Error,
) -> ReadError {
    use io::ErrorKind::{InvalidData, InvalidInput, Other, UnexpectedEof};
    if compressed && matches!(source.kind(), InvalidData | InvalidInput | Other | UnexpectedEof) {
        return ReadError::Corrupt {
            file: name.to_owned(),
            at: format!("after byte {bytes} (line {line}) of its content"),
            reason: source.to_string(),
        };
    }
    ReadError::Io { file: name.to_owned(), source }
}

fn read_up_to(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Converts to UTF-8, with [`INVALID`] for what the encoding does not allow.
struct Convert<R> {
    decoder: Decoder,
    inner: R,
    input: Vec<u8>,
    input_at: usize,
    input_end: usize,
    output: Vec<u8>,
    output_at: usize,
    ended: bool,
}

impl<R: Read> Convert<R> {
    fn new(encoding: &'static Encoding, inner: R) -> Self {
        // `utf-16` in the standard means little endian; a mark has been looked for already.
        let decoder = if encoding == UTF_16BE || encoding == UTF_16LE {
            encoding.new_decoder_without_bom_handling()
        } else {
            encoding.new_decoder_with_bom_removal()
        };
        Self {
            decoder,
            inner,
            input: vec![0; CONVERT_BYTES],
            input_at: 0,
            input_end: 0,
            output: Vec::with_capacity(CONVERT_BYTES * 3),
            output_at: 0,
            ended: false,
        }
    }

    fn convert(&mut self) -> io::Result<()> {
        self.output.clear();
        self.output_at = 0;
        while self.output.is_empty() && !self.ended {
            if self.input_at == self.input_end {
                self.input_at = 0;
                self.input_end = read_up_to(&mut self.inner, &mut self.input)?;
            }
            let last = self.input_end == 0;
            let space =
                self.decoder.max_utf8_buffer_length_without_replacement(self.input_end - self.input_at);
            let mut buffer = vec![0; space.unwrap_or(CONVERT_BYTES).max(16)];
            let input = &self.input[self.input_at..self.input_end];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(input, &mut buffer, last);
            self.input_at += read;
            self.output.extend_from_slice(&buffer[..written]);
            match result {
                DecoderResult::Malformed(..) => self.output.push(INVALID),
                DecoderResult::InputEmpty if last => self.ended = true,
                DecoderResult::InputEmpty | DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Convert<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.output_at == self.output.len() {
            self.convert()?;
        }
        let len = buffer.len().min(self.output.len() - self.output_at);
        buffer[..len].copy_from_slice(&self.output[self.output_at..self.output_at + len]);
        self.output_at += len;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(label: &str, bytes: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        Convert::new(encoding(label).unwrap(), bytes).read_to_end(&mut all).unwrap();
        all
    }

    #[test]
    fn encodings_are_converted_and_bad_bytes_marked() {
        assert_eq!(converted("euc-kr", b"\xc7\xd1\xb1\xdb,1\n"), "한글,1\n".as_bytes());
        assert_eq!(converted("windows-1252", b"caf\xe9"), "café".as_bytes());
        assert_eq!(converted("utf-16le", b"a\0\n\0"), b"a\n");
        assert_eq!(converted("euc-kr", b"a\xff,b"), b"a\xff,b");
        assert!(encoding("klingon").is_err());
    }

    #[test]
    fn a_character_across_two_pieces_is_one_character() {
        let text = "한".repeat(CONVERT_BYTES);
        let (bytes, _, _) = encoding("euc-kr").unwrap().encode(&text);
        let mut odd = b"x".to_vec();
        odd.extend_from_slice(&bytes);
        assert_eq!(converted("euc-kr", &odd), format!("x{text}").as_bytes());
    }
}
