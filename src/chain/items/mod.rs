//! Which events and storage items the rules read: the only place that names them.

mod layouts;
mod node;

use self::layouts::{
    CONSUMPTION, CONTRACT, CONTRACT_RESOURCES, FARM, NODE_POWER, NRU, PLAIN_BYTES, PLAIN_CERTIFICATION,
    PLAIN_CONTRACT_ID, PLAIN_U32, PLAIN_U64, POLICY, STATE_CHANGED, TARGET_CHANGED, TWIN, UPTIME,
    consumption, nru, power_state, power_target,
};
pub use self::layouts::{
    NRU_FIELDS, UPTIME_FIELDS, certification, contract, contract_resources, farm, node_power, policy, twin,
};
use self::node::NODE;
pub use self::node::node;
use super::{
    record::{Reading, Record},
    types::Event,
};

/// An event that the rules read.
#[derive(Clone, Copy, Debug)]
pub struct NeededEvent {
    /// Pallet.
    pub pallet: &'static str,
    /// Variant of its event enum.
    pub event: &'static str,
    /// What is read of it.
    pub reading: &'static Reading,
    /// Makes the event; none inside if the rules do not read this one after all, none outside if a slot is empty,
    /// which a compiled plan does not leave.
    pub make: fn(&Record) -> Option<Option<Event>>,
}

const TFGRID: &str = "TfgridModule";
const CONTRACTS: &str = "SmartContractModule";

/// Every event that the rules read, and the one that the reports of use replaced.
pub const EVENTS: &[NeededEvent] = &[
    NeededEvent {
        pallet: TFGRID,
        event: "NodeStored",
        reading: &NODE,
        make: |r| Some(Some(Event::NodeStored(Box::new(node(r)?)))),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "NodeUpdated",
        reading: &NODE,
        make: |r| Some(Some(Event::NodeUpdated(Box::new(node(r)?)))),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "NodeUptimeReported",
        reading: &UPTIME,
        make: |r| {
            let (node, now, uptime) = (r.number32(0)?, r.number(1)?, r.number(2)?);
            Some(Some(Event::NodeUptimeReported { node, now, uptime }))
        },
    },
    NeededEvent {
        pallet: TFGRID,
        event: "PowerTargetChanged",
        reading: &TARGET_CHANGED,
        make: |r| Some(Some(Event::PowerTargetChanged { node: r.number32(0)?, target: power_target(r, 1)? })),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "PowerStateChanged",
        reading: &STATE_CHANGED,
        make: |r| Some(Some(Event::PowerStateChanged { node: r.number32(0)?, state: power_state(r)? })),
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "ContractCreated",
        reading: &CONTRACT,
        make: |r| Some(contract(r)?.map(Event::NodeContractCreated)),
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "UpdatedUsedResources",
        reading: &CONTRACT_RESOURCES,
        make: |r| {
            contract_resources(r).map(|(contract, used)| Some(Event::UpdatedUsedResources { contract, used }))
        },
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "NruConsumptionReportReceived",
        reading: &NRU,
        make: |r| Some(Some(Event::NruConsumptionReportReceived(nru(r)?))),
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "ConsumptionReportReceived",
        reading: &CONSUMPTION,
        make: |r| Some(Some(Event::ConsumptionReportReceived(consumption(r)?))),
    },
];

/// A storage item that the rules read.
#[derive(Clone, Copy, Debug)]
pub struct NeededItem {
    /// Pallet.
    pub pallet: &'static str,
    /// Name.
    pub item: &'static str,
    /// How the key of a map is read, to one number; none for a plain value.
    pub key: Option<&'static Reading>,
    /// Whether the value is a list of what is read.
    pub list: bool,
    /// What is read of the value.
    pub reading: &'static Reading,
}

const fn plain(pallet: &'static str, item: &'static str, reading: &'static Reading) -> NeededItem {
    NeededItem { pallet, item, key: None, list: false, reading }
}

const fn map(
    pallet: &'static str,
    item: &'static str,
    key: &'static Reading,
    reading: &'static Reading,
) -> NeededItem {
    NeededItem { pallet, item, key: Some(key), list: false, reading }
}

