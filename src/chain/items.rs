//! What the rules read of each item, by the names that the runtimes give: the only place that knows them.

use super::{
    record::{Record, Want, Wanted},
    types::{
        Event, Farm, FarmingPolicy, Node, NodeCertification, NodeContract, NodePower, NruConsumption,
        PowerState, PowerTarget, Resources, Twin,
    },
};

const U16: Want = Want::Unsigned(2);
const U32: Want = Want::Unsigned(4);
const U64: Want = Want::Unsigned(8);

const fn want(slot: usize, path: &'static str, want: Want) -> Wanted {
    Wanted { path, want, slot }
}

/// `Node`
pub const NODE: &[Wanted] = &[
    want(0, "id", U32),
    want(1, "farm_id", U32),
    want(2, "twin_id", U32),
    want(3, "resources.cru", U64),
    want(4, "resources.mru", U64),
    want(5, "resources.hru", U64),
    want(6, "resources.sru", U64),
    want(7, "certification", Want::OneOf(&[("Diy", 0, &[]), ("Certified", 1, &[])])),
    want(8, "virtualized", Want::Bool),
    want(9, "farming_policy_id", U32),
    want(10, "connection_price", U32),
];

/// A node from the record of [`NODE`].
pub fn node(record: &Record) -> Option<Node> {
    Some(Node {
        id: record.number32(0)?,
        farm_id: record.number32(1)?,
        twin_id: record.number32(2)?,
        resources: resources(record, 3)?,
        certification: match record.number(7)? {
            0 => NodeCertification::Diy,
            _ => NodeCertification::Certified,
        },
        virtualized: record.number(8)? == 1,
        farming_policy_id: record.number32(9)?,
        connection_price: record.number32(10)?,
    })
}

/// Four resources in the slots from `slot` on, in the order of [`NODE`].
fn resources(record: &Record, slot: usize) -> Option<Resources> {
    Some(Resources {
        cru: record.number(slot)?,
        mru: record.number(slot + 1)?,
        hru: record.number(slot + 2)?,
        sru: record.number(slot + 3)?,
    })
}

/// `NodeUptimeReported(node, now, uptime)`
pub const UPTIME: &[Wanted] = &[want(0, "0", U32), want(1, "1", U64), want(2, "2", U64)];

const POWER_TARGET: Want = Want::OneOf(&[("Up", 0, &[]), ("Down", 1, &[])]);

/// `PowerTargetChanged`
pub const TARGET_CHANGED: &[Wanted] = &[want(0, "node_id", U32), want(1, "power_target", POWER_TARGET)];

/// `PowerStateChanged`
pub const STATE_CHANGED: &[Wanted] = &[
    want(0, "node_id", U32),
    want(1, "power_state", Want::OneOf(&[("Up", 0, &[]), ("Down", 1, &[want(2, "", U32)])])),
];

/// `NodePower`
pub const NODE_POWER: &[Wanted] = &[
    want(0, "target", POWER_TARGET),
    want(1, "state", Want::OneOf(&[("Up", 0, &[]), ("Down", 1, &[want(2, "", U32)])])),
];

/// A power state from slots 1 and 2.
fn power_state(record: &Record) -> Option<PowerState> {
    match record.number(1)? {
        0 => Some(PowerState::Up),
        _ => record.number32(2).map(PowerState::Down),
    }
}

fn power_target(record: &Record, slot: usize) -> Option<PowerTarget> {
    Some(if record.number(slot)? == 0 { PowerTarget::Up } else { PowerTarget::Down })
}

/// A power entry from the record of [`NODE_POWER`].
pub fn node_power(record: &Record) -> Option<NodePower> {
    Some(NodePower { state: power_state(record)?, target: power_target(record, 0)? })
}

/// `Contract`: only node contracts concern the rules.
pub const CONTRACT: &[Wanted] = &[
    want(0, "contract_id", U64),
    want(
        1,
        "contract_type",
        Want::OneOf(&[
            ("NodeContract", 0, &[want(2, "node_id", U32), want(3, "public_ips", U32)]),
            ("NameContract", 1, &[]),
            ("RentContract", 2, &[]),
        ]),
    ),
];

