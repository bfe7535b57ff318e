//! hanok-transform
