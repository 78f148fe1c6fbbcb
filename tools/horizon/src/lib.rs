//! A stand-in for Horizon, the HTTP interface of Stellar: a list of operations served with the addresses, the paging
//! and the errors of the real one, as far as an exporter of payments meets them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Most operations on a page.
const PAGE_MAX: usize = 200;
/// Operations on a page unless asked for another number.
const PAGE_DEFAULT: usize = 10;

/// An operation; fields that are left out are those of a payment of TFT by its issuer on the main net.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Unix seconds; operations are in the order of their times.
    pub time: i64,
    /// Memo of the transaction, if that is a hash: 64 hex digits.
    pub hash: Option<String>,
    /// Memo of the transaction, if that is a text.
    pub text: Option<String>,
    /// Decimal number.
    pub amount: String,
    /// Stellar address of the account that is paid.
    pub to: String,
    /// The same with an identifier in the account.
    pub to_muxed: Option<String>,
    /// Stellar address of the account that pays.
    #[serde(default = "issuer")]
    pub from: String,
    /// Code of the asset.
    #[serde(default = "tft")]
    pub asset: String,
    /// Stellar address of its issuer.
    #[serde(default = "issuer")]
    pub issuer: String,
    /// Kind of operation.
    #[serde(default = "payment")]
    pub kind: String,
    /// The transaction failed.
    #[serde(default)]
    pub failed: bool,
}

fn issuer() -> String {
    "GBOVQKJYHXRR3DX6NOX2RRYFRCUMSADGDESTDNBDS6CDVLGVESRTAC47".to_owned()
}

fn tft() -> String {
    "TFT".to_owned()
}

fn payment() -> String {
    "payment".to_owned()
}

/// How a list is served.
#[derive(Clone, Debug)]
pub struct Options {
    /// The operations.
    pub operations: Vec<Operation>,
    /// Passphrase of the network.
    pub passphrase: String,
    /// So many requests are answered, then one is turned away with 429 and the wish to come back in a second; 0 turns
    /// none away.
    pub busy_after: u32,
    /// From this request on every one fails with 503; 0 fails none.
    pub broken_from: u32,
    /// Operations come without their transactions, whatever was asked for.
    pub without_transactions: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            operations: Vec::new(),
            passphrase: "Public Global Stellar Network ; September 2015".to_owned(),
            busy_after: 0,
            broken_from: 0,
            without_transactions: false,
        }
    }
}

/// A list that is being served as long as the runtime runs.
#[derive(Clone, Debug)]
pub struct Server {
    options: Arc<Options>,
    requests: Arc<AtomicU32>,
}

impl Server {
    /// Serves on a port of this machine, 0 takes a free one.
    ///
    /// # Errors
    /// If the port is taken.
    pub async fn start(port: u16, options: Options) -> io::Result<(SocketAddr, Server)> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let server = Server { options: Arc::new(options), requests: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                let service = service_fn(move |request| {
                    let answer = server.answer(&request);
                    async { Ok::<_, Infallible>(answer) }
                });
                // A client that goes away is none of our business.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok((address, server))
    }