/// A contract from the record of [`CONTRACT`]: none inside if it is no node contract.
pub fn contract(record: &Record) -> Option<Option<NodeContract>> {
    if record.number(1)? != 0 {
        return Some(None);
    }
    Some(Some(NodeContract {
        contract_id: record.number(0)?,
        node_id: record.number32(2)?,
        public_ips: record.number32(3)?,
    }))
}

/// `ContractResources`
pub const CONTRACT_RESOURCES: &[Wanted] = &[
    want(0, "contract_id", U64),
    want(1, "used.cru", U64),
    want(2, "used.mru", U64),
    want(3, "used.hru", U64),
    want(4, "used.sru", U64),
];

/// What a contract uses, from the record of [`CONTRACT_RESOURCES`].
pub fn contract_resources(record: &Record) -> Option<(u64, Resources)> {
    Some((record.number(0)?, resources(record, 1)?))
}

/// `NruConsumption`
pub const NRU: &[Wanted] = &[want(0, "contract_id", U64), want(1, "window", U64), want(2, "nru", U64)];

/// `Farm`
pub const FARM: &[Wanted] = &[want(0, "id", U32), want(1, "name", Want::Bytes)];

/// A farm from the record of [`FARM`].
pub fn farm(record: &Record) -> Option<Farm> {
    Some(Farm { id: record.number32(0)?, name: record.bytes(1)? })
}

const OPTIONAL_BYTES: &[(&str, u64, &[Wanted])] =
    &[("None", 0, &[]), ("Some", 1, &[want(2, "", Want::Bytes)])];
const SECOND_OPTIONAL_BYTES: &[(&str, u64, &[Wanted])] =
    &[("None", 0, &[]), ("Some", 1, &[want(4, "", Want::Bytes)])];

/// `Twin`
pub const TWIN: &[Wanted] = &[
    want(0, "id", U32),
    want(1, "relay", Want::OneOf(OPTIONAL_BYTES)),
    want(3, "pk", Want::OneOf(SECOND_OPTIONAL_BYTES)),
];

/// A twin from the record of [`TWIN`].
pub fn twin(record: &Record) -> Option<Twin> {
    Some(Twin { id: record.number32(0)?, relay: record.bytes(2), pk: record.bytes(4) })
}

/// `FarmingPolicy`
pub const POLICY: &[Wanted] = &[
    want(0, "id", U32),
    want(1, "cu", U32),
    want(2, "su", U32),
    want(3, "nu", U32),
    want(4, "ipv4", U32),
    want(5, "minimal_uptime", U16),
    want(6, "immutable", Want::Bool),
    want(7, "default", Want::Bool),
];

/// A farming policy from the record of [`POLICY`].
pub fn policy(record: &Record) -> Option<FarmingPolicy> {
    Some(FarmingPolicy {
        id: record.number32(0)?,
        cu: record.number32(1)?,
        su: record.number32(2)?,
        nu: record.number32(3)?,
        ipv4: record.number32(4)?,
        minimal_uptime: u16::try_from(record.number(5)?).ok()?,
        immutable: record.number(6)? == 1,
        default: record.number(7)? == 1,
    })
}

/// A value that is one integer or one byte string.
pub const PLAIN_U32: &[Wanted] = &[want(0, "", U32)];
/// See [`PLAIN_U32`].
pub const PLAIN_U64: &[Wanted] = &[want(0, "", U64)];
/// See [`PLAIN_U32`].
pub const PLAIN_BYTES: &[Wanted] = &[want(0, "", Want::Bytes)];

/// An event that the rules read.
#[derive(Clone, Copy, Debug)]
pub struct NeededEvent {
    /// Pallet.
    pub pallet: &'static str,
    /// Variant of its event enum.
    pub event: &'static str,
    /// What is read of it.
    pub wanted: &'static [Wanted],
    /// Makes the event; none inside if the rules do not read this one after all, none outside if a slot is empty,
    /// which a compiled plan does not leave.
    pub make: fn(&Record) -> Option<Option<Event>>,
}

const TFGRID: &str = "TfgridModule";
const CONTRACTS: &str = "SmartContractModule";

