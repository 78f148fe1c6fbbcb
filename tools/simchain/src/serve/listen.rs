//! The port, and the connections that come in through it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::core::middleware::RpcServiceBuilder;
use jsonrpsee::server::{Methods, Server, ServerConfig, StopHandle, serve_with_graceful_shutdown};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::faults::http;
use super::node::{self, Node};
use super::requests::RequestsLayer;
use super::stream::{Stream, Tear};

/// Largest request and answer in bytes, as on a Substrate node.
const MAX_BODY: u32 = 15 * 1024 * 1024;
/// Connections at a time.
const MAX_CONNECTIONS: u32 = 1_000;
/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// How long the port is closed; none is for ever.
pub type Closure = Option<Duration>;

/// What the requests of every connection need.
#[derive(Clone)]
pub struct Gate {
    pub node: Arc<Node>,
    pub latency: Duration,
    /// Closes the port.
    pub closing: mpsc::UnboundedSender<Closure>,
    pub stop: StopHandle,
}

/// A port of this machine, kept from others even while nobody listens on it.
pub struct Port {
    pub address: SocketAddr,
    _reserved: TcpSocket,
}

impl Port {
    /// Takes a port, a free one for 0, and listens on it.
    pub fn take(port: u16) -> io::Result<(Port, TcpListener)> {
        let reserved = socket(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let address = reserved.local_addr()?;
        let port = Port { address, _reserved: reserved };
        let listener = port.listen()?;
        Ok((port, listener))
    }

    fn listen(&self) -> io::Result<TcpListener> {
        socket(self.address)?.listen(BACKLOG)
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until stopped.
pub async fn run(
    port: Port,
    mut listener: TcpListener,
    gate: Gate,
    mut to_close: mpsc::UnboundedReceiver<Closure>,
    stop: StopHandle,
) {
    let Ok(methods) = node::methods(&gate.node) else { return };
    let stopped = stop.shutdown();
    tokio::pin!(stopped);
    let mut connections = JoinSet::new();
    let mut ending = watch::Sender::new(());
    loop {
        tokio::select! {
            () = &mut stopped => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            Ok((tcp, _)) = listener.accept() => {
                connections.spawn(serve(tcp, gate.clone(), methods.clone(), ending.subscribe()));
            }
            Some(closure) = to_close.recv() => {
                drop(listener);
                // Ends the WebSockets, which live on without the task that took the connection.
                ending = watch::Sender::new(());
                connections.abort_all();
                tokio::select! {
                    () = &mut stopped => return,
                    () = wait(closure) => {}
                }
                // What was asked meanwhile could not ask for another closure.
                while to_close.try_recv().is_ok() {}
                match port.listen() {
                    Ok(again) => listener = again,
                    Err(_) => return,
                }
            }
        }
    }
    drop(listener);
    // Every connection is told to stop by the handle that it holds.
    while connections.join_next().await.is_some() {}
}

async fn wait(closure: Closure) {
    match closure {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

async fn serve(tcp: TcpStream, gate: Gate, methods: Methods, mut ending: watch::Receiver<()>) {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_BODY)
        .max_response_body_size(MAX_BODY)
        .max_connections(MAX_CONNECTIONS)
        .build();
    let layer = RequestsLayer::new(gate.clone());
    let builder = Server::builder()
        .set_config(config)
        .set_rpc_middleware(RpcServiceBuilder::new().layer(layer))
        .to_service_builder();
    // Small answers are not held back to be sent together; if that fails they are only slower.
    let _ = tcp.set_nodelay(true);
    let tear = Tear::default();
    let stream = Stream {
        tcp,
        counters: Arc::clone(gate.node.counters()),
        tear: tear.clone(),
        // The sender is never used: it is dropped when all connections have to end.
        ending: Box::pin(async move { while ending.changed().await.is_ok() {} }),
    };
    let stop = gate.stop.clone();
    let service = tower::service_fn(move |request| {
        let inner = builder.clone().build(methods.clone(), gate.stop.clone());
        http::respond(Arc::clone(gate.node.faults()), tear.clone(), inner, request)
    });
    // How a connection ends is the business of its other end.
    let _ = serve_with_graceful_shutdown(stream, service, stop.shutdown()).await;
}
