//! What makes a staging branch safe: treatments of personal columns, synthetic tables, a measure of the remaining risk and
//! guesses of what is personal. Arrow in, Arrow out.
//!
//! Everything is a function of its input and a [`Key`]: the same branch key gives the same masked lake on every machine of
//! one kind, whatever the batches, and nothing without the key says which original a value had. What masking cannot do is
//! said where it is asked for: a kept column stays readable, equal values stay equal, and order and counts tell much.
//!
//! Must not exist here: files, sockets, async, catalogs, randomness or time of the system; original values in messages.

pub mod detect;
mod error;
mod fake;
mod ff1;
mod fpe;
mod generalise;
mod group;
mod hash;
mod hmac;
mod key;
mod masker;
mod noise;
mod period;
mod permute;
mod resident;
pub mod risk;
mod rows;
mod shuffle;
pub mod synthetic;
mod text;
pub mod treatment;

pub use error::MaskError;
pub use key::Key;
pub use masker::{Masker, apply};
pub use rows::RowIds;
pub use treatment::Treatment;
