//! Events, one a line: plain numbers, JSON objects, or rows of a CSV file with a header.

use std::io::{BufRead, Read as _};

use serde_json::{Map, Value};

use super::{WatchCounts, WatchError};

/// The longest line.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What lines are, which the first one says.
enum Form {
    Numbers,
    Objects,
    /// With the names of the columns.
    Rows(Vec<String>),
}

/// The events of a stream.
pub(super) struct Events<'a, R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
    form: Form,
    /// The first event, which was read to see what there is.
    first: Option<Fields>,
    columns: Vec<String>,
    time: Option<String>,
    /// Who counts lines that cannot be read; without it they are errors.
    invalid: Option<&'a WatchCounts>,
}

/// A line, taken apart.
enum Fields {
    Number(f64),
    Object(Map<String, Value>),
    Row(Vec<String>),
}

/// The values of one event: the columns' in their order, and its time.
pub(super) struct Taken {
    numbers: Vec<Option<f64>>,
    time: Option<String>,
}

/// What is asked of an event.
pub(super) trait Event {
    /// The number of the column at that place, when it has one.
    fn number(&self, place: usize) -> Option<f64>;
    /// When it was.
    fn time(&self) -> Option<String>;
}

impl Event for Taken {
    fn number(&self, place: usize) -> Option<f64> {
        self.numbers.get(place).copied().flatten()
    }

    fn time(&self) -> Option<String> {
        self.time.clone()
    }
}

impl<'a, R: BufRead> Events<'a, R> {
    fn of(reader: R, form: Form, invalid: Option<&'a WatchCounts>) -> Self {
        let (line, columns) = (Vec::new(), Vec::new());
        Self { reader, line, number: 0, form, first: None, columns, time: None, invalid }
    }

    /// Lines that are JSON objects or cannot be read.
    pub(super) fn of_objects(reader: R, invalid: Option<&'a WatchCounts>) -> Self {
        Self::of(reader, Form::Objects, invalid)
    }

    /// Reads as far as the first event; `None` when there is none.
    pub(super) fn open(reader: R, invalid: Option<&'a WatchCounts>) -> Result<Option<Self>, WatchError> {
        let mut events = Self::of(reader, Form::Numbers, invalid);
        let Some(first) = events.text()? else { return Ok(None) };
        if first.starts_with('{') {
            events.form = Form::Objects;
        } else if first.parse::<f64>().is_err() {
            let names = cells(&first).ok_or_else(|| events.refused("a quote has no end"))?;
            events.form = Form::Rows(names);
            events.first = events.fields()?;
            return Ok(events.first.is_some().then_some(events));
        }
        events.first = match events.taken_apart(&first) {
            Ok(fields) => Some(fields),
            Err(error) => {
                events.skip(error)?;
                events.fields()?
            }
        };
        Ok(events.first.is_some().then_some(events))
    }

