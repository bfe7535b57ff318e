//! hanok-online
