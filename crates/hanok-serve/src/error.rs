//! Errors of requests, in the form that Feast's clients read, and of the server itself.

use std::io;
use std::net::SocketAddr;

use hanok_error::{Code, Coded, code};
use hanok_types::ValueType;

use crate::model::ModelError;

/// A request cannot be answered. All but [`RequestError::Internal`] are the client's to cure.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON of the documented form.
    #[error("the body cannot be read: {reason}")]
    Malformed {
        /// What the parser found, with line and column.
        reason: String,
    },
    /// The body ended early or its framing is broken.
    #[error("the body did not arrive whole")]
    BodyBroken,
    /// Too many bytes.
    #[error("the body is longer than {bytes_max} bytes")]
    BodyTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// Too many entities, features or values.
    #[error("the request has more than {max} {what}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The request names neither features nor a service.
    #[error("the request has neither `features` nor a `feature_service`")]
    NoFeatures,
    /// A feature reference is not `view:feature`.
    #[error("`{reference}` is not of the form `view:feature`")]
    Reference {
        /// The reference.
        reference: String,
    },
    /// No such view.
    #[error("there is no feature view `{view}`")]
    ViewUnknown {
        /// The name.
        view: String,
    },
    /// The view has another version now.
    #[error("the feature view `{view}` has version {current}, not {asked}")]
    VersionUnknown {
        /// The view.
        view: String,
        /// The version asked for.
        asked: String,
        /// The version that is served.
        current: u32,
    },
    /// The view has no such feature.
    #[error("the feature view `{view}` has no feature `{feature}`")]
    FeatureUnknown {
        /// The view.
        view: String,
        /// The feature.
        feature: String,
    },
    /// No such service.
    #[error("there is no feature service `{service}`")]
    ServiceUnknown {
        /// The name.
        service: String,
    },
    /// Two columns of the answer would have one name.
    #[error("two features would both be called `{name}`; ask with `full_feature_names`")]
    Collision {
        /// The name.
        name: String,
    },
    /// A join key of a requested view is not among the entities.
    #[error("the join key `{join_key}` of the feature view `{view}` is missing from `entities`")]
    JoinKeyMissing {
        /// The join key, after the service's map.
        join_key: String,
        /// The view.
        view: String,
    },
    /// Entity lists of different lengths.
    #[error("the list of `{join_key}` has {found} values, that of `{first}` has {expected}")]
    Lengths {
        /// The first list.
        first: String,
        /// Its length.
        expected: usize,
        /// The list that differs.
        join_key: String,
        /// Its length.
        found: usize,
    },
    /// An entity value of another type.
    #[error("value {row} of the join key `{join_key}` is {found}, not of type {expected}")]
    EntityType {
        /// The join key.
        join_key: String,
        /// Position in its list, from 0.
        row: usize,
        /// What it is.
        found: &'static str,
        /// The join key's type.
        expected: ValueType,
    },
    /// A key longer than any stored one.
    #[error("the entity in row {row} has a key of more than {bytes_max} bytes")]
    EntityTooLong {
        /// Position, from 0.
        row: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The body took too long.
    #[error("the body did not arrive within {timeout_ms} ms")]
    Timeout {
        /// The limit.
        timeout_ms: u64,
    },
    /// No such address.
    #[error("there is nothing at {method} {path}")]
    Route {
        /// The method.
        method: String,
        /// The path, shortened.
        path: String,
    },
    /// The address takes another method.
    #[error("{path} does not take {method}")]
    Method {
        /// The method.
        method: String,
        /// The path, shortened.
        path: String,
    },
    /// A request to a model that its own rules refuse.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A fault of the server.
    #[error("the server failed to put its answer together")]
    Internal,
}