/// Time of the block, milliseconds. It comes with every block, so that no snapshot needs it.
pub const BLOCK_TIME: NeededItem = plain("Timestamp", "Now", &PLAIN_U64);
/// Highest node id.
pub const NODE_ID: NeededItem = plain(TFGRID, "NodeID", &PLAIN_U32);
/// Nodes by id.
pub const NODES: NeededItem = map(TFGRID, "Nodes", &PLAIN_U32, &NODE);
/// Power management by node id.
pub const NODE_POWERS: NeededItem = map(TFGRID, "NodePower", &PLAIN_U32, &NODE_POWER);
/// Farms by id.
pub const FARMS: NeededItem = map(TFGRID, "Farms", &PLAIN_U32, &FARM);
/// Payout address by farm id.
pub const PAYOUT_ADDRESSES: NeededItem = map(TFGRID, "FarmPayoutV2AddressByFarmID", &PLAIN_U32, &PLAIN_BYTES);
/// Twins by id.
pub const TWINS: NeededItem = map(TFGRID, "Twins", &PLAIN_U32, &TWIN);
/// Farming policies by id.
pub const POLICIES: NeededItem = map(TFGRID, "FarmingPoliciesMap", &PLAIN_U32, &POLICY);
/// Farming policies before they were a map.
pub const POLICY_LIST: NeededItem = NeededItem { list: true, ..plain(TFGRID, "FarmingPolicies", &POLICY) };
/// Which of them nodes of a certification got, before policies said so themselves.
pub const POLICY_IDS: NeededItem = NeededItem {
    list: true,
    ..map(TFGRID, "FarmingPolicyIDsByCertificationType", &PLAIN_CERTIFICATION, &PLAIN_U32)
};
/// Highest contract id.
pub const CONTRACT_ID: NeededItem = plain(CONTRACTS, "ContractID", &PLAIN_CONTRACT_ID);
/// Contracts by id.
pub const CONTRACT_MAP: NeededItem = map(CONTRACTS, "Contracts", &PLAIN_CONTRACT_ID, &CONTRACT);
/// What node contracts use, by contract id.
pub const CONTRACT_USE: NeededItem = map(CONTRACTS, "NodeContractResources", &PLAIN_U64, &CONTRACT_RESOURCES);

/// Every storage item that is read at the first and last block of a period.
pub const STORAGE: &[NeededItem] = &[
    NODE_ID,
    NODES,
    NODE_POWERS,
    FARMS,
    PAYOUT_ADDRESSES,
    TWINS,
    POLICIES,
    POLICY_LIST,
    POLICY_IDS,
    CONTRACT_ID,
    CONTRACT_MAP,
    CONTRACT_USE,
];

/// What every runtime of this chain has. Where one of these is absent it was renamed, or the runtime is of another
/// chain: what the rules read would be skipped without a word.
///
/// Every other item may be absent: power management before spec 123, metered use before spec 49, either form of the
/// farming policies.
const PRESENT: &[&str] = &[
    "event TfgridModule.NodeStored",
    "event TfgridModule.NodeUpdated",
    "storage TfgridModule.NodeID",
    "storage TfgridModule.Nodes",
    "storage TfgridModule.Farms",
    "storage TfgridModule.Twins",
];
/// What every runtime has that has the item on the left, which the first development runtimes had not.
const PRESENT_WITH: &[(&str, &[&str])] = &[
    ("storage TfgridModule.FarmPayoutV2AddressByFarmID", &["event TfgridModule.NodeUptimeReported"]),
    (
        "pallet SmartContractModule",
        &[
            "event SmartContractModule.ContractCreated",
            "storage SmartContractModule.Contracts",
            "storage SmartContractModule.ContractID",
        ],
    ),
];

/// The first item that a runtime must have and has not, by whether it has an item named `event P.E`, `storage P.S` or
/// `pallet P`.
pub fn absent(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let with = PRESENT_WITH.iter().filter(|(item, _)| has(item)).flat_map(|(_, items)| *items);
    PRESENT.iter().chain(with).copied().find(|item| !has(item))
}

/// Whether a storage item is read: by the rules, or for the time and the events of a block.
pub fn is_read(pallet: &str, item: &str) -> bool {
    (pallet, item) == ("System", "Events")
        || STORAGE.iter().chain([&BLOCK_TIME]).any(|i| (i.pallet, i.item) == (pallet, item))
}
