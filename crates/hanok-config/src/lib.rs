//! hanok-config
