//! hanok-query
