//! A model behind an HTTP endpoint.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::answer;
use crate::error::EndpointError;
use crate::protocol::Protocol;

/// The first pause before a retry; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause, also if the server asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Bytes of a refusal that an error repeats.
const WORDS_BYTES: usize = 400;

/// Limits of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointOptions {
    /// What the server speaks.
    pub protocol: Protocol,
    /// Most rows of a request.
    pub batch_rows: usize,
    /// How long a request may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// How often a request is repeated: after 503 and 429 (after the time that the server asks for, at most ten seconds) and when an
    /// established connection breaks off. Nothing else is repeated.
    pub retries: u32,
    /// Most bytes of an answer.
    pub answer_bytes_max: usize,
}

impl Default for EndpointOptions {
    fn default() -> EndpointOptions {
        EndpointOptions {
            protocol: Protocol::Hanok,
            batch_rows: 1000,
            timeout: Duration::from_secs(30),
            retries: 3,
            answer_bytes_max: 64 << 20,
        }
    }
}

/// A server that predicts. Connections are kept open between requests. It blocks: call it from a thread that may wait, never from a task
/// of an async runtime.
pub struct Endpoint {
    url: Url,
    /// Without a password.
    shown: String,
    columns: Vec<String>,
    options: EndpointOptions,
    client: Client,
    runtime: Runtime,
}

/// Why a try was not the last.
struct Again {
    error: EndpointError,
    /// Not at all if it cannot be repeated.
    pause: Option<Duration>,
}

impl Endpoint {
    /// An endpoint by its address, for rows of these columns. Nothing is sent yet. User and password may stand in the address.
    pub fn new(url: &str, columns: Vec<String>, options: EndpointOptions) -> Result<Endpoint, EndpointError> {
        let parsed = Url::parse(url);
        let shown = parsed.as_ref().map_or_else(|_| url.to_owned(), shown);
        let problem = |problem: String| EndpointError::Address { url: shown.clone(), problem };
        let parsed = parsed.map_err(|error| problem(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(problem(format!("{} is neither http nor https", parsed.scheme())));
        }
        if columns.is_empty() || options.batch_rows == 0 || options.answer_bytes_max == 0 {
            return Err(problem("it takes columns, rows a request and bytes of answers".to_owned()));
        }
        let client = Client::builder().redirect(Policy::none()).timeout(options.timeout).build();
        let client = client.map_err(|error| problem(in_full(&error)))?;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| problem(error.to_string()))?;
        Ok(Endpoint { url: parsed, shown, columns, options, client, runtime })
    }

    /// Predictions of rows, as many values in each as there are columns, one row after the other: as many outputs for each row.
    pub fn predict(&self, rows: &[f64]) -> Result<Vec<f64>, EndpointError> {
        let columns = self.columns.len();
        if !rows.len().is_multiple_of(columns) {
            return Err(EndpointError::Width { values: rows.len(), columns });
        }
        let mut all = Vec::new();
        for rows in rows.chunks(self.options.batch_rows.saturating_mul(columns)) {
            all.extend(self.request(rows, rows.len() / columns)?);
        }
        Ok(all)
    }

    fn request(&self, rows: &[f64], count: usize) -> Result<Vec<f64>, EndpointError> {
        let body = self.options.protocol.body(&self.columns, rows)?;
        self.runtime.block_on(async {
            let mut tries = 1;
            loop {
                match self.one_try(body.clone(), count, tries).await {
                    Ok(predictions) => return Ok(predictions),
                    Err(Again { pause: Some(pause), .. }) if tries <= self.options.retries => {
                        let doubled = PAUSE.saturating_mul(1 << (tries - 1).min(16));
                        tokio::time::sleep(pause.max(doubled).min(PAUSE_MAX)).await;
                        tries += 1;
                    }
                    Err(Again { error, .. }) => return Err(error),
                }
            }
        })
    }

    async fn one_try(&self, body: Vec<u8>, rows: usize, tries: u32) -> Result<Vec<f64>, Again> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body);
        let response = request.send().await.map_err(|error| self.broken(&error, rows, tries))?;
        let status = response.status();
        if status.is_success() {
            let body = self.read(response, self.options.answer_bytes_max).await;
            let body = body.map_err(|error| self.broken(&error, rows, tries))?;
            let limit = self.options.answer_bytes_max;
            let body = body.ok_or_else(|| Again {
                error: EndpointError::AnswerBytes { url: self.shown.clone(), limit },
                pause: None,
            })?;
            return answer::predictions(&body, rows).map_err(|problem| Again {
                error: EndpointError::Answer { url: self.shown.clone(), problem },
                pause: None,
            });
        }
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let is_busy = matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let seconds = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
        let words = match header(LOCATION).filter(|_| status.is_redirection()) {
            Some(location) => format!("it redirects to {location}"),
            None => self.words(response).await,
        };
        Err(Again {
            error: EndpointError::Status { url: self.shown.clone(), status: status.as_u16(), tries, words },
            pause: is_busy.then(|| Duration::from_secs(seconds)),
        })
    }

    /// The body, or none if it is longer than the limit.
    async fn read(&self, mut response: Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }

    /// The beginning of what a server says to its refusal, on one line.
    async fn words(&self, mut response: Response) -> String {
        let mut body = Vec::new();
        while body.len() < WORDS_BYTES
            && let Ok(Some(chunk)) = response.chunk().await
        {
            body.extend_from_slice(&chunk[..chunk.len().min(WORDS_BYTES)]);
        }
        body.truncate(WORDS_BYTES);
        let words = String::from_utf8_lossy(&body).split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() { "it gives no reason".to_owned() } else { words }
    }

    /// No answer. A connection that could be made and then broke off may be tried again: predictions change nothing at the server.
    fn broken(&self, error: &reqwest::Error, rows: usize, tries: u32) -> Again {
        let url = self.shown.clone();
        if error.is_timeout() {
            return Again {
                error: EndpointError::Timeout { url, rows, timeout: self.options.timeout },
                pause: None,
            };
        }
        let is_reset = !error.is_connect() && !error.is_builder();
        Again {
            error: EndpointError::Unreachable { url, tries, problem: in_full(error) },
            pause: is_reset.then_some(Duration::ZERO),
        }
    }
}

/// Shows no password.
impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Endpoint").field(&self.shown).finish()
    }
}

/// An address without its password, as people may read it.
pub fn shown_address(address: &str) -> String {
    Url::parse(address).as_ref().map_or_else(|_| address.to_owned(), shown)
}

/// An address without its password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.password().is_some() {
        // Fails for addresses without a host only, which have no password.
        let _ = url.set_password(Some("***"));
    }
    url.to_string()
}

/// An error with its causes; the innermost one is what people understand.
fn in_full(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause.filter(|_| causes.len() < 10) {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes.pop().unwrap_or_else(|| "the request could not be sent".to_owned())
}
