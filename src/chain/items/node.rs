//! The layouts of a node, by the names that the runtimes gave; see the module `layouts`.

use super::layouts::{CERTIFICATION, U32, U64, certification, resources, want};
use crate::chain::{
    record::{Older, Reading, Record, Want, Wanted},
    types::Node,
};

/// The connection price before nodes had one, in slot 10 of a node.
const OLD_PRICE: (usize, u64) = (10, 80);
/// Nobody was certified.
const DIY: (usize, u64) = (7, 0);
/// Nodes did not say whether they are virtual.
const NOT_VIRTUAL: (usize, u64) = (8, 0);
/// There were no farming policies.
const NO_POLICY: (usize, u64) = (9, 0);

/// `Node`
pub const NODE: Reading = Reading {
    wanted: &[
        want(0, "id", U32),
        want(1, "farm_id", U32),
        want(2, "twin_id", U32),
        want(3, "resources.cru", U64),
        want(4, "resources.mru", U64),
        want(5, "resources.hru", U64),
        want(6, "resources.sru", U64),
        want(7, "certification", CERTIFICATION),
        want(8, "virtualized", Want::Bool),
        want(9, "farming_policy_id", U32),
        want(10, "connection_price", U32),
    ],
    older: &[
        // 43 to 62.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "country",
                "city",
                "public_config",
                "created",
                "farming_policy_id",
                "interfaces",
                "certification_type",
                "secure_boot",
                "virtualized",
                "serial_number",
            ],
            wanted: &[
                want(0, "id", U32),
                want(1, "farm_id", U32),
                want(2, "twin_id", U32),
                want(3, "resources.cru", U64),
                want(4, "resources.mru", U64),
                want(5, "resources.hru", U64),
                want(6, "resources.sru", U64),
                want(7, "certification_type", CERTIFICATION),
                want(8, "virtualized", Want::Bool),
                want(9, "farming_policy_id", U32),
            ],
            defaults: &[OLD_PRICE],
        },
        // 28 to 42, main net's first.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "country",
                "city",
                "public_config",
                "created",
                "farming_policy_id",
                "interfaces",
                "certification_type",
            ],
            wanted: &[
                want(0, "id", U32),
                want(1, "farm_id", U32),
                want(2, "twin_id", U32),
                want(3, "resources.cru", U64),
                want(4, "resources.mru", U64),
                want(5, "resources.hru", U64),
                want(6, "resources.sru", U64),
                want(7, "certification_type", CERTIFICATION),
                want(9, "farming_policy_id", U32),
            ],
            defaults: &[NOT_VIRTUAL, OLD_PRICE],
        },
        // 5 to 27.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "country",
                "city",
                "public_config",
                "created",
                "farming_policy_id",
                "interfaces",
            ],
            wanted: NODE_WITH_POLICY,
            defaults: &[DIY, NOT_VIRTUAL, OLD_PRICE],
        },
        // 1 and 2.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "country",
                "city",
                "public_config",
                "uptime",
                "created",
                "farming_policy_id",
            ],
            wanted: NODE_WITH_POLICY,
            defaults: &[DIY, NOT_VIRTUAL, OLD_PRICE],
        },
        // 1, the first development runtimes.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "country_id",
                "city_id",
                "address",
                "role",
                "public_config",
            ],
            wanted: &[
                want(0, "id", U32),
                want(1, "farm_id", U32),
                want(2, "twin_id", U32),
                want(3, "resources.cru", U64),
                want(4, "resources.mru", U64),
                want(5, "resources.hru", U64),
                want(6, "resources.sru", U64),
            ],
            defaults: &[DIY, NOT_VIRTUAL, NO_POLICY, OLD_PRICE],
        },
        // The events of the same: version, id, farm, resources, location, country, city, address, role, twin and
        // public configuration, in the order in which the pallet deposited them.
        Older {
            fields: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
            wanted: &[
                want(0, "1", U32),
                want(1, "2", U32),
                want(2, "9", U32),
                want(3, "3.cru", U64),
                want(4, "3.mru", U64),
                want(5, "3.hru", U64),
                want(6, "3.sru", U64),
            ],
            defaults: &[DIY, NOT_VIRTUAL, NO_POLICY, OLD_PRICE],
        },
        // 117 and 119, builds with capacity reservation.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "resources",
                "location",
                "power",
                "public_config",
                "created",
                "farming_policy_id",
                "interfaces",
                "certification",
                "secure_boot",
                "virtualized",
                "serial_number",
                "connection_price",
            ],
            wanted: &[
                want(0, "id", U32),
                want(1, "farm_id", U32),
                want(2, "twin_id", U32),
                want(3, "resources.total_resources.cru", U64),
                want(4, "resources.total_resources.mru", U64),
                want(5, "resources.total_resources.hru", U64),
                want(6, "resources.total_resources.sru", U64),
                want(7, "certification", CERTIFICATION),
                want(8, "virtualized", Want::Bool),
                want(9, "farming_policy_id", U32),
                want(10, "connection_price", U32),
            ],
            defaults: &[],
        },
        // 120, builds with capacity reservation: capacity is not part of the node and counts as none.
        Older {
            fields: &[
                "version",
                "id",
                "farm_id",
                "twin_id",
                "location",
                "public_config",
                "created",
                "farming_policy_id",
                "interfaces",
                "certification",
                "secure_boot",
                "virtualized",
                "serial_number",
                "connection_price",
            ],
            wanted: &[
                want(0, "id", U32),
                want(1, "farm_id", U32),
                want(2, "twin_id", U32),
                want(7, "certification", CERTIFICATION),
                want(8, "virtualized", Want::Bool),
                want(9, "farming_policy_id", U32),
                want(10, "connection_price", U32),
            ],
            defaults: &[(3, 0), (4, 0), (5, 0), (6, 0)],
        },
    ],
};

const NODE_WITH_POLICY: &[Wanted] = &[
    want(0, "id", U32),
    want(1, "farm_id", U32),
    want(2, "twin_id", U32),
    want(3, "resources.cru", U64),
    want(4, "resources.mru", U64),
    want(5, "resources.hru", U64),
    want(6, "resources.sru", U64),
    want(9, "farming_policy_id", U32),
];

/// A node from the record of [`NODE`].
pub fn node(record: &Record) -> Option<Node> {
    Some(Node {
        id: record.number32(0)?,
        farm_id: record.number32(1)?,
        twin_id: record.number32(2)?,
        resources: resources(record, 3)?,
        certification: certification(record.number(7)?),
        virtualized: record.number(8)? == 1,
        farming_policy_id: record.number32(9)?,
        connection_price: record.number32(10)?,
    })
}
