//! Requests, as HTTP and WebSocket both carry them: one call, or a batch of calls.

use jsonrpsee::MethodResponse;
use jsonrpsee::core::middleware::{Batch, Notification, RpcServiceT};
use jsonrpsee::types::Request;

use super::listen::Gate;
use super::node::COUNTERS;

/// Makes every request pass the gate.
#[derive(Clone)]
pub struct RequestsLayer {
    gate: Gate,
}

impl RequestsLayer {
    pub fn new(gate: Gate) -> Self {
        RequestsLayer { gate }
    }
}

impl<S> tower::Layer<S> for RequestsLayer {
    type Service = Requests<S>;

    fn layer(&self, inner: S) -> Requests<S> {
        Requests { inner, gate: self.gate.clone() }
    }
}

/// Counts a request, holds it back, and only then lets it be answered.
#[derive(Clone)]
pub struct Requests<S> {
    inner: S,
    gate: Gate,
}

impl Gate {
    async fn pass(&self, items: usize) {
        self.node.counters().request(items);
        if let Some(closure) = self.node.faults().closes() {
            // The request is never answered: its connection is about to end, or the server has.
            let _ = self.closing.send(closure);
            std::future::pending::<()>().await;
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }
}

impl<S> RpcServiceT for Requests<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            BatchResponse = MethodResponse,
            NotificationResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type BatchResponse = MethodResponse;
    type NotificationResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Requests { inner, gate } = self.clone();
        async move {
            if request.method_name() != COUNTERS {
                gate.pass(1).await;
            }
            inner.call(request).await
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let Requests { inner, gate } = self.clone();
        async move {
            gate.pass(batch.len()).await;
            inner.batch(batch).await
        }
    }

    fn notification<'a>(
        &self,
        message: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        let inner = self.inner.clone();
        async move { inner.notification(message).await }
    }
}
