//! The request: parsed in one pass, borrowing from the body.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::error::RequestError;
use crate::options::Limits;

/// Most entity columns of a request; a view has at most 16 join keys.
const ENTITY_COLUMNS_MAX: usize = 256;
/// Most named columns of values for a model.
const VALUE_COLUMNS_MAX: usize = 100_000;

/// `POST /get-online-features`.
#[derive(Debug, Default)]
pub(crate) struct Request<'a> {
    /// Entity columns in the order of the request.
    pub entities: Vec<(Cow<'a, str>, Vec<Scalar<'a>>)>,
    pub features: Vec<Cow<'a, str>>,
    pub feature_service: Option<Cow<'a, str>>,
    pub full_feature_names: bool,
    pub version_metadata: bool,
}

/// One entity value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 signed bits.
    LargeInt,
    Float(f64),
    Text(Cow<'a, str>),
    /// A list or an object.
    Nested,
}

impl Scalar<'_> {
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::LargeInt => "an integer beyond 64 bits",
            Self::Float(_) => "a number with a fraction",
            Self::Text(_) => "a string",
            Self::Nested => "a list or an object",
        }
    }
}

/// Parses a body.
pub(crate) fn parse<'a>(body: &'a [u8], limits: &Limits) -> Result<Request<'a>, RequestError> {
    let exceeded = Cell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let seed = RequestSeed { limits, exceeded: &exceeded };
    let parsed = seed.deserialize(&mut deserializer).and_then(|request| deserializer.end().map(|()| request));
    parsed.map_err(|error| match exceeded.get() {
        Some((what, max)) => RequestError::TooMany { what, max },
        None => RequestError::Malformed { reason: error.to_string() },
    })
}

/// The entry point of the request parser's fuzz target: parses `body` and forgets it.
#[doc(hidden)]
pub fn fuzz_request(body: &[u8]) {
    let limits = Limits { entities_max: 1_000, features_max: 100, ..Limits::default() };
    if let Ok(request) = parse(body, &limits) {
        assert!(request.features.len() <= limits.features_max);
        assert!(request.entities.iter().all(|(_, values)| values.len() <= limits.entities_max));
    }
}

pub(crate) type Exceeded = Cell<Option<(&'static str, usize)>>;

/// What all parts of a request are read with.
#[derive(Clone, Copy)]
pub(crate) struct RequestSeed<'l> {
    pub limits: &'l Limits,
    /// Which limit was exceeded, behind the parser's back.
    pub exceeded: &'l Exceeded,
}

impl RequestSeed<'_> {
    pub(crate) fn too_many<E: serde::de::Error>(self, what: &'static str, max: usize) -> E {
        self.exceeded.set(Some((what, max)));
        E::custom("too many")
    }
}

impl<'de> DeserializeSeed<'de> for RequestSeed<'_> {
    type Value = Request<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Request<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RequestSeed<'_> {
    type Value = Request<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `entities` and `features` or `feature_service`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Request<'de>, A::Error> {
        let mut request = Request::default();
        let mut entities = false;
        while let Some(Text(field)) = map.next_key()? {
            match &*field {
                field if request.read_field(self, field, &mut map, &mut entities)? => {}
                "full_feature_names" => {
                    request.full_feature_names = map.next_value::<Option<bool>>()?.unwrap_or(false);
                }
                "include_feature_view_version_metadata" => {
                    request.version_metadata = map.next_value::<Option<bool>>()?.unwrap_or(false);
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if entities { Ok(request) } else { Err(A::Error::custom("`entities` is missing")) }
    }
}

impl<'de> Request<'de> {
    /// Reads a field that says what to look up; false for other fields, whose value is then still to be read. `entities`
    /// says whether that one has been there.
    pub(crate) fn read_field<A: MapAccess<'de>>(
        &mut self,
        seed: RequestSeed<'_>,
        field: &str,
        map: &mut A,
        entities: &mut bool,
    ) -> Result<bool, A::Error> {
        match field {
            "entities" if *entities => return Err(A::Error::custom("`entities` occurs twice")),
            "entities" => {
                *entities = true;
                self.entities = map.next_value_seed(EntitiesSeed(seed))?;
            }
            "features" => {
                self.features = map.next_value_seed(ListSeed::<Text<'de>>::new(seed, "features"))?;
            }
            "feature_service" => {
                self.feature_service = map.next_value::<Option<Text<'de>>>()?.map(|text| text.0);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The object `entities`.
pub(crate) struct EntitiesSeed<'l>(pub RequestSeed<'l>);

impl<'de> DeserializeSeed<'de> for EntitiesSeed<'_> {
    type Value = Vec<(Cow<'de, str>, Vec<Scalar<'de>>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntitiesSeed<'_> {
    type Value = Vec<(Cow<'de, str>, Vec<Scalar<'de>>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of lists, one a join key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entities: Self::Value = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            if entities.len() == ENTITY_COLUMNS_MAX {
                return Err(self.0.too_many("entity columns", ENTITY_COLUMNS_MAX));
            }
            if entities.iter().any(|(other, _)| *other == name) {
                return Err(A::Error::custom(format_args!("the entity `{name}` occurs twice")));
            }
            let values = map.next_value_seed(ListSeed::<Scalar<'de>>::new(self.0, "entities"))?;
            entities.push((name, values));
        }
        Ok(entities)
    }
}

/// A list of limited length; features may also be null.
pub(crate) struct ListSeed<'l, T> {
    request: RequestSeed<'l>,
    what: &'static str,
    marker: std::marker::PhantomData<T>,
}

impl<'l, T> ListSeed<'l, T> {
    pub(crate) fn new(request: RequestSeed<'l>, what: &'static str) -> Self {
        Self { request, what, marker: std::marker::PhantomData }
    }

    fn max(&self) -> usize {
        match self.what {
            "features" => self.request.limits.features_max,
            "columns" => VALUE_COLUMNS_MAX,
            _ => self.request.limits.entities_max,
        }
    }
}

/// What a [`ListSeed`] makes of its elements.
pub(crate) trait Element<'de>: Deserialize<'de> {
    type Kept;
    fn keep(self) -> Self::Kept;
    /// What a null in place of the list means.
    const NULL_IS_EMPTY: bool;
}

impl<'de> Element<'de> for Text<'de> {
    type Kept = Cow<'de, str>;
    fn keep(self) -> Cow<'de, str> {
        self.0
    }
    const NULL_IS_EMPTY: bool = true;
}

impl<'de> Element<'de> for Scalar<'de> {
    type Kept = Self;
    fn keep(self) -> Self {
        self
    }
    const NULL_IS_EMPTY: bool = false;
}

