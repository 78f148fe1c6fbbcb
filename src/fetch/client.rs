//! One endpoint: sends JSON-RPC requests over HTTP or WebSocket and sorts what comes back.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::client::{ClientT, Error as RpcError};
use jsonrpsee::core::http_helpers::HttpError;
use jsonrpsee::core::params::{ArrayParams, BatchRequestBuilder};
use jsonrpsee::http_client::transport::Error as HttpTransportError;
use jsonrpsee::http_client::{HeaderMap, HeaderValue, HttpClientBuilder};
use jsonrpsee::types::error::{
    BATCHES_NOT_SUPPORTED_CODE, INVALID_PARAMS_CODE, INVALID_REQUEST_CODE, METHOD_NOT_FOUND_CODE,
    OVERSIZED_REQUEST_CODE, OVERSIZED_RESPONSE_CODE, SERVER_IS_BUSY_CODE, TOO_BIG_BATCH_REQUEST_CODE,
    TOO_BIG_BATCH_RESPONSE_CODE,
};
use jsonrpsee::ws_client::{PingConfig, WsClient, WsClientBuilder};
use serde_json::Value;
use tokio::sync::Mutex;
use tower::ServiceBuilder;

use super::address::Address;
use super::error::Error;
use super::throttle::Wish;

/// One call of a JSON-RPC method.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) params: Vec<Value>,
    /// What it costs the endpoint, in calls that read one small thing.
    pub(super) weight: u32,
    /// The block it is about, for messages.
    pub(super) height: Option<u32>,
}

impl Call {
    pub(super) fn new(method: &'static str, params: Vec<Value>) -> Self {
        Call { method, params, weight: 1, height: None }
    }

    pub(super) fn at(self, height: u32) -> Self {
        Call { height: Some(height), ..self }
    }

    pub(super) fn weighing(self, weight: u32) -> Self {
        Call { weight, ..self }
    }

    /// The call in words: `state_getMetadata of block 7`.
    pub(super) fn describe(&self) -> String {
        match self.height {
            Some(height) => format!("{} of block {height}", self.method),
            None => self.method.to_owned(),
        }
    }

    /// What it is about, in words: `block 7 (state_getMetadata)`.
    pub(super) fn subject(&self) -> String {
        match self.height {
            Some(height) => format!("block {height} ({})", self.method),
            None => self.method.to_owned(),
        }
    }

    fn params(&self) -> Result<ArrayParams, serde_json::Error> {
        let mut params = ArrayParams::new();
        for param in &self.params {
            params.insert(param)?;
        }
        Ok(params)
    }
}

/// The endpoint's own word about one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// It will never answer this call: unknown method, bad parameters, not allowed.
    Refused(String),
    /// It has dropped the state asked for.
    Pruned(String),
    /// The answer would be too large.
    TooLarge(String),
    /// It is asked too often.
    Busy(String),
    /// Anything else, which may pass.
    Passing(String),
}

/// Why a whole request brought no answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RequestError {
    /// The request or its answer is too large.
    TooLarge(String),
    /// No answer in time; smaller requests may do better.
    Late(String),
    /// An answer that is none to what was asked; smaller requests may do better.
    Broken(String),
    /// The endpoint is away; it may come back.
    Away(String),
    /// The endpoint is asked too often; perhaps it said how long it wants to be left alone.
    Throttled(String, Option<Duration>),
    /// The address is no JSON-RPC endpoint that answers us.
    Hopeless(String),
}

/// The answers to a request, in the order of its calls.
pub(super) type Answers = Vec<Result<Value, CallError>>;

/// A future that can be kept in a trait object.
pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries requests to one endpoint.
pub(super) trait Transport: Send + Sync {
    /// Sends the calls in one request.
    fn send<'a>(&'a self, calls: &'a [Call]) -> BoxFuture<'a, Result<Answers, RequestError>>;
}

/// Larger than the 15 MiB that nodes send at most by default.
const RESPONSE_BYTES_MAX: u32 = 32 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
const USER_AGENT: &str =
    concat!("minting-fetch/", env!("CARGO_PKG_VERSION"), " (+", env!("CARGO_PKG_REPOSITORY"), ")");

/// Opens the transport that the address asks for, whose requests end after `timeout`. Does not connect yet.
pub(super) fn transport(address: &Address, timeout: Duration) -> Result<Box<dyn Transport>, Error> {
    let address = address.clone();
    if address.is_web_socket {
        return Ok(Box::new(WebSocket { address, timeout, client: Mutex::new(None) }));
    }
    let wish = Wish::default();
    let client = HttpClientBuilder::default()
        .max_response_size(RESPONSE_BYTES_MAX)
        .request_timeout(timeout)
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .set_http_middleware(ServiceBuilder::new().layer(wish.clone()))
        .set_keep_alive(Some(KEEP_ALIVE))
        .set_headers(headers())
        .build(&address.url)
        .map_err(|_| Error::Address(address.name.to_string()))?;
    Ok(Box::new(Http { address, client, wish }))
}

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("user-agent", HeaderValue::from_static(USER_AGENT));
    headers
}

