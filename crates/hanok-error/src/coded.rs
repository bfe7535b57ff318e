//! The trait of errors that people can meet.

use crate::Code;

/// An error with a stable code.
///
/// `Display` of an implementor is a lowercase fragment that fits "failed to …: {error}".
pub trait Coded: std::error::Error {
    /// The stable code, from [`crate::code`].
    fn code(&self) -> Code;

    /// What to do about this very error, when the data in the variant allows better advice than the code's page.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Where it happened, e.g. `models/marts/carrier.sql:12`, when it is not part of the message.
    fn place(&self) -> Option<String> {
        None
    }
}
