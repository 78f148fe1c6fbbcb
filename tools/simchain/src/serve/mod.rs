//! Serves a chain over JSON-RPC as an archive node does: HTTP and WebSocket on one port of this machine.

mod answers;
mod json;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerConfig, ServerHandle};

use crate::chain::Chain;
use crate::error::Error;

pub use answers::FINALITY_LAG;

/// Largest request and answer in bytes, as on a Substrate node.
const MAX_BODY: u32 = 15 * 1024 * 1024;
/// Connections at a time.
const MAX_CONNECTIONS: u32 = 1_000;

/// Serves the chain until the handle is stopped or dropped; port 0 takes a free one.
///
/// Every answer is held back for `latency`.
pub async fn start(
    chain: Arc<Chain>,
    port: u16,
    latency: Duration,
) -> Result<(SocketAddr, ServerHandle), Error> {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_BODY)
        .max_response_body_size(MAX_BODY)
        .max_connections(MAX_CONNECTIONS)
        .build();
    let server = Server::builder().set_config(config).build(("127.0.0.1", port)).await?;
    let address = server.local_addr()?;
    Ok((address, server.start(module(chain, latency)?)))
}

fn module(chain: Arc<Chain>, latency: Duration) -> Result<RpcModule<Chain>, Error> {
    let mut module = RpcModule::from_arc(chain);
    for (name, answer) in answers::METHODS {
        module.register_async_method(name, move |params, chain, _| async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            answer(&chain, &params)
        })?;
    }
    Ok(module)
}
