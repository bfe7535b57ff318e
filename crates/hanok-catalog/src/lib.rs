//! hanok-catalog
