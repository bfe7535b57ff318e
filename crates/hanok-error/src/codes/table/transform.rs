//! HK05xx: models.

codes! { CODES:
}
