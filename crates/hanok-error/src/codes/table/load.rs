//! HK03xx: loading sources.

codes! { CODES:
}
