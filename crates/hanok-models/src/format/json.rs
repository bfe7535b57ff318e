//! JSON as model libraries write it: also with `NaN`, `Infinity` and `-Infinity`, which JSON does not have.
//!
//! serde_json stands in the workspace but rounds some floating point numbers wrongly by default and refuses NaN; changing
//! its features would change what the query engine gets.

use super::document::Value;
use crate::error::ReadError;

/// Most levels of nesting; models have less than ten, and the CatBoost trees of depth 16 stay flat.
const NESTING_MAX: usize = 512;

/// Parses a document.
pub(super) fn parse(text: &[u8]) -> Result<Value, ReadError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.wrong("there is more after the end of the document"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn wrong(&self, problem: &'static str) -> ReadError {
        let before = &self.text[..self.at.min(self.text.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        ReadError::Syntax { place: format!("line {line}, column {column}"), problem }
    }

    fn space(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn peek(&mut self) -> Result<u8, ReadError> {
        self.space();
        self.text.get(self.at).copied().ok_or_else(|| self.wrong("the document breaks off"))
    }

    fn take(&mut self, byte: u8, problem: &'static str) -> Result<(), ReadError> {
        if self.peek()? != byte {
            return Err(self.wrong(problem));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self, level: usize) -> Result<Value, ReadError> {
        if level > NESTING_MAX {
            return Err(self.wrong("the nesting is too deep"));
        }
        match self.peek()? {
            b'{' => self.object(level),
            b'[' => self.array(level),
            b'"' => Ok(Value::Text(self.string()?)),
            _ => self.word(),
        }
    }

    fn object(&mut self, level: usize) -> Result<Value, ReadError> {
        self.at += 1;
        let mut members = Vec::new();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek()? != b'"' {
                return Err(self.wrong("a key is expected"));
            }
            let key = self.string()?;
            self.take(b':', "a `:` is expected")?;
            members.push((key, self.value(level + 1)?));
            if self.peek()? == b'}' {
                self.at += 1;
                return Ok(Value::Object(members));
            }
            self.take(b',', "a `,` or a `}` is expected")?;
        }
    }

    fn array(&mut self, level: usize) -> Result<Value, ReadError> {
        self.at += 1;
        // Numbers are gathered as such, so that a long array never takes the memory of so many `Value`s.
        let mut numbers = Vec::new();
        let mut values = Vec::new();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(Value::Array(values));
        }
        loop {
            match self.value(level + 1)? {
                Value::Number(number) if values.is_empty() => numbers.push(number),
                other => {
                    values.extend(numbers.drain(..).map(Value::Number));
                    values.push(other);
                }
            }
            if self.peek()? == b']' {
                self.at += 1;
                return Ok(if values.is_empty() { Value::Numbers(numbers) } else { Value::Array(values) });
            }
            self.take(b',', "a `,` or a `]` is expected")?;
        }
    }

    fn word(&mut self) -> Result<Value, ReadError> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let word = &rest[..rest.iter().take_while(is_part).count()];
        let value = match word {
            b"null" => Value::Null,
            b"true" => Value::Bool(true),
            b"false" => Value::Bool(false),
            b"NaN" | b"nan" => Value::Number(f64::NAN),
            b"Infinity" | b"inf" => Value::Number(f64::INFINITY),
            b"-Infinity" | b"-inf" => Value::Number(f64::NEG_INFINITY),
            [b'-' | b'0'..=b'9', ..] => std::str::from_utf8(word)
                .ok()
                .and_then(|word| word.parse().ok())
                .map(Value::Number)
                .ok_or_else(|| self.wrong("this is no number"))?,
            _ => return Err(self.wrong("a value is expected")),
        };
        self.at += word.len();
        Ok(value)
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.iter().take_while(|byte| **byte != b'"' && **byte != b'\\').count();
            bytes.extend_from_slice(&rest[..plain]);
            self.at += plain;
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(_) => self.escape(&mut bytes)?,
                None => return Err(self.wrong("a text breaks off")),
            }
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| self.wrong("a text is not UTF-8"))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
        let escape = self.text.get(self.at + 1).copied();
        self.at += 2;
        let plain = match escape {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'r') => b'\r',
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'u') => {
                let mut unit = self.unit()?;
                if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    let low = self.unit()?;
                    unit = 0x10000 + ((unit - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
                }
                let letter = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err(self.wrong("this escape is not known")),
        };
        bytes.push(plain);
        Ok(())
    }

    fn unit(&mut self) -> Result<u32, ReadError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit =
            digits.and_then(|d| std::str::from_utf8(d).ok()).and_then(|d| u32::from_str_radix(d, 16).ok());
        self.at += 4;
        unit.ok_or_else(|| self.wrong("four hexadecimal digits are expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_parsed() {
        let text = br#" {"a": [1, -2.5e-3, NaN], "b": [1, "x"], "c": {}, "d": [], "\u00e9\ud83d\ude00\n": null, "e": true} "#;
        let Value::Object(members) = parse(text).unwrap() else { panic!() };
        assert!(matches!(&members[0].1, Value::Numbers(n) if n[..2] == [1.0, -0.0025] && n[2].is_nan()));
        assert_eq!(members[1].1, Value::Array(vec![Value::Number(1.0), Value::Text("x".to_owned())]));
        assert_eq!(members[4].0, "é😀\n");
        assert_eq!(members[5].1, Value::Bool(true));
    }

    #[test]
    fn numbers_are_the_nearest_doubles() {
        let Value::Numbers(numbers) =
            parse(b"[5e-324, 0.1, 123456789012345680, 1.7976931348623157e308]").unwrap()
        else {
            panic!()
        };
        assert_eq!(numbers, [5e-324, 0.1, 123_456_789_012_345_680.0, f64::MAX]);
    }

    #[test]
    fn faults_have_a_place() {
        for (text, place) in [
            (&b"{\"a\":\n 1"[..], "line 2, column 3"),
            (b"[1,]", "line 1, column 4"),
            (b"[1 2]", "line 1, column 4"),
            (b"\"a", "line 1, column 3"),
            (b"\"\\", "line 1, column 3"),
            (b"\"\\u12", "line 1, column 6"),
            (b"{} x", "line 1, column 4"),
            (b"", "line 1, column 1"),
            (b"\"\\ud800\\u", "line 1, column 10"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(place), "{error} at {place}");
        }
        let deep = vec![b'['; 100_000];
        assert!(parse(&deep).unwrap_err().to_string().contains("nesting"));
    }
}
