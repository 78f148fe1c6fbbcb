//! Which shard gets which event: every node, and every contract on it, belongs to exactly one.

use std::collections::BTreeMap;

use super::decode::{Other, Report, shard_of};
use crate::{
    chain::types::{ContractId, Event, NodeId},
    minting::{Fold, Folded, StartState},
};

/// The events of one chunk for one shard.
#[derive(Debug, Default)]
pub struct Work {
    /// Uptime reports in the order of the chain.
    pub reports: Vec<Report>,
    /// Everything else in the order of the chain.
    pub others: Vec<Other>,
}

impl Work {
    /// Bytes that it holds in memory.
    pub fn bytes(&self) -> u64 {
        let bytes = size_of_val(self.reports.as_slice()) + size_of_val(self.others.as_slice());
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// Applies all of it in the order of the chain.
    pub fn apply(&self, fold: &mut Fold) {
        let mut reports = self.reports.as_slice();
        for other in &self.others {
            let before = reports.iter().take_while(|report| report.order < other.order).count();
            let (taken, left) = reports.split_at_checked(before).unwrap_or((reports, &[]));
            fold.apply_reports(taken.iter().map(|report| &report.report));
            fold.apply(other.block, other.time, &other.event);
            reports = left;
        }
        fold.apply_reports(reports.iter().map(|report| &report.report));
    }
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
                if let Some(last) = start.last_use.get(&contract.contract_id) {
                    part.last_use.insert(contract.contract_id, *last);
                }
                part.contracts.push((contract, used));
            }
        }
        (router, parts)
    }

    /// Knows the contracts of a saved state.
    pub fn resume(folded: &Folded, shards: usize) -> Router {
        Router { shards: shards.max(1), contracts: folded.contracts().collect() }
    }

    /// The node of a contract, if that is known.
    pub fn known(&self, contract: ContractId) -> Option<NodeId> {
        self.contracts.get(&contract).copied()
    }

    /// Gives the events of a chunk to their shards; chunks come in the order of the chain. `reports` are by shard
    /// already.
    pub fn route(&mut self, reports: Vec<Vec<Report>>, others: Vec<Other>) -> Vec<Work> {
        let with_reports = |reports| Work { reports, others: Vec::new() };
        let mut work: Vec<Work> = reports.into_iter().map(with_reports).collect();
        for other in others {
            let node = self.node(&other.event);
            if let Some(work) = work.get_mut(self.shard_of(node)) {
                work.others.push(other);
            }
        }
        work
    }

    /// The node that an event concerns.
    fn node(&mut self, event: &Event) -> NodeId {
        match event {
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
        }
    }

    /// The node of a contract; an unknown contract is left to the shard of node 0, which will not know it either.
    fn node_of(&self, contract: ContractId) -> NodeId {
        self.contracts.get(&contract).copied().unwrap_or_default()
    }

    fn shard_of(&self, node: NodeId) -> usize {
        shard_of(node, self.shards)
    }
}