    /// Requests up to now.
    pub fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let Options { busy_after, broken_from, .. } = *self.options;
        if broken_from != 0 && number >= broken_from {
            return problem(StatusCode::SERVICE_UNAVAILABLE);
        }
        if busy_after != 0 && number.is_multiple_of(busy_after + 1) {
            return problem(StatusCode::TOO_MANY_REQUESTS);
        }
        let query = request.uri().query().unwrap_or_default();
        let parts: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        match parts.as_slice() {
            [] => success(&json!({ "network_passphrase": self.options.passphrase })),
            ["accounts", account, "payments"] => self.payments(account, query),
            ["transactions", hash] => {
                match self.operations().find(|(id, _)| transaction_hash(*id) == *hash) {
                    Some((id, operation)) => success(&transaction(id, operation)),
                    None => problem(StatusCode::NOT_FOUND),
                }
            }
            _ => problem(StatusCode::NOT_FOUND),
        }
    }

    /// Operations with their identifiers: one ledger for each, as the upper half of the number says.
    fn operations(&self) -> impl Iterator<Item = (u64, &Operation)> {
        self.options
            .operations
            .iter()
            .zip(1_u64..)
            .map(|(operation, ledger)| ((ledger << 32) + 4_097, operation))
    }

    fn payments(&self, account: &str, query: &str) -> Response<Full<Bytes>> {
        let value = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, v)| v)
        };
        let number = |name: &str, default: u64| match value(name) {
            None | Some("") => Some(default),
            Some(text) => text.parse().ok(),
        };
        let (Some(cursor), Some(limit)) = (number("cursor", 0), number("limit", PAGE_DEFAULT as u64)) else {
            return problem(StatusCode::BAD_REQUEST);
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if !(1..=PAGE_MAX).contains(&limit) || value("order") == Some("desc") {
            return problem(StatusCode::BAD_REQUEST);
        }
        let joined = value("join") == Some("transactions") && !self.options.without_transactions;
        let records: Vec<Value> = self
            .operations()
            .filter(|(id, operation)| {
                *id > cursor && [&operation.from, &operation.to].iter().any(|a| *a == account)
            })
            .filter(|(_, operation)| !operation.failed || value("include_failed") == Some("true"))
            .take(limit)
            .map(|(id, operation)| record(id, operation, joined))
            .collect();
        success(&json!({ "_embedded": { "records": records } }))
    }
}

fn record(id: u64, operation: &Operation, joined: bool) -> Value {
    let mut record = json!({
        "id": id.to_string(),
        "paging_token": id.to_string(),
        "transaction_successful": !operation.failed,
        "type": operation.kind,
        "created_at": created_at(operation),
        "transaction_hash": transaction_hash(id),
        "asset_type": "credit_alphanum4",
        "asset_code": operation.asset,
        "asset_issuer": operation.issuer,
        "from": operation.from,
        "to": operation.to,
        "amount": operation.amount,
    });
    if let Some(fields) = record.as_object_mut() {
        if let Some(address) = &operation.to_muxed {
            fields.insert("to_muxed".to_owned(), address.as_str().into());
        }
        if joined {
            fields.insert("transaction".to_owned(), transaction(id, operation));
        }
    }
    record
}

fn transaction(id: u64, operation: &Operation) -> Value {
    let mut transaction = json!({
        "hash": transaction_hash(id),
        "created_at": created_at(operation),
        "successful": !operation.failed,
        "memo_type": "none",
    });
    let memo = match (&operation.hash, &operation.text) {
        (Some(hash), _) => Some(("hash", STANDARD.encode(hex::decode(hash).unwrap_or_default()))),
        (None, Some(text)) => Some(("text", text.clone())),
        (None, None) => None,
    };
    if let (Some((kind, memo)), Some(fields)) = (memo, transaction.as_object_mut()) {
        fields.insert("memo_type".to_owned(), kind.into());
        fields.insert("memo".to_owned(), memo.into());
    }
    transaction
}

/// Made up, but one for each operation.
fn transaction_hash(id: u64) -> String {
    format!("{id:064x}")
}

fn created_at(operation: &Operation) -> String {
    Timestamp::from_second(operation.time).map_or_else(|_| String::new(), |time| time.to_string())
}

fn success(body: &Value) -> Response<Full<Bytes>> {
    Response::new(Full::new(Bytes::from(body.to_string())))
}

/// An error as Horizon words it.
fn problem(status: StatusCode) -> Response<Full<Bytes>> {
    let body = json!({ "title": status.canonical_reason(), "status": status.as_u16() }).to_string();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert("retry-after", hyper::header::HeaderValue::from_static("1"));
    }
    response
}
