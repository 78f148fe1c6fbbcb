//! Which shard gets which event: every node, and every contract on it, belongs to exactly one.

use std::collections::BTreeMap;

use crate::{
    chain::types::{ContractId, Event, NodeId},
    minting::StartState,
};

/// An event with its block.
#[derive(Clone, Debug)]
pub struct Timed {
    /// Height.
    pub block: u32,
    /// Time of the block, unix seconds.
    pub time: i64,
    /// The event.
    pub event: Event,
}

/// Knows on which node a contract runs.
#[derive(Debug)]
pub struct Router {
    shards: usize,
    contracts: BTreeMap<ContractId, NodeId>,
}

impl Router {
    /// Splits the start state into one part for each of at least one shard.
    pub fn split(start: StartState, shards: usize) -> (Router, Vec<StartState>) {
        let mut router = Router { shards: shards.max(1), contracts: BTreeMap::new() };
        let mut parts = vec![StartState::default(); router.shards];
        for node in start.nodes {
            if let Some(part) = parts.get_mut(router.shard_of(node.id)) {
                part.nodes.push(node);
            }
        }
        for (node, power) in start.power {
            if let Some(part) = parts.get_mut(router.shard_of(node)) {
                part.power.insert(node, power);
            }
        }
        for (contract, used) in start.contracts {
            router.contracts.insert(contract.contract_id, contract.node_id);
            if let Some(part) = parts.get_mut(router.shard_of(contract.node_id)) {
                part.contracts.push((contract, used));
            }
        }
        (router, parts)
    }

    /// Number of the shard that an event belongs to; events are given in the order of the chain.
    pub fn route(&mut self, event: &Event) -> usize {
        let node = match event {
            Event::NodeStored(node) | Event::NodeUpdated(node) => node.id,
            Event::NodeUptimeReported { node, .. }
            | Event::PowerTargetChanged { node, .. }
            | Event::PowerStateChanged { node, .. } => *node,
            Event::NodeContractCreated(contract) => {
                self.contracts.insert(contract.contract_id, contract.node_id);
                contract.node_id
            }
            Event::UpdatedUsedResources { contract, .. } => self.node_of(*contract),
            Event::NruConsumptionReportReceived(report) => self.node_of(report.contract_id),
            Event::ConsumptionReportReceived(report) => self.node_of(report.contract_id),
        };
        self.shard_of(node)
    }

    /// The node of a contract; an unknown contract is left to the shard of node 0, which will not know it either.
    fn node_of(&self, contract: ContractId) -> NodeId {
        self.contracts.get(&contract).copied().unwrap_or_default()
    }

    fn shard_of(&self, node: NodeId) -> usize {
        usize::try_from(node).unwrap_or_default().checked_rem(self.shards).unwrap_or_default()
    }
}
