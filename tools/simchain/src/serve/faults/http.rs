//! Spoils what HTTP carries.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, UPGRADE};
use hyper::{Request, Response};
use jsonrpsee::server::HttpBody;
use jsonrpsee::types::error::TOO_BIG_BATCH_REQUEST_CODE;
use serde_json::{Value, json};
use tower::{BoxError, Service};

use super::{Faults, HttpFault, RetryAfter};
use crate::serve::stream::Tear;

const HTML: &str = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n\
    <center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

type Reply = Response<HttpBody>;

/// Answers a request by `inner`, wrongly if a fault says so.
pub async fn respond<S, B>(
    faults: Arc<Faults>,
    tear: Tear,
    mut inner: S,
    request: Request<B>,
) -> Result<Reply, BoxError>
where
    S: Service<Request<HttpBody>, Response = Reply, Error = BoxError>,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if !faults.has_http() || request.headers().contains_key(UPGRADE) {
        return inner.call(request.map(HttpBody::new)).await;
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(Into::into)?.to_bytes();
    let items = items(&body);
    let request = Request::from_parts(head, HttpBody::new(Full::new(body)));
    let Some(fault) = faults.of_http(items) else { return inner.call(request).await };
    match fault {
        HttpFault::Status { code, retry_after } => status(*code, *retry_after),
        HttpFault::BadGateway => {
            let mut reply = Response::builder().status(502).body(HttpBody::from(HTML))?;
            reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
            Ok(reply)
        }
        HttpFault::BatchLimit(limit) => {
            let error = json!({
                "jsonrpc": "2.0",
                "error": {
                    "code": TOO_BIG_BATCH_REQUEST_CODE,
                    "message": "The batch request was too large",
                    "data": format!("Exceeded max limit of {limit}"),
                },
                "id": null,
            });
            let mut reply = Response::new(HttpBody::from(error.to_string()));
            reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Ok(reply)
        }
        HttpFault::Stall(duration) => {
            tokio::time::sleep(*duration).await;
            inner.call(request).await
        }
        HttpFault::Reset => {
            let (head, bytes) = read(inner.call(request).await?).await?;
            tear.tear();
            Ok(Response::from_parts(head, HttpBody::new(Torn { first: Some(half(&bytes)), waited: false })))
        }
        HttpFault::Truncate => {
            let (head, bytes) = read(inner.call(request).await?).await?;
            Ok(Response::from_parts(head, HttpBody::new(Full::new(half(&bytes)))))
        }
        HttpFault::Disorder => {
            let (head, bytes) = read(inner.call(request).await?).await?;
            Ok(Response::from_parts(head, HttpBody::from(disordered(&bytes))))
        }
        HttpFault::OtherId => {
            let (head, bytes) = read(inner.call(request).await?).await?;
            Ok(Response::from_parts(head, HttpBody::from(misaddressed(&bytes))))
        }
    }
}

/// Calls in a batch, or none if the request is no batch.
fn items(body: &[u8]) -> Option<usize> {
    Some(serde_json::from_slice::<Value>(body).ok()?.as_array()?.len())
}

#[expect(clippy::disallowed_methods, reason = "a date in Retry-After is meant by the clock")]
fn status(code: u16, retry_after: Option<RetryAfter>) -> Result<Reply, BoxError> {
    let mut reply = Response::builder().status(code).body(HttpBody::from("try again later"))?;
    let value = match retry_after {
        None => return Ok(reply),
        Some(RetryAfter::Seconds(seconds)) => seconds.to_string(),
        Some(RetryAfter::Date(from_now)) => httpdate::fmt_http_date(SystemTime::now() + from_now),
    };
    reply.headers_mut().insert(RETRY_AFTER, HeaderValue::try_from(value)?);
    Ok(reply)
}

/// The whole reply; its length goes, because it will be another.
async fn read(reply: Reply) -> Result<(hyper::http::response::Parts, Bytes), BoxError> {
    let (mut head, body) = reply.into_parts();
    head.headers.remove(hyper::header::CONTENT_LENGTH);
    Ok((head, body.collect().await?.to_bytes()))
}

fn half(bytes: &Bytes) -> Bytes {
    bytes.slice(..bytes.len() / 2)
}

/// The answers of a batch, the last one first.
fn disordered(bytes: &[u8]) -> String {
    let mut answers: Vec<Value> = serde_json::from_slice(bytes).unwrap_or_default();
    answers.reverse();
    Value::Array(answers).to_string()
}

/// The answer, or the first one of a batch, for an id that nobody asked with.
fn misaddressed(bytes: &[u8]) -> String {
    let mut answer: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let id = match &mut answer {
        Value::Array(answers) => answers.first_mut().and_then(|answer| answer.get_mut("id")),
        single => single.get_mut("id"),
    };
    if let Some(id) = id {
        *id = json!(u32::MAX);
    }
    answer.to_string()
}

/// Half an answer, and then the end of the connection.
struct Torn {
    first: Option<Bytes>,
    waited: bool,
}

impl Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if !self.waited {
            // Whoever sends the body sends its first half when there is nothing more to read at once.
            self.waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