struct Http<C> {
    address: Address,
    client: C,
    /// What the endpoint last said about when to come back.
    wish: Wish,
}

impl<C: ClientT + Send + Sync> Transport for Http<C> {
    fn send<'a>(&'a self, calls: &'a [Call]) -> BoxFuture<'a, Result<Answers, RequestError>> {
        Box::pin(async {
            let answers = send(&self.client, calls).await;
            answers.map_err(|error| match request_error(&self.address, &error) {
                RequestError::Throttled(cause, None) => RequestError::Throttled(cause, self.wish.take()),
                other => other,
            })
        })
    }
}

/// A WebSocket client does not survive a broken connection, so a new one takes its place when needed.
struct WebSocket {
    address: Address,
    timeout: Duration,
    client: Mutex<Option<Arc<WsClient>>>,
}

impl WebSocket {
    async fn connected(&self) -> Result<Arc<WsClient>, RequestError> {
        let mut slot = self.client.lock().await;
        if let Some(client) = slot.as_ref().filter(|client| client.is_connected()) {
            return Ok(Arc::clone(client));
        }
        let client = WsClientBuilder::default()
            .max_response_size(RESPONSE_BYTES_MAX)
            .request_timeout(self.timeout)
            .connection_timeout(CONNECT_TIMEOUT.min(self.timeout))
            .enable_ws_ping(PingConfig::new())
            .set_headers(headers())
            .build(&self.address.url)
            .await
            .map_err(|e| RequestError::Away(self.address.explain(&e)))?;
        let client = Arc::new(client);
        *slot = Some(Arc::clone(&client));
        Ok(client)
    }
}

impl Transport for WebSocket {
    fn send<'a>(&'a self, calls: &'a [Call]) -> BoxFuture<'a, Result<Answers, RequestError>> {
        Box::pin(async {
            let client = self.connected().await?;
            send(client.as_ref(), calls).await.map_err(|e| request_error(&self.address, &e))
        })
    }
}

async fn send(client: &(impl ClientT + Sync), calls: &[Call]) -> Result<Answers, RpcError> {
    // Some servers know no batches; a request of one call does without.
    if let [call] = calls {
        return match client.request::<Value, _>(call.method, call.params()?).await {
            Ok(value) => Ok(vec![Ok(value)]),
            Err(RpcError::Call(error)) => Ok(vec![Err(call_error(error.code(), error.message()))]),
            Err(error) => Err(error),
        };
    }
    let mut batch = BatchRequestBuilder::new();
    for call in calls {
        batch.insert(call.method, call.params()?)?;
    }
    // Boxed, because the compiler can not yet see through the lifetimes of this future (rust#100013).
    let request: BoxFuture<'_, _> = Box::pin(client.batch_request::<Value>(batch));
    let answers = request.await?;
    if answers.len() != calls.len() {
        return Err(RpcError::Custom(format!("{} answers to {} calls", answers.len(), calls.len())));
    }
    Ok(answers
        .into_iter()
        .map(|answer| answer.map_err(|error| call_error(error.code(), error.message())))
        .collect())
}

/// `count exceeds maximum value` of `state_getKeysPaged`, `sc-rpc`.
const INVALID_COUNT_CODE: i32 = 4002;

fn call_error(code: i32, message: &str) -> CallError {
    let text = format!("{message} (error {code})");
    let lower = message.to_ascii_lowercase();
    if lower.contains("discarded") || lower.contains("pruned") {
        return CallError::Pruned(text);
    }
    match code {
        METHOD_NOT_FOUND_CODE | INVALID_PARAMS_CODE | INVALID_REQUEST_CODE | INVALID_COUNT_CODE => {
            CallError::Refused(text)
        }
        OVERSIZED_REQUEST_CODE | OVERSIZED_RESPONSE_CODE => CallError::TooLarge(text),
        SERVER_IS_BUSY_CODE => CallError::Busy(text),
        _ if lower.contains("rate limit") || lower.contains("too many requests") => CallError::Busy(text),
        _ if lower.contains("unsafe") => CallError::Refused(text),
        _ => CallError::Passing(text),
    }
}

