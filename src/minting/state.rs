//! What the rules are given besides events: where the period lies, and the state of the chain at its ends.

use std::collections::BTreeMap;

use crate::chain::types::{
    Consumption, ContractId, Farm, FarmingPolicy, Height, Node, NodeContract, NodeId, NodePower, Resources,
    Twin,
};

use super::period::Period;

/// Where a period lies on the chain.
///
/// Blocks `first_block..=last_block` belong to the period; later ones only tell how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundaries {
    /// The period.
    pub period: Period,
    /// First block of the period: the first one whose time lies after the start.
    pub first_block: Height,
    /// Time of that block, seconds since the epoch.
    pub first_block_time: i64,
    /// Last block of the period: the first one whose time lies after the end. It is also the first block
    /// of the next period.
    pub last_block: Height,
    /// For a preliminary result: time of the last block that is known, seconds since the epoch.
    pub known_until: Option<i64>,
}

impl Boundaries {
    /// The part of the period that uptime is measured against: of a preliminary result, that up to the last block.
    pub fn measured(&self) -> Period {
        match self.known_until {
            Some(known) => Period { end: known.clamp(self.period.start, self.period.end), ..self.period },
            None => self.period,
        }
    }
}

/// State of the chain after the first block of the period. The events of that block are applied to it again.
#[derive(Clone, Debug, Default)]
pub struct StartState {
    /// Every node that exists.
    pub nodes: Vec<Node>,
    /// Power management of nodes; a node without an entry is up and is to be up. Entries of identifiers
    /// without a node are not read.
    pub power: BTreeMap<NodeId, StartPower>,
    /// Every node contract, with what it uses.
    pub contracts: Vec<(NodeContract, Resources)>,
    /// The last consumption report of contracts before the first block, where the rules look for it.
    pub last_use: BTreeMap<ContractId, LastUse>,
}

/// A consumption report, as far as the next one is counted from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LastUse {
    /// The time it states, seconds since the epoch.
    pub at: i64,
    /// Bytes of traffic that its counter stood at.
    pub nru: u64,
}

impl From<&Consumption> for LastUse {
    fn from(report: &Consumption) -> Self {
        Self { at: i64::try_from(report.timestamp).unwrap_or(i64::MAX), nru: report.nru }
    }
}

/// Power management of a node at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartPower {
    /// What the chain says.
    pub power: NodePower,
    /// Time, in seconds since the epoch, of the block named by `Down(block)`; none if the node is up.
    pub down_since: Option<i64>,
}

/// State of the chain after the last block of the period, by identifier.
#[derive(Clone, Debug, Default)]
pub struct EndState {
    /// Every farm.
    pub farms: BTreeMap<u32, Farm>,
    /// Every twin.
    pub twins: BTreeMap<u32, Twin>,
    /// Stellar addresses, by farm.
    pub payout_addresses: BTreeMap<u32, Vec<u8>>,
    /// Every farming policy.
    pub policies: BTreeMap<u32, FarmingPolicy>,
}

impl EndState {
    /// Stellar address of a farm; empty if it has none.
    pub(super) fn payout_address(&self, farm: u32) -> String {
        self.payout_addresses
            .get(&farm)
            .map(|address| String::from_utf8_lossy(address).into_owned())
            .unwrap_or_default()
    }
}
