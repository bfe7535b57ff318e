//! UBJSON (Universal Binary JSON, draft 12), which XGBoost writes by default since 2.1: a marker byte before each value,
//! counts before texts, and optionally one type (`$`) and a count (`#`) for all elements of an array. Big-endian.

use super::document::Value;
use crate::error::ReadError;

/// Most levels of nesting.
const NESTING_MAX: usize = 512;

/// Whether a document that begins with `{` is UBJSON: a key's length or a container's type follows, in JSON a quote or space.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    matches!(bytes.get(1), Some(b'L' | b'l' | b'I' | b'i' | b'U' | b'$' | b'#'))
}

/// Parses a document.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, ReadError> {
    let mut parser = Parser { bytes, at: 0 };
    let marker = parser.marker()?;
    let value = parser.value(marker, 0)?;
    if parser.at < bytes.len() {
        return Err(parser.wrong("there is more after the end of the document"));
    }
    Ok(value)
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn wrong(&self, problem: &'static str) -> ReadError {
        ReadError::Syntax { place: format!("byte {}", self.at), problem }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.wrong("the document breaks off"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn marker(&mut self) -> Result<u8, ReadError> {
        loop {
            match self.take(1)?[0] {
                b'N' => {}
                marker => return Ok(marker),
            }
        }
    }

    fn number(&mut self, marker: u8) -> Result<Option<f64>, ReadError> {
        let Some(size) = size(marker) else { return Ok(None) };
        Ok(Some(number(marker, self.take(size)?)))
    }

    fn count(&mut self) -> Result<usize, ReadError> {
        let marker = self.marker()?;
        let number = if matches!(marker, b'd' | b'D') { None } else { self.number(marker)? };
        let count = number.and_then(super::document::index);
        count.ok_or_else(|| self.wrong("a count is expected"))
    }

    fn text(&mut self) -> Result<String, ReadError> {
        let count = self.count()?;
        let bytes = self.take(count)?;
        String::from_utf8(bytes.to_vec()).map_err(|_| self.wrong("a text is not UTF-8"))
    }

    fn value(&mut self, marker: u8, level: usize) -> Result<Value, ReadError> {
        if level > NESTING_MAX {
            return Err(self.wrong("the nesting is too deep"));
        }
        if let Some(number) = self.number(marker)? {
            return Ok(Value::Number(number));
        }
        match marker {
            b'Z' => Ok(Value::Null),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'S' => Ok(Value::Text(self.text()?)),
            b'C' => Ok(Value::Text(char::from(self.take(1)?[0]).to_string())),
            b'[' => self.array(level),
            b'{' => self.object(level),
            _ => Err(self.wrong("this marker is not known")),
        }
    }

    /// The count of a container, when it is given. `$` gives the type of all elements.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), ReadError> {
        let mut kind = None;
        if self.bytes.get(self.at) == Some(&b'$') {
            self.at += 1;
            kind = Some(self.take(1)?[0]);
            if self.bytes.get(self.at) != Some(&b'#') {
                return Err(self.wrong("a type without a count"));
            }
        }
        if self.bytes.get(self.at) != Some(&b'#') {
            return Ok((None, None));
        }
        self.at += 1;
        Ok((kind, Some(self.count()?)))
    }

    fn array(&mut self, level: usize) -> Result<Value, ReadError> {
        let (kind, count) = self.head()?;
        if let (Some(kind), Some(count)) = (kind, count) {
            // Only elements that take bytes may be typed: a count alone must not make memory.
            let Some(size) = size(kind) else { return Err(self.wrong("arrays of this type are not read")) };
            let bytes = self.take(count.saturating_mul(size))?;
            if count == 0 {
                return Ok(Value::Array(Vec::new()));
            }
            return Ok(Value::Numbers(bytes.chunks_exact(size).map(|bytes| number(kind, bytes)).collect()));
        }
        let mut values = Vec::new();
        while count.is_none_or(|count| values.len() < count) {
            match self.marker()? {
                b']' if count.is_none() => break,
                marker => values.push(self.value(marker, level + 1)?),
            }
        }
        Ok(Value::array(values))
    }

    fn object(&mut self, level: usize) -> Result<Value, ReadError> {
        let (kind, count) = self.head()?;
        let mut members = Vec::new();
        while count.is_none_or(|count| members.len() < count) {
            if count.is_none() && self.bytes.get(self.at) == Some(&b'}') {
                self.at += 1;
                break;
            }
            let key = self.text()?;
            let marker = if let Some(kind) = kind { kind } else { self.marker()? };
            members.push((key, self.value(marker, level + 1)?));
        }
        Ok(Value::Object(members))
    }
}

/// Bytes of a number.
fn size(marker: u8) -> Option<usize> {
    match marker {
        b'i' | b'U' => Some(1),
        b'I' => Some(2),
        b'l' | b'd' => Some(4),
        b'L' | b'D' => Some(8),
        _ => None,
    }
}

/// A number from as many bytes as [`size`] says.
fn number(marker: u8, bytes: &[u8]) -> f64 {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    match marker {
        b'i' => f64::from(bits as i8),
        b'U' => f64::from(bits as u8),
        b'I' => f64::from(bits as i16),
        b'l' => f64::from(bits as i32),
        b'd' => f64::from(f32::from_bits(bits as u32)),
        b'L' => bits as i64 as f64,
        _ => f64::from_bits(bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_parsed() {
        let bytes = b"{L\0\0\0\0\0\0\0\x01a[$d#i\x02\x3f\x80\0\0\xc0\0\0\0U\x01b[i\xffI\x01\0l\0\0\0\x02D\x40\x08\0\0\0\0\0\0]i\x01cSi\x02xyi\x01d[#U\x02TZ}";
        let Value::Object(members) = parse(bytes).unwrap() else { panic!() };
        assert_eq!(members[0], ("a".to_owned(), Value::Numbers(vec![1.0, -2.0])));
        assert_eq!(members[1].1, Value::Numbers(vec![-1.0, 256.0, 2.0, 3.0]));
        assert_eq!(members[2].1, Value::Text("xy".to_owned()));
        assert_eq!(members[3].1, Value::Array(vec![Value::Bool(true), Value::Null]));
    }

    #[test]
    fn counts_make_no_memory() {
        for bytes in [
            &b"[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"[..],
            b"[$Z#l\x7f\xff\xff\xff",
            b"[$T#l\x7f\xff\xff\xff",
            b"[#l\x7f\xff\xff\xff",
            b"Sl\x7f\xff\xff\xff",
            b"{#l\x7f\xff\xff\xff",
            b"{$Z#l\x7f\xff\xff\xff",
            b"[$i",
            b"NNNN",
        ] {
            assert!(parse(bytes).is_err());
        }
        assert!(parse(&vec![b'['; 100_000]).unwrap_err().to_string().contains("nesting"));
    }
}
