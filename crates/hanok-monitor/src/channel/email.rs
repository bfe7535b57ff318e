//! Mail by SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS from the start, and AUTH PLAIN (RFC 4616).
//!
//! A client of its own, because the library for it (lettre) asks for a feature of rustls that the query engine's storage shares,
//! and would compile all of it again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::message::{base64, message};
use super::{ChannelError, variable};
use crate::alert::Alert;

/// How long a whole delivery may take.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Bytes of an answer's line, and lines of an answer.
const LINE_BYTES_MAX: u64 = 2000;
const LINES_MAX: usize = 100;
/// Characters of a refusal that an error repeats.
const WORDS_CHARS: usize = 300;

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// It begins in the clear and must then be encrypted (port 587).
    #[default]
    Starttls,
    /// It is encrypted from the start (port 465).
    Tls,
    /// Never encrypted: for a server on this machine. Not together with a password.
    None,
}

/// Mail to some people.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "EmailFile")]
pub struct Email {
    /// Host and port.
    server: String,
    security: Security,
    from: String,
    to: Vec<String>,
    /// The environment variables of a user and a password.
    credentials: Option<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmailFile {
    server: String,
    #[serde(default)]
    security: Security,
    from: String,
    to: Vec<String>,
    user_env: Option<String>,
    password_env: Option<String>,
}

impl TryFrom<EmailFile> for Email {
    type Error = String;

    fn try_from(file: EmailFile) -> Result<Self, String> {
        let has_port =
            |server: &str| server.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !has_port(&file.server) {
            return Err(format!(
                "`server` is HOST:PORT, such as smtp.example.com:587, not `{}`",
                file.server
            ));
        }
        if file.to.is_empty() || file.to.len() > 100 {
            return Err("`to` names from 1 to 100 addresses".to_owned());
        }
        if let Some(address) = file.to.iter().chain([&file.from]).find(|address| !is_address(address)) {
            return Err(format!("`{address}` is no address such as ops@example.com"));
        }
        let credentials = match (file.user_env, file.password_env) {
            (None, None) => None,
            (Some(_), Some(_)) if file.security == Security::None => {
                return Err(
                    "a password goes over an encrypted connection only: `security: starttls` or `tls`"
                        .to_owned(),
                );
            }
            (Some(user), Some(password)) => Some((user, password)),
            _ => return Err("`user_env` and `password_env` go together".to_owned()),
        };
        let EmailFile { server, security, from, to, .. } = file;
        Ok(Self { server, security, from, to, credentials })
    }
}

/// Plain addresses only: what they have in them goes into commands as it is.
fn is_address(text: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && !"<>()[],;:\\\"@".contains(c))
    };
    text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host))
}

impl Email {
    /// Sends an alert as one mail.
    pub(super) async fn send(&self, alert: &Alert) -> Result<(), ChannelError> {
        let login = match &self.credentials {
            Some((user, password)) => Some((variable(user)?, variable(password)?)),
            None => None,
        };
        let subject = format!("[{}] {}", alert.severity, alert.subject);
        let text = message((&self.from, &self.to), &alert.id, &subject, &alert.text, chrono::Utc::now());
        let sent = tokio::time::timeout(TIMEOUT, self.deliver(&text, login));
        let sent = sent.await.unwrap_or_else(|_| Err(io::Error::other("it took more than a minute")));
        sent.map_err(|error| ChannelError::Email { server: self.server.clone(), reason: error.to_string() })
    }

    async fn deliver(&self, text: &str, login: Option<(String, String)>) -> io::Result<()> {
        let host = self.server.rsplit_once(':').map_or(self.server.as_str(), |(host, _)| host);
        let stream = TcpStream::connect(&self.server).await?;
        match self.security {
            Security::None => {
                let mut talk = Talk::new(stream);
                talk.answer().await?;
                self.converse(talk, text, login).await
            }
            Security::Tls => {
                let mut talk = Talk::new(encrypted(stream, host).await?);
                talk.answer().await?;
                self.converse(talk, text, login).await
            }
            Security::Starttls => {
                let mut talk = Talk::new(stream);
                talk.answer().await?;
                talk.say("EHLO hanok").await?;
                talk.say("STARTTLS").await?;
                // What came in the clear after the answer is not read: it could be anybody's.
                let stream = encrypted(talk.stream.into_inner(), host).await?;
                self.converse(Talk::new(stream), text, login).await
            }
        }
    }

    async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut talk: Talk<S>,
        text: &str,
        login: Option<(String, String)>,
    ) -> io::Result<()> {
        talk.say("EHLO hanok").await?;
        if let Some((user, password)) = login {
            talk.say(&format!("AUTH PLAIN {}", base64(format!("\0{user}\0{password}").as_bytes()))).await?;
        }
        talk.say(&format!("MAIL FROM:<{}>", self.from)).await?;
        for to in &self.to {
            talk.say(&format!("RCPT TO:<{to}>")).await?;
        }
        talk.say("DATA").await?;
        // A line of it never begins with a dot.
        talk.say(&format!("{text}.")).await?;
        // It has been taken; how the server says goodbye does not matter.
        let _ = talk.say("QUIT").await;
        Ok(())
    }
}

async fn encrypted(stream: TcpStream, host: &str) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    // Named, because two are compiled in and neither is the process's own.
    let provider = Arc::new(crypto::ring::default_provider());
    // Those of the system, or of SSL_CERT_FILE and SSL_CERT_DIR.
    let found = rustls_native_certs::load_native_certs();
    let mut authorities = RootCertStore::empty();
    if let (0, Some(error)) =
        (authorities.add_parsable_certificates(found.certs).0, found.errors.into_iter().next())
    {
        return Err(io::Error::other(format!("no certificate authorities can be read: {error}")));
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// A conversation in lines.
struct Talk<S> {
    stream: BufReader<S>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.stream.flush().await?;
        self.answer().await
    }

    /// Reads an answer, which is good when it begins with 2 or 3. The password is in no answer that is repeated.
    async fn answer(&mut self) -> io::Result<()> {
        for _ in 0..LINES_MAX {
            let mut line = Vec::new();
            (&mut self.stream).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end();
            match (line.first(), line.get(3)) {
                (Some(b'2' | b'3'), Some(b'-')) => {}
                (Some(b'2' | b'3'), _) if line.ends_with(b"\n") => return Ok(()),
                (None, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => return Err(io::Error::other(text.chars().take(WORDS_CHARS).collect::<String>())),
            }
        }
        Err(io::Error::other("it answers without an end"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_nothing_in_them_that_a_command_would_understand() {
        assert!(is_address("ops@example.com") && is_address("a.b+c@mail.example.co.kr"));
        for text in ["ops", "@", "a@", "a@b>", "a b@c", "a@b\r\nDATA", "a@b@c", "<a@b>", "운영@example.com"]
        {
            assert!(!is_address(text), "{text}");
        }
    }
}
