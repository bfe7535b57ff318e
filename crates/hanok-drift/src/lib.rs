//! Drift statistics and verdicts. Arrow in, values out.
//!
//! [`compare`] takes two tables and says of each column what each side has ([`Profile`]), how far the sides are apart in each
//! [`Aspect`], and whether that matters ([`Verdict`]): an effect beyond its threshold that chance does not explain, with p-values
//! adjusted for all tests together. [`compare_columns`] does the same with columns that are read one by one. [`peers`] repeats the
//! defaults of other libraries; [`profile`] keeps what a table has without its rows, and compares that; [`stream`] has detectors
//! that look at values one after another, [`multivariate`] what no single column shows, [`classifier`] whether rows of the sides
//! can be told apart, [`course`] what happens over time and since when, and [`outputs`] what predictions say: of one model, of
//! two on the same rows, with labels and without.
//!
//! Must not exist here: files, sockets, async, catalogs, charts.

#![expect(
    clippy::float_cmp,
    clippy::many_single_char_names,
    reason = "ties are equal bits; n, m, p and q are what the statistics are written with"
)]

mod aspects;
mod bins;
mod categories;
pub mod classifier;
mod codes;
mod column;
mod compare;
mod contingency;
pub mod course;
mod divergence;
mod error;
mod kolmogorov;
mod measure;
pub mod multivariate;
mod numeric;
pub mod outputs;
pub mod peers;
pub mod profile;
mod rank;
mod ranks;
mod shape;
mod sort;
mod special;
pub mod stream;
mod text;
pub mod threads;
mod trees;
mod vectors;
mod verdict;

pub use column::Kind;
pub use compare::{Aspect, Categories, Column, Pair, Profile, Report, What, compare, compare_columns};
pub use error::CompareError;
pub use measure::{Measure, Statistic};
pub use rank::Ranked;
pub use shape::Shape;
pub use verdict::{Effect, Options, Verdict, benjamini_hochberg};
