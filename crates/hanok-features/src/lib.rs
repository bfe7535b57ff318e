//! hanok-features
