//! hanok-cli
