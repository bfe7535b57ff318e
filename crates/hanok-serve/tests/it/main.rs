//! The server from outside: answers, every client mistake, hostile clients, life and death of the process.

mod answers;
mod hostile;
mod kit;
mod lifecycle;
mod mistakes;
