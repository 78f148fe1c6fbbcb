//! The layouts of what the rules read: the current one of each item and every earlier one, by the names that the
//! runtimes gave, and what is made of them.
//!
//! The spans are spec versions; they say where a layout was seen and decide nothing. `docs/runtimes.md` has the
//! defaults in one table.

use crate::chain::{
    record::{Older, Reading, Record, Want, Wanted},
    types::{
        Consumption, Farm, FarmingPolicy, NodeCertification, NodeContract, NodePower, NruConsumption,
        PowerState, PowerTarget, Resources, Twin,
    },
};

const U16: Want = Want::Unsigned(2);
pub(super) const U32: Want = Want::Unsigned(4);
pub(super) const U64: Want = Want::Unsigned(8);

pub(super) const fn want(slot: usize, path: &'static str, want: Want) -> Wanted {
    Wanted { path, want, slot }
}

const fn current(wanted: &'static [Wanted]) -> Reading {
    Reading { wanted, older: &[] }
}

pub(super) const CERTIFICATION: Want = Want::OneOf(&[("Diy", 0, &[]), ("Certified", 1, &[])]);

/// Four resources in the slots from `slot` on, in the order CRU, MRU, HRU, SRU.
pub(super) fn resources(record: &Record, slot: usize) -> Option<Resources> {
    Some(Resources {
        cru: record.number(slot)?,
        mru: record.number(slot + 1)?,
        hru: record.number(slot + 2)?,
        sru: record.number(slot + 3)?,
    })
}

/// `NodeUptimeReported(node, now, uptime)`
pub const UPTIME: Reading = current(&[want(0, "0", U32), want(1, "1", U64), want(2, "2", U64)]);

/// Slot and bytes of each field of [`UPTIME`] where they are node, time and uptime.
pub const UPTIME_FIELDS: &[(usize, u8)] = &[(0, 4), (1, 8), (2, 8)];

const POWER_STATE: Want = Want::OneOf(&[("Up", 0, &[]), ("Down", 1, &[want(2, "", U32)])]);
const POWER_TARGET: Want = Want::OneOf(&[("Up", 0, &[]), ("Down", 1, &[])]);

/// `PowerTargetChanged`
pub const TARGET_CHANGED: Reading =
    current(&[want(0, "node_id", U32), want(1, "power_target", POWER_TARGET)]);

/// `PowerStateChanged`
pub const STATE_CHANGED: Reading = current(&[want(0, "node_id", U32), want(1, "power_state", POWER_STATE)]);

/// `NodePower`
pub const NODE_POWER: Reading = current(&[want(0, "target", POWER_TARGET), want(1, "state", POWER_STATE)]);

/// A power state from slots 1 and 2 of [`STATE_CHANGED`] or [`NODE_POWER`].
pub fn power_state(record: &Record) -> Option<PowerState> {
    match record.number(1)? {
        0 => Some(PowerState::Up),
        _ => record.number32(2).map(PowerState::Down),
    }
}

/// A power target from a slot.
pub fn power_target(record: &Record, slot: usize) -> Option<PowerTarget> {
    Some(if record.number(slot)? == 0 { PowerTarget::Up } else { PowerTarget::Down })
}

/// A power entry from the record of [`NODE_POWER`].
pub fn node_power(record: &Record) -> Option<NodePower> {
    Some(NodePower { state: power_state(record)?, target: power_target(record, 0)? })
}

/// Number of the contracts that are no node contracts.
const OTHER: (usize, u64) = (1, 1);

/// `Contract`: only node contracts concern the rules.
pub const CONTRACT: Reading = Reading {
    wanted: &[
        want(0, "contract_id", U64),
        want(
            1,
            "contract_type",
            Want::OneOf(&[
                ("NodeContract", 0, &[want(2, "node_id", U32), want(3, "public_ips", U32)]),
                ("NameContract", 1, &[]),
                ("RentContract", 2, &[]),
                // Builds with capacity reservation, specs 117 to 120.
                ("DeploymentContract", 3, &[]),
                ("CapacityReservationContract", 4, &[]),
            ]),
        ),
    ],
    older: &[
        // 1, a development runtime: every contract is one of a node.
        Older {
            fields: &[
                "version",
                "contract_id",
                "twin_id",
                "node_id",
                "deployment_data",
                "deployment_hash",
                "public_ips",
                "state",
                "public_ips_list",
            ],
            wanted: &[want(0, "contract_id", U64), want(2, "node_id", U32), want(3, "public_ips", U32)],
            defaults: &[(1, 0)],
        },
        // 1, the first development runtime with contracts, and its event: they name an account and no node.
        Older {
            fields: &["twin_id", "node_id", "workload", "public_ips", "state"],
            wanted: &[],
            defaults: &[(0, 0), OTHER],
        },
        Older { fields: &["0", "1", "2", "3", "4"], wanted: &[], defaults: &[(0, 0), OTHER] },
    ],
};

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
pub const CONTRACT_RESOURCES: Reading = current(&[
    want(0, "contract_id", U64),
    want(1, "used.cru", U64),
    want(2, "used.mru", U64),
    want(3, "used.hru", U64),
    want(4, "used.sru", U64),
]);