fn request_error(address: &Address, error: &RpcError) -> RequestError {
    let text = address.explain(error);
    match error {
        RpcError::Transport(cause) => match cause.downcast_ref::<HttpTransportError>() {
            Some(HttpTransportError::Rejected { status_code }) => match status_code {
                413 => RequestError::TooLarge(text),
                429 | 503 => RequestError::Throttled(text, None),
                408 | 425 | 500.. => RequestError::Away(text),
                _ => RequestError::Hopeless(text),
            },
            Some(HttpTransportError::RequestTooLarge | HttpTransportError::Http(HttpError::TooLarge)) => {
                RequestError::TooLarge(text)
            }
            Some(HttpTransportError::Url(_) | HttpTransportError::InvalidCertficateStore) => {
                RequestError::Hopeless(text)
            }
            Some(HttpTransportError::Http(_)) | None => RequestError::Away(text),
        },
        // A server that throws a batch away answers with a single error, which is no batch answer.
        RpcError::ParseError(_) | RpcError::InvalidRequestId(_) | RpcError::Custom(_) => {
            RequestError::Broken(text)
        }
        RpcError::RequestTimeout => RequestError::Late(text),
        RpcError::Call(error) => match error.code() {
            BATCHES_NOT_SUPPORTED_CODE
            | TOO_BIG_BATCH_REQUEST_CODE
            | TOO_BIG_BATCH_RESPONSE_CODE
            | OVERSIZED_REQUEST_CODE
            | OVERSIZED_RESPONSE_CODE => RequestError::TooLarge(text),
            _ => RequestError::Away(text),
        },
        _ => RequestError::Away(text),
    }
}

#[cfg(test)]
mod tests {
    use jsonrpsee::types::{ErrorObjectOwned, InvalidRequestId};

    use super::*;

    #[test]
    fn words_of_the_endpoint_about_one_call_are_sorted() {
        let kind = |code, message: &str| match call_error(code, message) {
            CallError::Refused(_) => "refused",
            CallError::Pruned(_) => "pruned",
            CallError::TooLarge(_) => "too large",
            CallError::Busy(_) => "busy",
            CallError::Passing(_) => "passing",
        };
        assert_eq!(kind(-32601, "Method not found"), "refused");
        assert_eq!(kind(-32601, "RPC call is unsafe to be called externally"), "refused");
        assert_eq!(kind(-32602, "Invalid params"), "refused");
        assert_eq!(kind(4002, "count exceeds maximum value"), "refused");
        assert_eq!(kind(4003, "Client error: UnknownBlock: State already discarded for 0x00"), "pruned");
        assert_eq!(kind(4003, "Client error: UnknownBlock: Header was not found"), "passing");
        assert_eq!(kind(-32000, "Server error"), "passing");
        assert_eq!(kind(-32603, "Internal error"), "passing");
        assert_eq!(kind(-32008, "Response is too big"), "too large");
        assert_eq!(kind(-32009, "Server is busy"), "busy");
        assert_eq!(kind(-32999, "RPC rate limit exceeded"), "busy");
    }

    #[test]
    fn failed_requests_are_sorted() {
        let address = Address::parse("http://host").unwrap();
        let kind = |error| match request_error(&address, &error) {
            RequestError::TooLarge(_) => "too large",
            RequestError::Late(_) => "late",
            RequestError::Broken(_) => "broken",
            RequestError::Away(_) => "away",
            RequestError::Throttled(..) => "throttled",
            RequestError::Hopeless(_) => "hopeless",
        };
        let rejected = |status_code| RpcError::Transport(HttpTransportError::Rejected { status_code }.into());
        assert_eq!(kind(rejected(429)), "throttled");
        assert_eq!(kind(rejected(503)), "throttled");
        assert_eq!(kind(rejected(502)), "away");
        assert_eq!(kind(rejected(404)), "hopeless");
        assert_eq!(kind(rejected(401)), "hopeless");
        assert_eq!(kind(rejected(413)), "too large");
        assert_eq!(
            kind(RpcError::Transport(HttpTransportError::Http(HttpError::TooLarge).into())),
            "too large"
        );
        assert_eq!(kind(RpcError::Transport("connection refused".into())), "away");
        assert_eq!(kind(RpcError::RequestTimeout), "late");
        assert_eq!(kind(InvalidRequestId::Invalid("x".to_owned()).into()), "broken");
        assert_eq!(kind(serde_json::from_str::<u8>("{").unwrap_err().into()), "broken");
        assert_eq!(kind(RpcError::RestartNeeded(Arc::new(RpcError::RequestTimeout))), "away");
        let call = |code| RpcError::Call(ErrorObjectOwned::owned(code, "no", None::<()>));
        assert_eq!(kind(call(TOO_BIG_BATCH_RESPONSE_CODE)), "too large");
        assert_eq!(kind(call(-32000)), "away");
    }
}
