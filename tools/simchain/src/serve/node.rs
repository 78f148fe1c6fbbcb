//! The node: answers calls from its chain, or from another one when a fault says so.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use serde_json::Value;

use super::answers::{self, Method};
use super::counters::Counters;
use super::faults::{Faults, answers as spoiled};
use crate::chain::Chain;

/// The method that tells what was asked and answered; it does not count itself.
pub const COUNTERS: &str = "simchain_counters";

/// A node.
pub struct Node {
    chains: Chains,
    faults: Arc<Faults>,
    counters: Arc<Counters>,
}

/// The chains that a node may answer from.
pub struct Chains {
    /// Its chain.
    pub own: Arc<Chain>,
    /// Shares the first blocks with its chain.
    pub fork: Option<Chain>,
    /// Shares nothing with its chain.
    pub other: Option<Chain>,
}

impl Node {
    pub fn new(chain: Arc<Chain>, faults: Arc<Faults>, counters: Arc<Counters>) -> Self {
        let fork = faults.fork_height().map(|height| chain.fork(height));
        let other = faults.has_other_chain().then(|| chain.fork(0));
        Node { chains: Chains { own: chain, fork, other }, faults, counters }
    }

    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    fn answer(&self, name: &str, method: Method, params: &Params<'_>) -> Result<Value, ErrorObjectOwned> {
        let answer = if self.faults.spoil_answers() {
            spoiled::answer(&self.chains, &self.faults, name, method, params)
        } else {
            method(&self.chains.own, params)
        };
        if let Ok(answer) = &answer {
            self.counters.answered(name, answer);
        }
        answer
    }
}

/// The methods of a node, by name.
pub fn methods(node: &Arc<Node>) -> Result<RpcModule<Node>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(Arc::clone(node));
    for (name, method) in answers::METHODS {
        module.register_method(name, move |params, node, _| node.answer(name, method, &params))?;
    }
    module.register_method(COUNTERS, |_, node, _| node.counters.figures().json())?;
    Ok(module)
}
