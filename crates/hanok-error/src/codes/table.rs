//! One submodule a room; a new code goes at the end of its room.

use super::CodeInfo;

macro_rules! rooms {
    ($($module:ident),*) => {
        $(mod $module; pub use $module::*;)*
        pub(crate) const ROOMS: &[&[CodeInfo]] = &[$($module::CODES),*];
    };
}

rooms!(
    project, catalog, lake, load, query, transform, features, online, serve, cli, pit, mask, staging,
    publish, chart, ensemble, infer, explain, drift
);
