//! A request to a model, parsed in one pass: values, entities, or both.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use hashbrown::HashMap;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::error::ModelError;
use crate::error::RequestError;
use crate::options::Limits;
use crate::request::{Exceeded, ListSeed, Request, RequestSeed, Text};

/// The body of `POST /predict/MODEL` and `POST /explain/MODEL`.
#[derive(Debug, Default)]
pub(crate) struct ModelRequest<'a> {
    /// Values that the request brings.
    pub values: Option<Values<'a>>,
    /// What is looked up in the store; without names of features, what the model needs.
    pub store: Option<Request<'a>>,
    /// How many reasons an explanation gives; all when not said.
    pub top_k: Option<usize>,
}

/// Rows of numbers.
#[derive(Debug, Default)]
pub(crate) struct Values<'a> {
    /// What they are named, if they are.
    pub columns: Option<Vec<Cow<'a, str>>>,
    /// Row after row; NaN where there is null.
    pub cells: Vec<f64>,
    /// How many rows.
    pub rows: usize,
    /// Values of a row; those of the columns when there are no rows.
    pub width: usize,
}

/// Parses a body.
pub(crate) fn parse<'a>(body: &'a [u8], limits: &Limits) -> Result<ModelRequest<'a>, RequestError> {
    let (exceeded, wrong) = (Exceeded::default(), RefCell::default());
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let seed = Seed { list: RequestSeed { limits, exceeded: &exceeded }, wrong: &wrong };
    let parsed = seed.deserialize(&mut deserializer).and_then(|request| deserializer.end().map(|()| request));
    parsed.map_err(|error| match (exceeded.get(), wrong.take()) {
        (Some((what, max)), _) => RequestError::TooMany { what, max },
        (None, Some(wrong)) => wrong.into(),
        (None, None) => ModelError::Malformed { reason: error.to_string() }.into(),
    })
}

/// The entry point of the fuzz target of requests to models: parses `body` and forgets it.
#[doc(hidden)]
pub fn fuzz_model_request(body: &[u8]) {
    let limits = Limits { entities_max: 1_000, ..Limits::default() };
    if let Ok(ModelRequest { values: Some(values), .. }) = parse(body, &limits) {
        assert!(values.rows <= limits.entities_max);
        assert_eq!(values.cells.len(), values.rows * values.width);
    }
}

#[derive(Clone, Copy)]
struct Seed<'l> {
    list: RequestSeed<'l>,
    /// A mistake that has a name, behind the parser's back.
    wrong: &'l RefCell<Option<ModelError>>,
}

impl Seed<'_> {
    fn fail<E: serde::de::Error>(self, error: ModelError) -> E {
        let text = E::custom(&error);
        *self.wrong.borrow_mut() = Some(error);
        text
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = ModelRequest<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<ModelRequest<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = ModelRequest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `columns` and `rows`, `instances`, or `entities`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ModelRequest<'de>, A::Error> {
        let mut request = ModelRequest::default();
        let mut store = Request { full_feature_names: true, ..Request::default() };
        let mut parts = Parts::default();
        let mut entities = false;
        while let Some(Text(field)) = map.next_key()? {
            match &*field {
                field if store.read_field(self.list, field, &mut map, &mut entities)? => {}
                "top_k" => request.top_k = map.next_value()?,
                // MLflow's name for columns and rows in an object of their own.
                "dataframe_split" => map.next_value_seed(SplitSeed(self, &mut parts))?,
                field if !parts.read(self, field, &mut map)? => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {}
            }
        }
        request.values = parts.finish(self)?;
        if !entities && (!store.features.is_empty() || store.feature_service.is_some()) {
            return Err(A::Error::custom("`entities` is missing"));
        }
        request.store = entities.then_some(store);
        if request.values.is_none() && request.store.is_none() {
            return Err(A::Error::custom("neither `rows`, `instances` nor `entities`"));
        }
        Ok(request)
    }
}

/// The parts of [`Values`], which come in any order.
#[derive(Default)]
struct Parts<'a> {
    columns: Option<Vec<Cow<'a, str>>>,
    values: Option<Values<'a>>,
}