/// Every event of `minting-rules` section 7.
pub const EVENTS: &[NeededEvent] = &[
    NeededEvent {
        pallet: TFGRID,
        event: "NodeStored",
        wanted: NODE,
        make: |r| Some(Some(Event::NodeStored(Box::new(node(r)?)))),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "NodeUpdated",
        wanted: NODE,
        make: |r| Some(Some(Event::NodeUpdated(Box::new(node(r)?)))),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "NodeUptimeReported",
        wanted: UPTIME,
        make: |r| {
            let (node, now, uptime) = (r.number32(0)?, r.number(1)?, r.number(2)?);
            Some(Some(Event::NodeUptimeReported { node, now, uptime }))
        },
    },
    NeededEvent {
        pallet: TFGRID,
        event: "PowerTargetChanged",
        wanted: TARGET_CHANGED,
        make: |r| Some(Some(Event::PowerTargetChanged { node: r.number32(0)?, target: power_target(r, 1)? })),
    },
    NeededEvent {
        pallet: TFGRID,
        event: "PowerStateChanged",
        wanted: STATE_CHANGED,
        make: |r| Some(Some(Event::PowerStateChanged { node: r.number32(0)?, state: power_state(r)? })),
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "ContractCreated",
        wanted: CONTRACT,
        make: |r| Some(contract(r)?.map(Event::NodeContractCreated)),
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "UpdatedUsedResources",
        wanted: CONTRACT_RESOURCES,
        make: |r| {
            contract_resources(r).map(|(contract, used)| Some(Event::UpdatedUsedResources { contract, used }))
        },
    },
    NeededEvent {
        pallet: CONTRACTS,
        event: "NruConsumptionReportReceived",
        wanted: NRU,
        make: |r| {
            let (contract_id, window, nru) = (r.number(0)?, r.number(1)?, r.number(2)?);
            Some(Some(Event::NruConsumptionReportReceived(NruConsumption { contract_id, window, nru })))
        },
    },
];

/// A storage item that the rules read.
#[derive(Clone, Copy, Debug)]
pub struct NeededItem {
    /// Pallet.
    pub pallet: &'static str,
    /// Name.
    pub item: &'static str,
    /// Bytes of the key of a map; none for a plain value.
    pub key_width: Option<u8>,
    /// What is read of the value.
    pub wanted: &'static [Wanted],
}

const fn plain(pallet: &'static str, item: &'static str, wanted: &'static [Wanted]) -> NeededItem {
    NeededItem { pallet, item, key_width: None, wanted }
}

const fn map(
    pallet: &'static str,
    item: &'static str,
    key_width: u8,
    wanted: &'static [Wanted],
) -> NeededItem {
    NeededItem { pallet, item, key_width: Some(key_width), wanted }
}

/// Highest node id.
pub const NODE_ID: NeededItem = plain(TFGRID, "NodeID", PLAIN_U32);
/// Nodes by id.
pub const NODES: NeededItem = map(TFGRID, "Nodes", 4, NODE);
/// Power management by node id.
pub const NODE_POWERS: NeededItem = map(TFGRID, "NodePower", 4, NODE_POWER);
/// Farms by id.
pub const FARMS: NeededItem = map(TFGRID, "Farms", 4, FARM);
/// Payout address by farm id.
pub const PAYOUT_ADDRESSES: NeededItem = map(TFGRID, "FarmPayoutV2AddressByFarmID", 4, PLAIN_BYTES);
/// Twins by id.
pub const TWINS: NeededItem = map(TFGRID, "Twins", 4, TWIN);
/// Farming policies by id.
pub const POLICIES: NeededItem = map(TFGRID, "FarmingPoliciesMap", 4, POLICY);
/// Highest contract id.
pub const CONTRACT_ID: NeededItem = plain(CONTRACTS, "ContractID", PLAIN_U64);
/// Contracts by id.
pub const CONTRACT_MAP: NeededItem = map(CONTRACTS, "Contracts", 8, CONTRACT);
/// What node contracts use, by contract id.
pub const CONTRACT_USE: NeededItem = map(CONTRACTS, "NodeContractResources", 8, CONTRACT_RESOURCES);

/// Every storage item that is read at the first and last block of a period.
pub const STORAGE: &[NeededItem] = &[
    NODE_ID,
    NODES,
    NODE_POWERS,
    FARMS,
    PAYOUT_ADDRESSES,
    TWINS,
    POLICIES,
    CONTRACT_ID,
    CONTRACT_MAP,
    CONTRACT_USE,
];