/// What a contract uses, from the record of [`CONTRACT_RESOURCES`].
pub fn contract_resources(record: &Record) -> Option<(u64, Resources)> {
    Some((record.number(0)?, resources(record, 1)?))
}

/// `NruConsumption`
pub const NRU: Reading = current(&[
    want(0, "contract_id", U64),
    want(1, "window", U64),
    want(2, "nru", U64),
    want(3, "timestamp", U64),
]);

/// Slot and bytes of each field of [`NRU`] where they are contract, time, window and traffic.
pub const NRU_FIELDS: &[(usize, u8)] = &[(0, 8), (3, 8), (1, 8), (2, 8)];

/// A report of traffic from the record of [`NRU`].
pub fn nru(record: &Record) -> Option<NruConsumption> {
    Some(NruConsumption {
        contract_id: record.number(0)?,
        timestamp: record.number(3)?,
        window: record.number(1)?,
        nru: record.number(2)?,
    })
}

/// `Consumption`
pub const CONSUMPTION: Reading = current(&[
    want(0, "contract_id", U64),
    want(1, "timestamp", U64),
    want(2, "cru", U64),
    want(3, "mru", U64),
    want(4, "hru", U64),
    want(5, "sru", U64),
    want(6, "nru", U64),
]);

/// A report of use from the record of [`CONSUMPTION`].
pub fn consumption(record: &Record) -> Option<Consumption> {
    Some(Consumption {
        contract_id: record.number(0)?,
        timestamp: record.number(1)?,
        used: resources(record, 2)?,
        nru: record.number(6)?,
    })
}

/// `Farm`
pub const FARM: Reading = current(&[want(0, "id", U32), want(1, "name", Want::Bytes)]);

/// A farm from the record of [`FARM`].
pub fn farm(record: &Record) -> Option<Farm> {
    Some(Farm { id: record.number32(0)?, name: record.bytes(1)? })
}

/// `Twin`
pub const TWIN: Reading = Reading {
    // In one development runtime of spec 123 relay and key were not optional.
    wanted: &[want(0, "id", U32), want(1, "relay", Want::OptionalBytes), want(2, "pk", Want::OptionalBytes)],
    older: &[
        // Before relays: 1 to 122, on main net up to 126.
        Older {
            fields: &["version", "id", "account_id", "ip", "entities"],
            wanted: &[want(0, "id", U32)],
            defaults: &[],
        },
        // 1, the first development runtimes.
        Older {
            fields: &["version", "id", "address", "ip", "entities"],
            wanted: &[want(0, "id", U32)],
            defaults: &[],
        },
    ],
};

/// A twin from the record of [`TWIN`].
pub fn twin(record: &Record) -> Option<Twin> {
    Some(Twin { id: record.number32(0)?, relay: record.bytes(1), pk: record.bytes(2) })
}

/// `FarmingPolicy`
pub const POLICY: Reading = Reading {
    wanted: &[
        want(0, "id", U32),
        want(1, "cu", U32),
        want(2, "su", U32),
        want(3, "nu", U32),
        want(4, "ipv4", U32),
        want(5, "minimal_uptime", U16),
        want(6, "immutable", Want::Bool),
        want(7, "default", Want::Bool),
    ],
    older: &[
        // 1 to 62: no floor, not immutable, no default.
        Older {
            fields: &["version", "id", "name", "cu", "su", "nu", "ipv4", "timestamp", "certification_type"],
            wanted: &[
                want(0, "id", U32),
                want(1, "cu", U32),
                want(2, "su", U32),
                want(3, "nu", U32),
                want(4, "ipv4", U32),
            ],
            defaults: &[(5, 0), (6, 0), (7, 0)],
        },
    ],
};

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

/// A number of 32 bits.
pub const PLAIN_U32: Reading = current(&[want(0, "", U32)]);
/// A number of 64 bits.
pub const PLAIN_U64: Reading = current(&[want(0, "", U64)]);
/// An identifier of a contract; it had 128 bits in the first development runtime with contracts.
pub const PLAIN_CONTRACT_ID: Reading = current(&[want(0, "", Want::Wide)]);
/// A byte string.
pub const PLAIN_BYTES: Reading = current(&[want(0, "", Want::Bytes)]);
/// Certification of a node: 0 for DIY, 1 for certified.
pub const PLAIN_CERTIFICATION: Reading = current(&[want(0, "", CERTIFICATION)]);

/// The certification with this number in [`PLAIN_CERTIFICATION`], also that of nodes.
pub fn certification(number: u64) -> NodeCertification {
    if number == 0 { NodeCertification::Diy } else { NodeCertification::Certified }
}
