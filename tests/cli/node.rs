//! The synthetic chain as an archive node.
#![cfg(feature = "fetch")]

use std::{sync::Arc, time::Duration};

use simchain::{Options, Scenario, chain::Chain, serve};

/// Serves a chain until it is dropped.
pub struct Node {
    pub port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Node {
    pub fn serve(options: Options) -> Node {
        Node::serve_with(options, vec![])
    }

    /// Serves a chain of which the last blocks, so many, are not final yet.
    pub fn serve_without(options: Options, blocks: u32) -> Node {
        Node::serve_with(options, vec![format!("head-back:by={blocks}").parse().unwrap()])
    }

    pub fn of(scenario: Scenario) -> Node {
        Node::start(scenario, vec![])
    }

    fn serve_with(options: Options, faults: Vec<serve::faults::Fault>) -> Node {
        Node::start(Scenario::new(options).unwrap(), faults)
    }

    fn start(scenario: Scenario, faults: Vec<serve::faults::Fault>) -> Node {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let chain = Arc::new(Chain::collect(scenario.produce()));
        let config = serve::Config { port: 0, latency: Duration::ZERO, faults, fault_seed: 1 };
        let served = runtime.block_on(serve::serve(chain, config)).unwrap();
        runtime.spawn(served.handle.clone().stopped());
        Node { port: served.address.port(), _runtime: runtime }
    }
}
