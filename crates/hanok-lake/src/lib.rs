//! hanok-lake
