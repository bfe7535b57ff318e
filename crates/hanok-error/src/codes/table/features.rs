//! HK06xx: feature definitions, training sets and materialisation.

codes! { CODES:
}
