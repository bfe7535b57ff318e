//! Protocol Buffers, as much as a reader needs: a message is a list of numbered fields, each a number or bytes. Nothing is allocated but what
//! is asked for, and messages in messages are read by who knows how deep they go.

use super::bytes::{Cursor, numbers};
use crate::error::ReadError;

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a>(&'a [u8]);

/// The value of a field.
#[derive(Clone, Copy, Debug)]
enum Value<'a> {
    Number(u64),
    /// Also numbers of a fixed width.
    Bytes(&'a [u8]),
}

impl<'a> Message<'a> {
    /// A message of these bytes.
    pub fn new(bytes: &'a [u8]) -> Message<'a> {
        Message(bytes)
    }

    /// Calls `visit` for each value of a field.
    fn each(
        self,
        field: u64,
        mut visit: impl FnMut(Value<'a>, &Cursor<'a>) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut cursor = Cursor::new(self.0);
        while !cursor.is_at_end() {
            let key = varint(&mut cursor)?;
            let value = match key & 7 {
                0 => Value::Number(varint(&mut cursor)?),
                1 => Value::Bytes(cursor.take(8)?),
                2 => {
                    let length = varint(&mut cursor)?;
                    let length = usize::try_from(length).map_err(|_| cursor.wrong("the file breaks off"))?;
                    Value::Bytes(cursor.take(length)?)
                }
                5 => Value::Bytes(cursor.take(4)?),
                _ => return Err(cursor.wrong("this is no field of a message")),
            };
            if key >> 3 == field {
                visit(value, &cursor)?;
            }
        }
        Ok(())
    }

    /// All values of a field that are bytes.
    pub fn all_bytes(self, field: u64) -> Result<Vec<&'a [u8]>, ReadError> {
        let mut all = Vec::new();
        self.each(field, |value, cursor| match value {
            Value::Bytes(bytes) => {
                all.push(bytes);
                Ok(())
            }
            Value::Number(_) => Err(cursor.wrong("a number where bytes are expected")),
        })?;
        Ok(all)
    }

    /// All messages of a field.
    pub fn messages(self, field: u64) -> Result<Vec<Message<'a>>, ReadError> {
        Ok(self.all_bytes(field)?.into_iter().map(Message).collect())
    }

    /// The last message of a field, empty if there is none.
    pub fn message(self, field: u64) -> Result<Message<'a>, ReadError> {
        Ok(self.messages(field)?.pop().unwrap_or(Message(&[])))
    }

    /// All texts of a field.
    pub fn texts(self, field: u64) -> Result<Vec<&'a str>, ReadError> {
        let text =
            |bytes| std::str::from_utf8(bytes).map_err(|_| Cursor::new(bytes).wrong("a text is not UTF-8"));
        self.all_bytes(field)?.into_iter().map(text).collect()
    }

    /// The last text of a field, empty if there is none.
    pub fn text(self, field: u64) -> Result<&'a str, ReadError> {
        Ok(self.texts(field)?.pop().unwrap_or(""))
    }

    /// All integers of a field, packed or not.
    pub fn integers(self, field: u64) -> Result<Vec<i64>, ReadError> {
        let mut all = Vec::new();
        self.each(field, |value, _| {
            match value {
                Value::Number(number) => all.push(number as i64),
                Value::Bytes(bytes) => {
                    let mut cursor = Cursor::new(bytes);
                    while !cursor.is_at_end() {
                        all.push(varint(&mut cursor)? as i64);
                    }
                }
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// The last integer of a field.
    pub fn integer(self, field: u64) -> Result<Option<i64>, ReadError> {
        Ok(self.integers(field)?.pop())
    }

    /// All numbers of 32 bits of a field, packed or not.
    pub fn floats(self, field: u64) -> Result<Vec<f64>, ReadError> {
        Ok(self.all_bytes(field)?.into_iter().flat_map(numbers::<f32>).map(f64::from).collect())
    }

    /// All numbers of 64 bits of a field, packed or not.
    pub fn doubles(self, field: u64) -> Result<Vec<f64>, ReadError> {
        Ok(self.all_bytes(field)?.into_iter().flat_map(numbers).collect())
    }
}

fn varint(cursor: &mut Cursor<'_>) -> Result<u64, ReadError> {
    let mut number = 0;
    for shift in (0..70).step_by(7) {
        let byte = cursor.number::<u8>()?;
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(cursor.wrong("a number is too long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_field_by_field() {
        // 1: 300, 2: "hi", 3: [1, 2] packed and 3 alone, 4: 1.5f
        let bytes = [8, 0xac, 2, 18, 2, b'h', b'i', 26, 2, 1, 2, 24, 3, 37, 0, 0, 0xc0, 0x3f];
        let message = Message::new(&bytes);
        assert_eq!(message.integer(1).unwrap(), Some(300));
        assert_eq!(message.text(2).unwrap(), "hi");
        assert_eq!(message.integers(3).unwrap(), [1, 2, 3]);
        assert_eq!(message.floats(4).unwrap(), [1.5]);
        assert_eq!(message.integer(5).unwrap(), None);
        for end in 1..bytes.len() {
            let _ = Message::new(&bytes[..end]).integers(1);
        }
        assert!(Message::new(&[8, 0x80]).integer(1).is_err());
        assert!(Message::new(&[18, 200, 1]).integer(1).is_err());
        assert!(Message::new(&[0x0b]).integer(1).is_err());
    }
}
