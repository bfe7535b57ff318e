//! Protocol Buffers as far as ONNX needs them: a message is a list of numbered fields, each a number or bytes. Nothing is copied before
//! it is asked for, and there is no recursion.

use super::error::GraphError;

/// A message: its bytes.
#[derive(Clone, Copy)]
pub(super) struct Message<'a>(pub(super) &'a [u8]);

/// A field's value.
enum Value<'a> {
    Varint(u64),
    /// Also numbers of four and eight bytes.
    Bytes(&'a [u8]),
}

const BROKEN: GraphError = GraphError::Syntax("the file breaks off or is no ONNX model");

impl<'a> Message<'a> {
    /// All values of a field, in order.
    fn values(self, field: u64) -> Result<Vec<Value<'a>>, GraphError> {
        let mut rest = self.0;
        let mut values = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest)?;
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut rest)?),
                1 => Value::Bytes(take(&mut rest, 8)?),
                2 => {
                    let length = varint(&mut rest)?;
                    Value::Bytes(take(&mut rest, usize::try_from(length).map_err(|_| BROKEN)?)?)
                }
                5 => Value::Bytes(take(&mut rest, 4)?),
                _ => return Err(BROKEN),
            };
            if key >> 3 == field {
                values.push(value);
            }
        }
        Ok(values)
    }

    /// All values of a field that are bytes.
    pub(super) fn all(self, field: u64) -> Result<Vec<&'a [u8]>, GraphError> {
        let bytes = |value| if let Value::Bytes(bytes) = value { Ok(bytes) } else { Err(BROKEN) };
        self.values(field)?.into_iter().map(bytes).collect()
    }

    /// All messages of a field.
    pub(super) fn messages(self, field: u64) -> Result<Vec<Message<'a>>, GraphError> {
        Ok(self.all(field)?.into_iter().map(Message).collect())
    }

    /// The last message of a field, if there is one.
    pub(super) fn message(self, field: u64) -> Result<Option<Message<'a>>, GraphError> {
        Ok(self.messages(field)?.pop())
    }

    /// All texts of a field.
    pub(super) fn texts(self, field: u64) -> Result<Vec<&'a str>, GraphError> {
        self.all(field)?.into_iter().map(|bytes| std::str::from_utf8(bytes).map_err(|_| BROKEN)).collect()
    }

    /// The last text of a field, empty if there is none.
    pub(super) fn text(self, field: u64) -> Result<&'a str, GraphError> {
        Ok(self.texts(field)?.pop().unwrap_or(""))
    }

    /// All integers of a field, packed or not.
    pub(super) fn integers(self, field: u64) -> Result<Vec<i64>, GraphError> {
        let mut all = Vec::new();
        for value in self.values(field)? {
            match value {
                Value::Varint(number) => all.push(number as i64),
                Value::Bytes(mut bytes) => {
                    while !bytes.is_empty() {
                        all.push(varint(&mut bytes)? as i64);
                    }
                }
            }
        }
        Ok(all)
    }

    /// The last integer of a field.
    pub(super) fn integer(self, field: u64) -> Result<Option<i64>, GraphError> {
        Ok(self.integers(field)?.pop())
    }

    /// All floats of a field, packed or not.
    pub(super) fn floats(self, field: u64) -> Result<Vec<f64>, GraphError> {
        Ok(self.all(field)?.into_iter().flat_map(floats).collect())
    }
}

/// Little-endian f32.
pub(super) fn floats(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

/// Little-endian f64.
pub(super) fn doubles(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes))
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], GraphError> {
    let (taken, left) = rest.split_at_checked(length).ok_or(BROKEN)?;
    *rest = left;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, GraphError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BROKEN)
}
