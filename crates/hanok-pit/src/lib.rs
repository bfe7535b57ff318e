//! hanok-pit
