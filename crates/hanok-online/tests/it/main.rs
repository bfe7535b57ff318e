//! The online store from outside: semantics, crashes, several processes, faults.

mod crash;
mod faults;
mod kit;
mod processes;
mod schemas;
mod twin;
mod values;
