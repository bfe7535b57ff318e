//! HK08xx: the feature server.

codes! { CODES:
}