impl<'de> Parts<'de> {
    /// Reads a field of values; false when it is none, and its value is still to be read.
    fn read<A: MapAccess<'de>>(
        &mut self,
        seed: Seed<'_>,
        field: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let values = match field {
            "columns" if self.columns.is_some() => return Err(A::Error::custom("`columns` occurs twice")),
            "columns" => {
                self.columns = Some(map.next_value_seed(ListSeed::<Text<'de>>::new(seed.list, "columns"))?);
                return Ok(true);
            }
            "rows" | "data" | "instances" | "dataframe_records" => map.next_value_seed(RowsSeed(seed))?,
            _ => return Ok(false),
        };
        if self.values.replace(values).is_some() {
            return Err(A::Error::custom("values occur twice"));
        }
        Ok(true)
    }

    fn finish<E: serde::de::Error>(self, seed: Seed<'_>) -> Result<Option<Values<'de>>, E> {
        match (self.columns, self.values) {
            (None, values) => Ok(values),
            (Some(_), None) => Err(E::custom("`columns` without `rows`")),
            (Some(_), Some(Values { columns: Some(_), .. })) => {
                Err(E::custom("`columns` beside values with names"))
            }
            (Some(columns), Some(mut values)) => {
                let (found, expected) = (values.width, columns.len());
                if values.rows > 0 && found != expected {
                    return Err(seed.fail(ModelError::Width { row: 0, found, expected }));
                }
                (values.columns, values.width) = (Some(columns), expected);
                Ok(Some(values))
            }
        }
    }
}

/// `{"columns": […], "data": [[…]]}`.
struct SplitSeed<'l, 'p, 'de>(Seed<'l>, &'p mut Parts<'de>);

impl<'de> DeserializeSeed<'de> for SplitSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SplitSeed<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `columns` and `data`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(field)) = map.next_key()? {
            if !self.1.read(self.0, &field, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A list of rows: of lists of numbers, or of objects of numbers.
struct RowsSeed<'l>(Seed<'l>);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_> {
    type Value = Values<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Values<'de>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_> {
    type Value = Values<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values<'de>, A::Error> {
        let max = self.0.list.limits.entities_max;
        let mut reader = RowReader::default();
        while list.next_element_seed(RowSeed(self.0, &mut reader))?.is_some() {
            if reader.values.rows > max {
                return Err(self.0.list.too_many("rows", max));
            }
        }
        Ok(reader.values)
    }
}

/// What is known of the rows so far.
#[derive(Default)]
struct RowReader<'a> {
    values: Values<'a>,
    /// Where each column is, once names have come in another order than before.
    places: HashMap<Cow<'a, str>, usize>,
    /// By column, the last row that had it, counted from 1.
    seen: Vec<usize>,
}

impl RowReader<'_> {
    /// The place of a name of a later row; `guess` is right when the order is that of the first row.
    fn place(&mut self, name: &str, guess: usize) -> Option<usize> {
        let columns = self.values.columns.as_deref().unwrap_or_default();
        if columns.get(guess).is_some_and(|column| *column == name) {
            return Some(guess);
        }
        if self.places.is_empty() {
            self.places = columns.iter().cloned().zip(0..).collect();
        }
        self.places.get(name).copied()
    }
}

struct RowSeed<'l, 'r, 'de>(Seed<'l>, &'r mut RowReader<'de>);

