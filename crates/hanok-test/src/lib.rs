//! hanok-test
