//! hanok-engine
