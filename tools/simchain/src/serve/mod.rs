//! Serves a chain over JSON-RPC as an archive node does: HTTP and WebSocket on one port of this machine.
//!
//! A request comes in through `listen` (the port and its connections), `stream` (counts bytes), `faults::http`
//! (spoils what HTTP carries), `requests` (counts, waits), and `node` (spoils answers, then gives them from
//! `answers`). Without [faults](faults) all of that is an honest node.

mod answers;
mod counters;
pub mod faults;
mod json;
mod listen;
mod node;
mod requests;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jsonrpsee::server::{ServerHandle, stop_channel};
use tokio::sync::mpsc;

use crate::chain::Chain;
use crate::error::Error;

pub use crate::chain::FINALITY_LAG;
pub use counters::Figures;

use counters::Counters;
use faults::{Fault, Faults};
use listen::{Gate, Port};
use node::Node;

/// How a chain is served.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Every request is held back for this time, whether it is a call or a batch of them.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Seed of the faults that have a rate.
    pub fault_seed: u64,
}

/// A chain that is being served, until the handle is stopped or dropped.
#[derive(Clone, Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    /// Stops it.
    pub handle: ServerHandle,
    counters: Arc<Counters>,
    faults: Arc<Faults>,
}

impl Served {
    /// What was asked and answered so far.
    pub fn figures(&self) -> Figures {
        self.counters.figures()
    }

    /// How often each fault struck so far, in the order of [`Config::faults`].
    pub fn strikes(&self) -> Vec<u64> {
        self.faults.strikes()
    }
}

/// Serves the chain, honestly and after a delay of `latency`; port 0 takes a free one.
///
/// # Errors
/// The port can not be listened on.
pub async fn start(
    chain: Arc<Chain>,
    port: u16,
    latency: Duration,
) -> Result<(SocketAddr, ServerHandle), Error> {
    let served = serve(chain, Config { port, latency, ..Config::default() }).await?;
    Ok((served.address, served.handle))
}

/// Serves the chain as the configuration says.
///
/// # Errors
/// The port can not be listened on.
pub async fn serve(chain: Arc<Chain>, config: Config) -> Result<Served, Error> {
    let (stop, handle) = stop_channel();
    let counters = Arc::new(Counters::default());
    let faults = Arc::new(Faults::new(config.faults, config.fault_seed));
    let (port, listener) = Port::take(config.port)?;
    let (closing, to_close) = mpsc::unbounded_channel();
    let node = Arc::new(Node::new(chain, Arc::clone(&faults), Arc::clone(&counters)));
    let gate = Gate { node, latency: config.latency, closing, stop: stop.clone() };
    let address = port.address;
    tokio::spawn(listen::run(port, listener, gate, to_close, stop));
    Ok(Served { address, handle, counters, faults })
}
