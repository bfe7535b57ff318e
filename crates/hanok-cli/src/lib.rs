//! The command line: arguments in, calls to the engine, text or JSON out, an exit code.
//!
//! Raw arguments (`args`), one file a command (`commands`), and what every command shares: the console, progress bars,
//! tables. People read the summary on standard output, except where standard output is data.
//!
//! Must not exist here: business logic (it belongs to the engine and below), SQL of models, HTTP handling.

mod args;
mod commands;
mod console;
mod context;
mod error;
mod fonts;
mod logging;
mod memory;
mod output;
mod progress;
mod reference;
mod render;
mod run;
mod serving;
mod serving_models;
mod status;
mod values;

pub use args::command;
pub use reference::reference;
pub use run::run;
