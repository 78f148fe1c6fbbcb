//! Reads from the headers of an HTTP answer how long the endpoint wants to be left alone.
//!
//! The JSON-RPC client drops the headers of an answer that is no success, so a layer below it notes them.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use jsonrpsee::http_client::{HeaderMap, HttpRequest, HttpResponse};
use tower::{Layer, Service};

use super::endpoint::lock;

/// Nobody is waited for longer at once, whatever the endpoint says.
const WISH_MAX: Duration = Duration::from_secs(300);

/// What an endpoint last said about when to come back.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish(Arc<Mutex<Option<Duration>>>);

impl Wish {
    /// The wish, if there was one since it was last asked for.
    pub(super) fn take(&self) -> Option<Duration> {
        lock(&self.0).take()
    }
}

impl<S> Layer<S> for Wish {
    type Service = Noting<S>;

    fn layer(&self, inner: S) -> Noting<S> {
        Noting { inner, wish: self.clone() }
    }
}

/// Carries requests on, and notes the wish in their answers.
#[derive(Clone, Debug)]
pub(super) struct Noting<S> {
    inner: S,
    wish: Wish,
}

impl<S, B> Service<HttpRequest> for Noting<S>
where
    S: Service<HttpRequest, Response = HttpResponse<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let (answer, wish) = (self.inner.call(request), self.wish.clone());
        Box::pin(async move {
            let answer = answer.await?;
            if !answer.status().is_success() {
                *lock(&wish.0) = retry_after(answer.headers(), jiff::Timestamp::now());
            }
            Ok(answer)
        })
    }
}

/// `Retry-After`, in seconds or as a date (RFC 9110, section 10.2.3), bounded.
fn retry_after(headers: &HeaderMap, now: jiff::Timestamp) -> Option<Duration> {
    let text = headers.get("retry-after")?.to_str().ok()?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            u64::try_from(date.as_second().saturating_sub(now.as_second())).unwrap_or(0)
        }
    };
    Some(Duration::from_secs(seconds).min(WISH_MAX))
}

#[cfg(test)]
mod tests {
    use jsonrpsee::http_client::HeaderValue;

    use super::*;

    #[test]
    fn both_forms_of_retry_after_are_understood_and_bounded() {
        let now: jiff::Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_str(text).unwrap());
            retry_after(&headers, now).map(|wish| wish.as_secs())
        };
        assert_eq!(read("3"), Some(3));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:07 GMT"), Some(0));
        assert_eq!(read("86400"), Some(300));
        assert_eq!(read("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
