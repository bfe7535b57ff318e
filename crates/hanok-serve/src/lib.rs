//! hanok-serve
