//! Asks a Horizon server over HTTP, and asks again what may pass.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, HeaderName, LOCATION, RETRY_AFTER, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;
use serde_json::Value;

use super::super::address::Address;
use super::super::error::Error;
use super::super::progress::Progress;
use crate::archive::{Hash, container::sha256};

/// Who asks.
const AGENT: &str =
    concat!("minting-fetch/", env!("CARGO_PKG_VERSION"), " (+", env!("CARGO_PKG_REPOSITORY"), ")");
/// Longest answer that is read; a page has about 600 KB.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);
/// How often one thing is asked for.
const TRIES: u32 = 8;
/// Pause before the second try; it doubles from try to try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause that a server may ask for: public ones count requests by the hour.
const LONGEST_WISH: Duration = Duration::from_secs(3_600);

/// A Horizon server.
pub(super) struct Horizon<'a> {
    base: String,
    name: Arc<str>,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    progress: &'a dyn Progress,
}

/// Why one try brought no answer.
enum Failure {
    /// The server is away or busy; it may say for how long.
    Passing(String, Option<Duration>),
    /// The server will never answer this.
    Refused(String),
}

/// The part of an address that may be shown, if it is one of an HTTP server.
pub(super) fn check(url: &str) -> Result<Arc<str>, Error> {
    let bad = || Error::Horizon(url.to_owned());
    let address = Address::parse(url).map_err(|_| bad())?;
    let is_http = address.name.starts_with("http://") || address.name.starts_with("https://");
    if !is_http || url.contains(['?', '#']) || url.parse::<Uri>().is_err() {
        return Err(bad());
    }
    Ok(address.name)
}

impl<'a> Horizon<'a> {
    /// Does not connect yet.
    pub(super) fn new(url: &str, progress: &'a dyn Progress) -> Result<Self, Error> {
        let name = check(url)?;
        let unusable = |_| Error::Internal("the certificates of the system can not be used");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_platform_verifier()
            .with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Horizon { base: url.trim_end_matches('/').to_owned(), name, client, progress })
    }

    /// Identifier of the network: the hash of its passphrase.
    pub(super) async fn network(&self) -> Result<Hash, Error> {
        let root = self.get("/").await?;
        match root.get("network_passphrase").and_then(Value::as_str) {
            Some(passphrase) => Ok(sha256(passphrase.as_bytes())),
            None => Err(self.bad_answer("itself".to_owned(), "it names no network_passphrase".to_owned())),
        }
    }

    /// A page of the payments of an account after an operation, each with its transaction.
    pub(super) async fn payments(
        &self,
        account: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Value>, Error> {
        let path =
            format!("/accounts/{account}/payments?cursor={after}&limit={limit}&order=asc&join=transactions");
        let mut page = self.get(&path).await?;
        match page.pointer_mut("/_embedded/records").map(Value::take) {
            Some(Value::Array(records)) => Ok(records),
            _ => {
                Err(self.bad_answer(format!("the payments of {account}"), "there are no records".to_owned()))
            }
        }
    }

    /// A transaction.
    pub(super) async fn transaction(&self, hash: &str) -> Result<Value, Error> {
        if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.bad_answer("an operation".to_owned(), format!("{hash:?} is no transaction")));
        }
        self.get(&format!("/transactions/{hash}")).await
    }

    /// An answer that makes no sense.
    pub(super) fn bad_answer(&self, subject: String, what: String) -> Error {
        Error::BadAnswer { endpoint: Arc::clone(&self.name), subject, what }
    }

    async fn get(&self, path: &str) -> Result<Value, Error> {
        let call = || path.split('?').next().unwrap_or_default().to_owned();
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let (message, wish) = match self.try_get(path).await {
                Ok(value) => return Ok(value),
                Err(Failure::Refused(message)) => {
                    let endpoint = Arc::clone(&self.name);
                    return Err(Error::Refused { endpoint, call: call(), message });
                }
                Err(Failure::Passing(message, wish)) => (message, wish),
            };
            if tries >= TRIES {
                let endpoint = Arc::clone(&self.name);
                return Err(Error::Failed { endpoint, call: call(), tries, message });
            }
            let wait = wish.map_or_else(|| with_jitter(pause), |wish| wish.min(LONGEST_WISH));
            self.progress.note(&format!("{}: {}: {message}; again in {wait:.1?}", self.name, call()));
            tokio::time::sleep(wait).await;
            tries += 1;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    async fn try_get(&self, path: &str) -> Result<Value, Failure> {
        let passing = |what: String| Failure::Passing(what, None);
        let request = Request::get(format!("{}{path}", self.base))
            .header(ACCEPT, "application/json")
            .header(USER_AGENT, AGENT)
            .body(Empty::new())
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|e| passing(explain(&e)))?;
            let status = answer.status();
            if !status.is_success() {
                let header = |name: HeaderName| answer.headers().get(name)?.to_str().ok();
                let wish = header(RETRY_AFTER).and_then(|wish| wish.trim().parse().ok());
                return Err(unsuccessful(status, header(LOCATION), wish.map(Duration::from_secs)));
            }
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            body.map(|body| body.to_bytes()).map_err(|e| passing(e.to_string()))
        };
        let bytes = tokio::time::timeout(TIMEOUT, exchange)
            .await
            .map_err(|_| passing(format!("no answer in {TIMEOUT:?}")))??;
        serde_json::from_slice(&bytes).map_err(|error| passing(format!("the answer is not JSON: {error}")))
    }
}

/// What a status other than success means. A server that moved is not followed: an address is for a person to choose.
fn unsuccessful(status: StatusCode, moved_to: Option<&str>, wish: Option<Duration>) -> Failure {
    let message = match moved_to {
        Some(address) if status.is_redirection() => {
            format!("HTTP status {status}, it moved to {}: give that address", address.escape_debug())
        }
        _ => format!("HTTP status {status}"),
    };
    match status.as_u16() {
        408 | 425 | 429 | 500.. => Failure::Passing(message, wish),
        _ => Failure::Refused(message),
    }
}

/// Half to all of a pause, so that many programs do not come back at once.
fn with_jitter(pause: Duration) -> Duration {
    pause.mul_f64(StdRng::from_os_rng().random_range(0.5..=1.0))
}

/// The text of an error and of what caused it.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_server_speaks_http() {
        assert_eq!(&*check("https://horizon.stellar.org/").unwrap(), "https://horizon.stellar.org");
        assert_eq!(&*check("http://user:secret@host:1/path").unwrap(), "http://host:1");
        for wrong in ["ws://host", "horizon.stellar.org", "https://host/?cursor=1", "http://a b"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_may_pass_is_asked_again_and_what_not_is_refused() {
        let passes = |status: StatusCode| matches!(unsuccessful(status, None, None), Failure::Passing(..));
        assert!(passes(StatusCode::TOO_MANY_REQUESTS) && passes(StatusCode::SERVICE_UNAVAILABLE));
        assert!(!passes(StatusCode::NOT_FOUND) && !passes(StatusCode::MOVED_PERMANENTLY));
        let moved = unsuccessful(StatusCode::MOVED_PERMANENTLY, Some("https://other"), None);
        assert!(matches!(moved, Failure::Refused(message) if message.contains("https://other")));
    }
}