impl<'de, T: Element<'de>> DeserializeSeed<'de> for ListSeed<'_, T> {
    type Value = Vec<T::Kept>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Element<'de>> Visitor<'de> for ListSeed<'_, T> {
    type Value = Vec<T::Kept>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.what)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        if T::NULL_IS_EMPTY {
            Ok(Vec::new())
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Unit, &self))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let max = self.max();
        let mut values = Vec::new();
        while let Some(value) = list.next_element::<T>()? {
            if values.len() == max {
                return Err(self.request.too_many(self.what, max));
            }
            values.push(value.keep());
        }
        Ok(values)
    }
}

/// A string, borrowed unless it has escapes.
pub(crate) struct Text<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an entity value")
            }

            fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Int(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
                Ok(i64::try_from(value).map_or(Scalar::LargeInt, Scalar::Int))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Float(value))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Nested)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"entities":{"driver_id":[1001,"a\u0041",-7,1.5,null,true,[1],18446744073709551615]},
        "features":["fv:f","fv:g"],"feature_service":null,"full_feature_names":true,
        "include_feature_view_version_metadata":false,"later_addition":{"x":[1,2]}}"#;

    #[test]
    fn every_field_is_read_and_unknown_ones_are_skipped() {
        let request = parse(GOOD.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(request.features, ["fv:f", "fv:g"]);
        assert!(request.full_feature_names && request.feature_service.is_none() && !request.version_metadata);
        let (name, values) = &request.entities[0];
        assert_eq!(name, "driver_id");
        assert_eq!(values[..2], [Scalar::Int(1001), Scalar::Text("aA".into())]);
        assert_eq!(
            values[3..],
            [Scalar::Float(1.5), Scalar::Null, Scalar::Bool(true), Scalar::Nested, Scalar::LargeInt]
        );
    }

    #[test]
    fn limits_and_mistakes_are_told_apart() {
        let limits = Limits { entities_max: 2, features_max: 1, ..Limits::default() };
        let parse = |body: &str| parse(body.as_bytes(), &limits).map(|_| ());
        assert!(matches!(
            parse(r#"{"entities":{"k":[1,2,3]}}"#),
            Err(RequestError::TooMany { what: "entities", max: 2 })
        ));
        assert!(matches!(
            parse(r#"{"entities":{"k":[1]},"features":["a:b","a:c"]}"#),
            Err(RequestError::TooMany { what: "features", max: 1 })
        ));
        for body in [
            "",
            "[]",
            "{",
            r#"{"features":["a:b"]}"#,
            r#"{"entities":[]}"#,
            r#"{"entities":{"k":null}}"#,
            r#"{"entities":{"k":1}}"#,
            r#"{"entities":{"k":[1]},"entities":{"k":[1]}}"#,
            r#"{"entities":{"k":[1],"k":[2]}}"#,
            r#"{"entities":{"k":[1]},"features":[1]}"#,
            r#"{"entities":{"k":[1]},"full_feature_names":"yes"}"#,
            r#"{"entities":{"k":[1]}} trailing"#,
        ] {
            assert!(matches!(parse(body), Err(RequestError::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let body = format!(r#"{{"entities":{{"k":[{}"#, "[".repeat(100_000));
        assert!(matches!(parse(body.as_bytes(), &Limits::default()), Err(RequestError::Malformed { .. })));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            fuzz_request(&body);
        }

        #[test]
        fn mutated_requests_never_panic(at in 0usize..400, value: u8, cut in 0usize..500) {
            let mut body = GOOD.as_bytes().to_vec();
            let length = body.len();
            body[at % length] = value;
            body.truncate(cut);
            fuzz_request(&body);
        }
    }
}
