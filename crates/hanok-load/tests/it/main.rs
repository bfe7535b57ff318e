//! Reading and loading, from the outside.

mod kill;
mod load;
mod read;
mod support;
