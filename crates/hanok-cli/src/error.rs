//! What can end a command, with the exit code and the text that follow from it.

use std::net::SocketAddr;
use std::path::PathBuf;

use hanok_charts::ChartError;
use hanok_config::ConfigError;
use hanok_engine::EngineError;
use hanok_error::{Code, Coded, code};
use hanok_features::FeatureError;
use hanok_online::StoreError;
use hanok_serve::{RequestError, ServeError};

use crate::status::ExitStatus;

/// A command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Arguments that clap takes and the command cannot.
    #[error("{0}")]
    Usage(String),
    /// The project's files.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The online store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for is not registered.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// The server.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// An online read.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An entity of the command line is not of its key's type.
    #[error("`{value}` is not a value of the join key `{key}`, whose type is {expected}")]
    EntityValue {
        /// The join key.
        key: String,
        /// What was given.
        value: String,
        /// Its type.
        expected: String,
    },
    /// A chart that cannot be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// A font that was named.
    #[error("cannot read the font {}", .path.display())]
    FontFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Standard output or input.
    #[error("cannot {action}")]
    Stream {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// The runtime does not start.
    #[error("the program cannot start its threads")]
    Runtime(#[source] std::io::Error),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// A panic, whose message is on standard error already.
    #[error("the command stopped unexpectedly")]
    Panicked,
    /// The engine answered something that it should not.
    #[error("an unexpected result: {0}")]
    Unexpected(String),
    /// The demo's folder is taken.
    #[error("{} is neither empty nor the demo's project", .0.display())]
    DemoFolder(PathBuf),
    /// The demo's server cannot be asked.
    #[error("no answer from the demo's server at {address}")]
    DemoLookup {
        /// Where it listens.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The demo's server refused.
    #[error("the demo's server answered {status}: {body}")]
    DemoStatus {
        /// The HTTP status.
        status: u16,
        /// The answer.
        body: String,
    },
}

impl CliError {
    /// The exit code of a command that ended with this.
    pub(crate) fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) => ExitStatus::Usage,
            Self::Interrupted => ExitStatus::Interrupted,
            _ => ExitStatus::Failure,
        }
    }

    /// Whether the reader of standard output has gone, as `head` does: that is no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
            if kind == Some(std::io::ErrorKind::BrokenPipe) {
                return true;
            }
            cause = error.source();
        }
        false
    }

    /// For `map_err` on writes to standard output.
    pub(crate) fn output(source: std::io::Error) -> Self {
        Self::Stream { action: "write to standard output", source }
    }
}

impl Coded for CliError {
    fn code(&self) -> Code {
        match self {
            Self::Usage(_) => code::USAGE,
            Self::Config(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Features(error) => error.code(),
            Self::Serve(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Chart(error) => error.code(),
            Self::EntityValue { .. } => code::REQUEST_ENTITIES,
            Self::FontFile { .. } | Self::Stream { .. } => code::FILE_IO,
            Self::Runtime(_) => code::RUNTIME,
            Self::Interrupted => code::INTERRUPTED,
            Self::Panicked | Self::Unexpected(_) => code::INTERNAL,
            Self::DemoFolder(_) => code::DEMO_FOLDER,
            Self::DemoLookup { .. } | Self::DemoStatus { .. } => code::DEMO_LOOKUP,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Store(error) => error.hint(),
            Self::Features(error) => error.hint(),
            Self::Serve(error) => error.hint(),
            Self::Request(error) => error.hint(),
            Self::EntityValue { .. } => {
                Some("write integers as digits, times as RFC 3339, booleans as true or false".to_owned())
            }
            _ => None,
        }
    }

    fn place(&self) -> Option<String> {
        match self {
            Self::Config(error) => error.place(),
            Self::Engine(error) => error.place(),
            Self::Store(error) => error.place(),
            Self::Features(error) => error.place(),
            Self::Serve(error) => error.place(),
            Self::Request(error) => error.place(),
            _ => None,
        }
    }
}
