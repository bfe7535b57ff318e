//! Reading and loading, from the outside.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as the tests do")]
#![expect(
    clippy::format_push_string,
    clippy::needless_for_each,
    reason = "the plainest way to make up files"
)]

mod kill;
mod load;
mod read;
mod support;
