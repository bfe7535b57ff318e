//! HK10xx: the point-in-time join.

codes! { CODES:
}