impl RequestError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::BodyBroken | Self::NoFeatures | Self::Reference { .. } => 400,
            Self::ViewUnknown { .. }
            | Self::VersionUnknown { .. }
            | Self::FeatureUnknown { .. }
            | Self::ServiceUnknown { .. }
            | Self::Route { .. } => 404,
            Self::Method { .. } => 405,
            Self::Timeout { .. } => 408,
            Self::BodyTooLarge { .. } | Self::TooMany { .. } => 413,
            Self::Collision { .. }
            | Self::JoinKeyMissing { .. }
            | Self::Lengths { .. }
            | Self::EntityType { .. }
            | Self::EntityTooLong { .. } => 422,
            Self::Model(error) => error.status(),
            Self::Internal => 500,
        }
    }

    /// The class of `feast.errors` that Feast's client raises for it.
    fn feast_class(&self) -> &'static str {
        match self {
            Self::ViewUnknown { .. } => "FeatureViewNotFoundException",
            Self::VersionUnknown { .. } => "FeatureViewVersionNotFound",
            Self::ServiceUnknown { .. } => "FeatureServiceNotFoundException",
            Self::FeatureUnknown { .. } => "SpecifiedFeaturesNotPresentError",
            Self::Collision { .. } => "FeatureNameCollisionError",
            _ => "FeastError",
        }
    }

    /// The body of the answer: a JSON string that holds a JSON object, as Feast's client expects it.
    pub fn feast_body(&self) -> Vec<u8> {
        let detail = serde_json::json!({
            "module": "feast.errors",
            "class": self.feast_class(),
            "message": format!("{}: {self}", self.code()),
        });
        serde_json::Value::String(detail.to_string()).to_string().into_bytes()
    }

    /// The body of an answer at an address that Feast does not have: `{"code", "message"}`, and `hint` if there is one.
    pub fn plain_body(&self) -> Vec<u8> {
        let mut body = serde_json::json!({ "code": self.code().to_string(), "message": self.to_string() });
        if let Some(hint) = self.hint() {
            body["hint"] = hint.into();
        }
        body.to_string().into_bytes()
    }
}

impl Coded for RequestError {
    fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } | Self::BodyBroken | Self::NoFeatures | Self::Reference { .. } => {
                code::REQUEST_MALFORMED
            }
            Self::BodyTooLarge { .. } | Self::TooMany { .. } => code::REQUEST_TOO_LARGE,
            Self::ViewUnknown { .. }
            | Self::VersionUnknown { .. }
            | Self::FeatureUnknown { .. }
            | Self::ServiceUnknown { .. }
            | Self::Route { .. }
            | Self::Method { .. } => code::REQUEST_NOT_FOUND,
            Self::Collision { .. }
            | Self::JoinKeyMissing { .. }
            | Self::Lengths { .. }
            | Self::EntityType { .. }
            | Self::EntityTooLong { .. } => code::REQUEST_ENTITIES,
            Self::Timeout { .. } => code::REQUEST_TIMEOUT,
            Self::Model(error) => error.code(),
            Self::Internal => code::SERVE_INTERNAL,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Model(error) => error.hint(),
            _ => None,
        }
    }
}

/// The server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The refusal.
        source: io::Error,
    },
    /// A worker thread or its runtime cannot be started.
    #[error("a worker cannot be started: {source}")]
    Worker {
        /// The refusal.
        source: io::Error,
    },
}

impl Coded for ServeError {
    fn code(&self) -> Code {
        match self {
            Self::Listen { .. } => code::SERVE_LISTEN,
            Self::Worker { .. } => code::SERVE_INTERNAL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_a_json_string_with_feasts_three_fields() {
        let error = RequestError::ViewUnknown { view: "a\"b".into() };
        let outer: String = serde_json::from_slice(&error.feast_body()).unwrap();
        let inner: serde_json::Value = serde_json::from_str(&outer).unwrap();
        assert_eq!(inner["module"], "feast.errors");
        assert_eq!(inner["class"], "FeatureViewNotFoundException");
        assert_eq!(inner["message"], "HK0804: there is no feature view `a\"b`");
    }
}
