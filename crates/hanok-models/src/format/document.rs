//! A parsed document, and walking in it with the path that errors name.

use crate::error::ReadError;

/// A value of a JSON or UBJSON document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Null.
    Null,
    /// True or false.
    Bool(bool),
    /// Any number. Integers beyond 2⁵³ occur in no model.
    Number(f64),
    /// Text.
    Text(String),
    /// An array of nothing but numbers, at least one: models are mostly these.
    Numbers(Vec<f64>),
    /// Any other array.
    Array(Vec<Value>),
    /// An object, in the order of the document.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The array of some values.
    pub(super) fn array(values: Vec<Value>) -> Value {
        let number = |value: &Value| if let Value::Number(number) = value { Some(*number) } else { None };
        match values.iter().map(number).collect::<Option<Vec<f64>>>() {
            Some(numbers) if !numbers.is_empty() => Value::Numbers(numbers),
            _ => Value::Array(values),
        }
    }
}

/// A value with the way to it.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    value: &'a Value,
    parent: Option<&'a Part<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Part<'a> {
    /// The whole document.
    pub(super) fn root(value: &'a Value) -> Part<'a> {
        Part { value, parent: None, step: Step::Key("$") }
    }

    /// Path of this part, e.g. `$.learner.trees[3]`.
    pub(super) fn path(&self) -> String {
        let mut path = self.parent.map(Part::path).unwrap_or_default();
        match self.step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.push_str(&format!(".{key}")),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
        path
    }

    /// The error that this part is wrong.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> ReadError {
        ReadError::Part { path: self.path(), problem: problem.into() }
    }

    /// The error that this part asks for something that is not exact here.
    pub(super) fn unsupported(&self, what: impl Into<String>) -> ReadError {
        ReadError::Unsupported { path: self.path(), what: what.into() }
    }

    /// The member of an object, if there is one and it is not null.
    pub(super) fn find<'b>(&'b self, key: &'b str) -> Option<Part<'b>> {
        let Value::Object(members) = self.value else { return None };
        let (_, value) = members.iter().find(|(name, value)| name == key && *value != Value::Null)?;
        Some(Part { value, parent: Some(self), step: Step::Key(key) })
    }

    /// The member of an object.
    pub(super) fn get<'b>(&'b self, key: &'b str) -> Result<Part<'b>, ReadError> {
        self.find(key).ok_or_else(|| self.wrong(format!("`{key}` is missing")))
    }

    /// The members of an object.
    pub(super) fn members(&self) -> Result<impl Iterator<Item = (&'a str, Part<'_>)>, ReadError> {
        let Value::Object(members) = self.value else { return Err(self.wrong("this is no object")) };
        let part = |(key, value): &'a (String, Value)| {
            (key.as_str(), Part { value, parent: Some(self), step: Step::Key(key) })
        };
        Ok(members.iter().map(part))
    }

    /// The elements of an array that is not one of numbers.
    pub(super) fn elements(&self) -> Result<impl Iterator<Item = Part<'_>>, ReadError> {
        let Value::Array(values) = self.value else { return Err(self.wrong("this is no array of parts")) };
        let part = |(index, value)| Part { value, parent: Some(self), step: Step::Index(index) };
        Ok(values.iter().enumerate().map(part))
    }

    /// An array of numbers, which may be empty.
    pub(super) fn numbers(&self) -> Result<&'a [f64], ReadError> {
        match self.value {
            Value::Numbers(numbers) => Ok(numbers),
            Value::Array(values) if values.is_empty() => Ok(&[]),
            _ => Err(self.wrong("this is no array of numbers")),
        }
    }

    /// An array of numbers as long as another.
    pub(super) fn numbers_of(&self, length: usize) -> Result<&'a [f64], ReadError> {
        let numbers = self.numbers()?;
        if numbers.len() != length {
            return Err(self.wrong(format!("{} numbers where {length} are needed", numbers.len())));
        }
        Ok(numbers)
    }

    /// An array of texts, which may be empty.
    pub(super) fn texts(&self) -> Result<Vec<String>, ReadError> {
        self.elements()?.map(|part| part.text().map(str::to_owned)).collect()
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str, ReadError> {
        if let Value::Text(text) = self.value { Ok(text) } else { Err(self.wrong("this is no text")) }
    }

    /// A number, also one written as text, as XGBoost does.
    pub(super) fn number(&self) -> Result<f64, ReadError> {
        match self.value {
            Value::Number(number) => Ok(*number),
            Value::Bool(value) => Ok(f64::from(u8::from(*value))),
            Value::Text(text) => text.trim().parse().map_err(|_| self.wrong("this text is no number")),
            _ => Err(self.wrong("this is no number")),
        }
    }

    /// A count or an index, also one written as text.
    pub(super) fn count(&self) -> Result<usize, ReadError> {
        index(self.number()?).ok_or_else(|| self.wrong("this is no count"))
    }

    /// Numbers that are indices, as long as another array.
    pub(super) fn indices_of(&self, length: usize) -> Result<Vec<usize>, ReadError> {
        let wrong = |at: usize| self.wrong(format!("element {at} is no index"));
        let numbers = self.numbers_of(length)?;
        numbers.iter().enumerate().map(|(at, n)| index(*n).ok_or_else(|| wrong(at))).collect()
    }
}

/// A number as an index, when it is one.
pub(super) fn index(number: f64) -> Option<usize> {
    (number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as usize)
}
