//! HK07xx: the online store.

codes! { CODES:
}
