//! HTTP POST of JSON.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use super::{ChannelError, variable};
use crate::alert::Alert;

/// The first pause before a retry; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest pause, also when the server asks for a longer one.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// Times that a post is tried, at most.
const TRIES_MAX: u32 = 10;
/// Tries, when nobody says otherwise.
const TRIES: u32 = 4;
/// How long one try may take, when nobody says otherwise.
const TIMEOUT_S: u32 = 10;

/// A webhook.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "WebhookFile")]
pub struct Webhook {
    address: Address,
    /// The environment variable of a token, sent as `Authorization: Bearer`.
    token_env: Option<String>,
    timeout: Duration,
    tries: u32,
}

#[derive(Clone, Debug)]
enum Address {
    Url(Url),
    Env(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookFile {
    url: Option<String>,
    url_env: Option<String>,
    token_env: Option<String>,
    timeout_s: Option<u32>,
    tries: Option<u32>,
}

impl TryFrom<WebhookFile> for Webhook {
    type Error = String;

    fn try_from(file: WebhookFile) -> Result<Self, String> {
        let address = match (file.url, file.url_env) {
            (Some(url), None) => Address::Url(parse(&url)?),
            (None, Some(name)) => Address::Env(name),
            _ => {
                return Err(
                    "a webhook has a `url`, or a `url_env` that names an environment variable".to_owned()
                );
            }
        };
        let (timeout_s, tries) = (file.timeout_s.unwrap_or(TIMEOUT_S), file.tries.unwrap_or(TRIES));
        if !(1..=300).contains(&timeout_s) || !(1..=TRIES_MAX).contains(&tries) {
            return Err(format!(
                "a webhook's `timeout_s` is from 1 to 300 and its `tries` from 1 to {TRIES_MAX}"
            ));
        }
        let timeout = Duration::from_secs(u64::from(timeout_s));
        Ok(Self { address, token_env: file.token_env, timeout, tries })
    }
}

fn parse(text: &str) -> Result<Url, String> {
    // The text may be a secret: the message does not repeat it.
    let url = Url::parse(text).map_err(|error| format!("the webhook's address: {error}"))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!("the webhook's address begins with {other}, neither http nor https")),
    }
}

impl Webhook {
    /// Posts an alert, again after 429 and 5xx and when there is no answer, so often as is allowed. Redirects are not followed.
    pub(super) async fn post(&self, alert: &Alert) -> Result<(), ChannelError> {
        let failed = |tries, reason| ChannelError::Webhook { tries, reason };
        let url = match &self.address {
            Address::Url(url) => url.clone(),
            Address::Env(name) => parse(&variable(name)?).map_err(|reason| failed(0, reason))?,
        };
        let body = serde_json::to_vec(alert).map_err(|error| failed(0, error.to_string()))?;
        let client = Client::builder().redirect(Policy::none()).timeout(self.timeout).build();
        let client = client.map_err(|error| failed(0, cause(&error)))?;
        let mut tries = 1;
        loop {
            let mut request = client
                .post(url.clone())
                .header(CONTENT_TYPE, "application/json")
                .header("idempotency-key", &alert.id)
                .body(body.clone());
            if let Some(name) = &self.token_env {
                request = request.header(AUTHORIZATION, format!("Bearer {}", variable(name)?));
            }
            let (reason, pause) = match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => {
                    let status = response.status();
                    let is_busy = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
                    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                    let wanted =
                        header.and_then(|seconds| seconds.parse().ok()).map_or(PAUSE, Duration::from_secs);
                    (format!("it answered {status}"), is_busy.then_some(wanted))
                }
                Err(error) => (cause(&error), (!error.is_builder()).then_some(PAUSE)),
            };
            let Some(pause) = pause.filter(|_| tries < self.tries) else { return Err(failed(tries, reason)) };
            tokio::time::sleep(pause.max(PAUSE * (1 << (tries - 1).min(8))).min(PAUSE_MAX)).await;
            tries += 1;
        }
    }
}

/// The innermost cause, which is what people understand, and which has no address in it.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let mut cause = error.source();
    let mut text = "the request could not be sent".to_owned();
    for _ in 0..10 {
        let Some(error) = cause else { break };
        text = error.to_string();
        cause = error.source();
    }
    text
}
