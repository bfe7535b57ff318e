//! Where alerts go.
//!
//! Passwords, tokens and secret addresses are never in YAML: a definition names environment variables.

mod email;
mod file;
mod message;
mod webhook;

use std::path::{Path, PathBuf};

use hanok_error::{Code, Coded, code};
use hanok_types::Name;
use serde::Deserialize;

pub use email::{Email, Security};
pub use webhook::Webhook;

use crate::alert::Alert;

/// A channel of `monitors/*.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "ChannelFile")]
pub struct Channel {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub target: Target,
}

/// What a channel is.
#[derive(Clone, Debug)]
pub enum Target {
    /// JSON lines are appended to a file, whose path is relative to the project.
    File(PathBuf),
    /// A JSON object is posted.
    Webhook(Webhook),
    /// A mail is sent.
    Email(Email),
}

/// An alert was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The file cannot be written.
    #[error("cannot write {}: {source}", .path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An environment variable is not set.
    #[error("the environment variable {0} is not set")]
    Variable(String),
    /// The webhook did not take it. Addresses may be secrets, so the error names none.
    #[error("the webhook did not take it (tried {tries}x): {reason}")]
    Webhook {
        /// How often it was tried.
        tries: u32,
        /// Why not.
        reason: String,
    },
    /// The mail server did not take it.
    #[error("the mail server {server} did not take it: {reason}")]
    Email {
        /// Host and port.
        server: String,
        /// Why not.
        reason: String,
    },
}

impl Coded for ChannelError {
    fn code(&self) -> Code {
        code::MONITOR_CHANNEL
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChannelFile {
    name: Name,
    file: Option<PathBuf>,
    webhook: Option<Webhook>,
    email: Option<Email>,
}

impl TryFrom<ChannelFile> for Channel {
    type Error = String;

    fn try_from(channel: ChannelFile) -> Result<Self, String> {
        let target = match (channel.file, channel.webhook, channel.email) {
            (Some(path), None, None) => Target::File(path),
            (None, Some(webhook), None) => Target::Webhook(webhook),
            (None, None, Some(email)) => Target::Email(email),
            _ => return Err("a channel has a `file`, a `webhook` or an `email`".to_owned()),
        };
        Ok(Self { name: channel.name, target })
    }
}

impl Channel {
    /// Sends an alert. It may arrive twice when the process is killed before it has recorded that it did once; its id is the same
    /// then.
    pub async fn send(&self, project: &Path, alert: &Alert) -> Result<(), ChannelError> {
        match &self.target {
            Target::File(path) => file::append(project.join(path), alert).await,
            Target::Webhook(webhook) => webhook.post(alert).await,
            Target::Email(email) => email.send(alert).await,
        }
    }
}

/// An environment variable that must be set.
fn variable(name: &str) -> Result<String, ChannelError> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| ChannelError::Variable(name.to_owned()))
}
