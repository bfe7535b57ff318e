//! hanok-load