    /// The columns with numbers in the first event; `None` of plain numbers.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        match (&self.form, &self.first) {
            (Form::Rows(names), Some(Fields::Row(cells))) => {
                let is_number = |(_, cell): &(&String, &String)| cell.trim().parse::<f64>().is_ok();
                Some(names.iter().zip(cells).filter(is_number).map(|(name, _)| name.clone()).collect())
            }
            (Form::Objects, Some(Fields::Object(object))) => {
                let is_number =
                    |(_, value): &(&String, &Value)| number_of(value).is_ok_and(|value| value.is_some());
                Some(object.iter().filter(is_number).map(|(name, _)| name.clone()).collect())
            }
            _ => None,
        }
    }

    /// All columns of the first event.
    pub(super) fn known(&self) -> Vec<String> {
        match (&self.form, &self.first) {
            (Form::Rows(names), _) => names.clone(),
            (_, Some(Fields::Object(object))) => object.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Says which columns are wanted.
    pub(super) fn select(&mut self, columns: Vec<String>, time: Option<String>) {
        (self.columns, self.time) = (columns, time);
    }

    /// The next event, `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Taken>, WatchError> {
        loop {
            let fields = match self.first.take() {
                Some(first) => first,
                None => match self.fields()? {
                    Some(fields) => fields,
                    None => return Ok(None),
                },
            };
            match self.take(fields) {
                Ok(taken) => return Ok(Some(taken)),
                Err(error) => self.skip(error)?,
            }
        }
    }

    fn take(&self, fields: Fields) -> Result<Taken, WatchError> {
        match fields {
            Fields::Number(number) => Ok(Taken { numbers: vec![Some(number)], time: None }),
            Fields::Object(mut object) => {
                let number = |name: &String| match object.get(name) {
                    None => Ok(None),
                    Some(value) => number_of(value)
                        .map_err(|()| self.refused(&format!("`{name}` is no number: {value}"))),
                };
                let numbers = self.columns.iter().map(number).collect::<Result<_, _>>()?;
                let time = self.time.as_ref().and_then(|name| object.remove(name));
                let time = time.map(|time| match time {
                    Value::String(text) => text,
                    other => other.to_string(),
                });
                Ok(Taken { numbers, time })
            }
            Fields::Row(cells) => {
                let Form::Rows(names) = &self.form else { return Err(self.refused("it is no row")) };
                let cell = |name: &String| {
                    names
                        .iter()
                        .position(|known| known == name)
                        .and_then(|at| cells.get(at))
                        .map(|cell| cell.trim())
                };
                let number = |name: &String| match cell(name) {
                    None | Some("") => Ok(None),
                    Some(text) => text
                        .parse()
                        .map(Some)
                        .map_err(|_| self.refused(&format!("`{name}` is no number: {text}"))),
                };
                let numbers = self.columns.iter().map(number).collect::<Result<_, _>>()?;
                Ok(Taken { numbers, time: self.time.as_ref().and_then(cell).map(str::to_owned) })
            }
        }
    }

    /// The next line that can be taken apart.
    fn fields(&mut self) -> Result<Option<Fields>, WatchError> {
        loop {
            let text = match self.text() {
                Ok(Some(text)) => text,
                Ok(None) => return Ok(None),
                Err(error @ WatchError::Event { .. }) => {
                    self.skip(error)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            match self.taken_apart(&text) {
                Ok(fields) => return Ok(Some(fields)),
                Err(error) => self.skip(error)?,
            }
        }
    }

    fn taken_apart(&self, text: &str) -> Result<Fields, WatchError> {
        match &self.form {
            Form::Numbers => match text.parse() {
                Ok(number) => Ok(Fields::Number(number)),
                Err(_) => Err(self.refused("it is no number")),
            },
            Form::Objects => serde_json::from_str(text)
                .map(Fields::Object)
                .map_err(|error| self.refused(&format!("it is no JSON object: {error}"))),
            Form::Rows(names) => match cells(text) {
                Some(cells) if cells.len() == names.len() => Ok(Fields::Row(cells)),
                Some(cells) => Err(self.refused(&format!(
                    "it has {} fields and the header {}",
                    cells.len(),
                    names.len()
                ))),
                None => Err(self.refused("a quote has no end")),
            },
        }
    }

    /// The next line that is not empty, without blanks around it.
    fn text(&mut self) -> Result<Option<String>, WatchError> {
        loop {
            self.line.clear();
            let limit = LINE_BYTES_MAX as u64 + 1;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line);
            if read.map_err(WatchError::Read)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.line.len() > LINE_BYTES_MAX {
                self.pass_over()?;
                return Err(self.refused("it is longer than 1 MiB"));
            }
            let Ok(text) = std::str::from_utf8(&self.line) else {
                return Err(self.refused("it is not UTF-8"));
            };
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                return Ok(Some(text.to_owned()));
            }
        }
    }

    /// Goes to the end of a line that is too long.
    fn pass_over(&mut self) -> Result<(), WatchError> {
        while !self.line.ends_with(b"\n") {
            self.line.clear();
            let limit = LINE_BYTES_MAX as u64;
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.line);
            if read.map_err(WatchError::Read)? == 0 {
                break;
            }
        }
        Ok(())
    }

    fn refused(&self, reason: &str) -> WatchError {
        WatchError::Event { line: self.number, reason: reason.to_owned() }
    }

    /// Counts a line that cannot be read, or ends with the error.
    fn skip(&self, error: WatchError) -> Result<(), WatchError> {
        match self.invalid {
            Some(counts) => {
                counts.leave_out(match error {
                    WatchError::Event { reason, .. } => reason,
                    other => other.to_string(),
                });
                Ok(())
            }
            None => Err(error),
        }
    }
}

/// A number, or none for null. True is 1.
fn number_of(value: &Value) -> Result<Option<f64>, ()> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(value) => Ok(Some(f64::from(u8::from(*value)))),
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(()),
    }
}

/// The fields of a row (RFC 4180, without line breaks in fields); `None` when a quote has no end.
fn cells(line: &str) -> Option<Vec<String>> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                cell.push('"');
                letters.next();
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() => quoted = true,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    cells.push(cell);
    (!quoted).then_some(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_apart() {
        let of = |line: &str| cells(line).map(|cells| cells.join("|"));
        assert_eq!(of("a,b"), Some("a|b".to_owned()));
        assert_eq!(of("\"a,b\",\"c\"\"d\","), Some("a,b|c\"d|".to_owned()));
        assert_eq!(of("\"a"), None);
    }
}