impl<'de> DeserializeSeed<'de> for RowSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for RowSeed<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: a list or an object of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self(seed, reader) = self;
        let values = &mut reader.values;
        if values.columns.is_some() {
            return Err(A::Error::custom("a list among objects"));
        }
        let (row, start) = (values.rows, values.cells.len());
        while let Some(cell) = list.next_element::<Cell>()? {
            match cell {
                Cell::Number(value) => values.cells.push(value),
                Cell::Other(found) => {
                    let column = (values.cells.len() - start).to_string();
                    return Err(seed.fail(ModelError::Value { row, column, found }));
                }
            }
        }
        let found = values.cells.len() - start;
        if row == 0 {
            values.width = found;
        } else if values.width != found {
            return Err(seed.fail(ModelError::Width { row, found, expected: values.width }));
        }
        values.rows += 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(seed, reader) = self;
        let (row, start) = (reader.values.rows, reader.values.cells.len());
        let is_first = row == 0;
        if is_first {
            reader.values.columns = Some(Vec::new());
        } else if reader.values.columns.is_none() {
            return Err(A::Error::custom("an object among lists"));
        } else {
            reader.values.cells.resize(start + reader.values.width, f64::NAN);
        }
        let mut found = 0;
        while let Some((Text(name), cell)) = map.next_entry::<Text<'de>, Cell>()? {
            let value = match cell {
                Cell::Number(value) => value,
                Cell::Other(found) => {
                    return Err(seed.fail(ModelError::Value { row, column: format!("`{name}`"), found }));
                }
            };
            if is_first {
                // Names that occur twice are found when they are matched to the model's.
                reader.values.columns.get_or_insert_default().push(name);
                reader.values.cells.push(value);
                reader.seen.push(1);
            } else {
                let place = reader.place(&name, found);
                let place =
                    place.ok_or_else(|| seed.fail(ModelError::Instance { row, column: name.to_string() }))?;
                if std::mem::replace(&mut reader.seen[place], row + 1) == row + 1 {
                    return Err(seed.fail(ModelError::ColumnTwice { column: name.into_owned() }));
                }
                reader.values.cells[start + place] = value;
            }
            found += 1;
        }
        if is_first {
            reader.values.width = found;
        } else if let Some(missing) = reader.seen.iter().position(|seen| *seen != row + 1) {
            let column = reader.values.columns.as_deref().unwrap_or_default()[missing].to_string();
            return Err(seed.fail(ModelError::Instance { row, column }));
        }
        reader.values.rows += 1;
        Ok(())
    }
}

/// A value: a number, null (NaN), a boolean (0 or 1), or a number that JSON lacks, as a string; this is how the server's own answers
/// write those.
enum Cell {
    Number(f64),
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&RawValue>::deserialize(deserializer)?.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Number(f64::NAN),
            Some(b't') => Self::Number(1.0),
            Some(b'f') => Self::Number(0.0),
            Some(b'"') => match text {
                "\"NaN\"" => Self::Number(f64::NAN),
                "\"Infinity\"" => Self::Number(f64::INFINITY),
                "\"-Infinity\"" => Self::Number(f64::NEG_INFINITY),
                _ => Self::Other("a string"),
            },
            Some(b'[') => Self::Other("a list"),
            Some(b'{') => Self::Other("an object"),
            // serde_json's own conversion can be off by a unit in the last place, which is enough for another branch of a tree.
            _ => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Self::Number(value),
                _ => Self::Other("beyond the range of numbers"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_to_the_last_bit(rows in proptest::collection::vec([any::<f64>(), any::<f64>()], 0..5)) {
            let text = |value: &f64| if value.is_finite() { format!("{value:?}") } else { "null".to_owned() };
            let row = |row: &[f64; 2]| format!("[{},{}]", text(&row[0]), text(&row[1]));
            let body = format!("{{\"rows\":[{}]}}", rows.iter().map(row).collect::<Vec<_>>().join(" , "));
            let values = parse(body.as_bytes(), &Limits::default()).unwrap().values.unwrap();
            prop_assert_eq!(values.rows, rows.len());
            for (found, value) in values.cells.iter().zip(rows.iter().flatten()) {
                prop_assert!(found.to_bits() == value.to_bits() || !value.is_finite() && found.is_nan());
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_model_request(&body);
        }

        #[test]
        fn mutated_requests_never_panic(at in 0usize..400, value: u8, cut in 0usize..500) {
            let mut body = br#"{"columns":["a","b"],"rows":[[1.5,null],[-2e3,"NaN"]],"instances":[{"a":1,"b":2},{"b":true,"a":0}],
                "entities":{"driver_id":[1001,"a"]},"features":["fv:f"],"top_k":3,"dataframe_split":{"data":[[1]]}}"#.to_vec();
            let length = body.len();
            body[at % length] = value;
            body.truncate(cut);
            fuzz_model_request(&body);
        }
    }
}
