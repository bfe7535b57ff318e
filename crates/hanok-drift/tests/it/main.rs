//! Comparisons through the public surface.

mod draws;
mod kinds;
mod null;
mod properties;
mod tables;
