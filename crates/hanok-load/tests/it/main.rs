//! Reading and loading, from the outside.

mod read;
mod support;
