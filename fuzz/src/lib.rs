//! What the fuzz targets of the point-in-time join share: joins made of any bytes, and their answers by trying every
//! feature row for every entity row.

#[expect(dead_code, reason = "the tests there use more of it")]
#[path = "../../crates/hanok-pit/tests/it/fixture.rs"]
mod fixture;

mod brute_force;
mod case;
mod input;
mod run;

pub use case::Case;
pub use input::Input;
pub use run::{Damage, check, run_damaged};
