//! HK04xx: SQL.

codes! { CODES:
}
