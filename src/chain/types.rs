//! What a block says, as plain data: the vocabulary between the decoder and the rules.
//!
//! Nothing here knows about bytes, metadata versions or files. Every type is the part of an on-chain
//! type that the rules read; fields the rules never read are not kept.

use serde::{Deserialize, Serialize};

/// Height of a block (`BlockNumber` of the runtime).
pub type Height = u32;
/// Identifier of a node (`TfgridModule.NodeID`).
pub type NodeId = u32;
/// Identifier of a contract (`SmartContractModule.ContractID`).
pub type ContractId = u64;

/// Capacity of a node, or the part of it that a contract uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Cores.
    pub cru: u64,
    /// Memory, bytes.
    pub mru: u64,
    /// Disk space, bytes.
    pub hru: u64,
    /// Solid-state storage, bytes.
    pub sru: u64,
}

impl Resources {
    /// The smaller of both for every resource.
    pub fn least(&self, other: &Self) -> Self {
        Self {
            cru: self.cru.min(other.cru),
            mru: self.mru.min(other.mru),
            hru: self.hru.min(other.hru),
            sru: self.sru.min(other.sru),
        }
    }
}

/// Who vouches for the hardware of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeCertification {
    /// Built by its farmer.
    Diy,
    /// Sold by a certified vendor.
    Certified,
}

/// `TfgridModule.Nodes`, and the payload of `NodeStored` and `NodeUpdated`.
///
/// Runtimes that had not all of these fields decode to the defaults that are named at each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// The node itself.
    pub id: NodeId,
    /// The farm it belongs to.
    pub farm_id: u32,
    /// Its digital twin.
    pub twin_id: u32,
    /// Capacity.
    pub resources: Resources,
    /// Certification of the hardware; before spec 28 no node was certified, and all are DIY.
    pub certification: NodeCertification,
    /// The node says that it runs inside a virtual machine; false before spec 43, when nodes did not say.
    pub virtualized: bool,
    /// The farming policy that prices its capacity; 0, which is no policy, in the first development runtimes.
    pub farming_policy_id: u32,
    /// Price of one TFT in thousandths of a US dollar at the time the node was connected; 80 before spec 63, the
    /// constant that the rules of that time used.
    pub connection_price: u32,
}

/// Target of the power management of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerTarget {
    /// The node is to run.
    Up,
    /// The node is to sleep.
    Down,
}

/// State of the power management of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PowerState {
    /// The node runs.
    Up,
    /// The node went to sleep in this block.
    Down(Height),
}

/// `TfgridModule.NodePower`; a node without an entry is up and is to be up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodePower {
    /// Where the node is.
    pub state: PowerState,
    /// Where the farmer wants it.
    pub target: PowerTarget,
}

/// `TfgridModule.Farms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// The farm itself.
    pub id: u32,
    /// Its name, chosen by the farmer: any bytes.
    pub name: Vec<u8>,
}

/// `TfgridModule.Twins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    /// The twin itself.
    pub id: u32,
    /// Relay that serves it; runtimes before relays decode to none.
    pub relay: Option<Vec<u8>>,
    /// Public key; runtimes before relays decode to none.
    pub pk: Option<Vec<u8>>,
}

/// `TfgridModule.FarmingPoliciesMap`; before spec 63 the list `FarmingPolicies`, which lacks the last three fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FarmingPolicy {
    /// The policy itself.
    pub id: u32,
    /// Thousandths of a US dollar for one CU and month.
    pub cu: u32,
    /// Thousandths of a US dollar for one SU and month.
    pub su: u32,
    /// Thousandths of a US dollar for one NU.
    pub nu: u32,
    /// Thousandths of a US dollar for one public IPv4 address and hour.
    pub ipv4: u32,
    /// Uptime below which nothing is paid; see rule B3 for its unit. 0 before spec 63.
    pub minimal_uptime: u16,
    /// The policy can not be changed; false before spec 63.
    pub immutable: bool,
    /// The policy is used for nodes that name none; false before spec 63, when nodes got the policies of
    /// `FarmingPolicyIDsByCertificationType`.
    pub default: bool,
}

/// A node contract of `SmartContractModule.Contracts`; other contracts do not concern the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeContract {
    /// The contract itself.
    pub contract_id: ContractId,
    /// The node it runs on.
    pub node_id: NodeId,
    /// Public IPv4 addresses it holds.
    pub public_ips: u32,
}

/// A report of metered use (`NruConsumptionReportReceived`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NruConsumption {
    /// The contract that used it.
    pub contract_id: ContractId,
    /// When it was metered, seconds since the epoch, as the reporter says.
    pub timestamp: u64,
    /// Length of the window it covers, seconds.
    pub window: u64,
    /// Bytes of public network traffic.
    pub nru: u64,
}

/// A report of use as zero-os sent it before use was metered on chain (`ConsumptionReportReceived`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// The contract that used it.
    pub contract_id: ContractId,
    /// When it was used, seconds since the epoch, as the reporter says.
    pub timestamp: u64,
    /// Capacity in use.
    pub used: Resources,
    /// Bytes of public network traffic.
    pub nru: u64,
}

/// An uptime report (`NodeUptimeReported`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UptimeReport {
    /// Who reports.
    pub node: NodeId,
    /// Height of its block.
    pub block: Height,
    /// Time of the block, seconds since the epoch, as the event says it.
    pub now: u64,
    /// Uptime the node claims, seconds.
    pub uptime: u64,
}

/// The events that the rules read; everything else in a block is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node was registered, or registered anew.
    NodeStored(Box<Node>),
    /// A node changed.
    NodeUpdated(Box<Node>),
    /// A node says how long it has been up.
    NodeUptimeReported {
        /// The node.
        node: NodeId,
        /// Time of the block, seconds since the epoch, as the event says it.
        now: u64,
        /// Uptime the node claims, seconds.
        uptime: u64,
    },
    /// The farmer asked the node to wake up or to sleep.
    PowerTargetChanged {
        /// The node.
        node: NodeId,
        /// What was asked.
        target: PowerTarget,
    },
    /// The node woke up or went to sleep.
    PowerStateChanged {
        /// The node.
        node: NodeId,
        /// What it did.
        state: PowerState,
    },
    /// A node contract was made.
    NodeContractCreated(NodeContract),
    /// A contract reserved other resources.
    UpdatedUsedResources {
        /// The contract.
        contract: ContractId,
        /// Everything it uses now.
        used: Resources,
    },
    /// Metered use was reported.
    NruConsumptionReportReceived(NruConsumption),
    /// Use was reported the way it was before spec 49; no rule set since period 52 reads it.
    ConsumptionReportReceived(Consumption),
}
