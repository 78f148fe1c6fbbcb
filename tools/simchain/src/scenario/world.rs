//! The grid as it is at genesis, and everything that is planned to happen in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::Clock;
use crate::hash::blake2_256;
use crate::period::Period;
use crate::storage::Change;
use crate::types::AccountId;
use crate::types::tfgrid::{
    Farm, FarmCertification, FarmingPolicy, Interface, Location, Node, NodeCertification, PublicIP,
    Resources, Twin,
};

use super::action::Timeline;
use super::address::stellar_address;

/// One gibibyte.
pub const GIB: u64 = 1 << 30;
/// The farm that has no address to be paid to.
pub const FARM_WITHOUT_ADDRESS: u32 = 3;
/// The farm that goes away before the period ends, where a profile removes it.
pub const FARM_THAT_CLOSES: u32 = 4;
/// Names of the farms, in order of their ids.
const FARMS: [&str; 4] = ["freefarm", "alpine_farm", "farm-without-address", "farm_that_closes"];
/// Where nodes stand: city, country, latitude, longitude.
const PLACES: [[&str; 4]; 3] = [
    ["Ghent", "Belgium", "51.05", "3.71667"],
    ["Zürich", "Switzerland", "47.3667", "8.55"],
    ["Cairo", "Egypt", "30.0444", "31.2357"],
];

/// The grid: who is there at genesis, and the plan.
#[derive(Clone, Debug)]
pub struct World {
    /// When blocks are written.
    pub clock: Arc<Clock>,
    /// The period that the plan is about.
    pub period: Period,
    /// Every node that there will be.
    pub nodes: BTreeMap<u32, Node>,
    /// Nodes that register later, by an event.
    pub late_nodes: BTreeSet<u32>,
    /// Twins at genesis.
    pub twins: BTreeMap<u32, Twin>,
    /// What happens when.
    pub timeline: Timeline,
    /// The id that the next contract gets.
    pub next_contract: u64,
}

impl World {
    /// A grid without nodes.
    pub fn new(clock: Arc<Clock>, period: Period) -> Self {
        Self {
            clock,
            period,
            nodes: BTreeMap::new(),
            late_nodes: BTreeSet::new(),
            twins: (1..).take(FARMS.len()).map(|id| (id, twin(id))).collect(),
            timeline: Timeline::default(),
            next_contract: 1,
        }
    }

    /// Highest id among the nodes that are there at genesis.
    pub fn highest_genesis_node(&self) -> u32 {
        self.nodes.keys().filter(|id| !self.late_nodes.contains(id)).max().copied().unwrap_or_default()
    }

    /// First block of the period and the first behind it: those at which minting reads the state.
    pub fn bounds(&self) -> (u32, u32) {
        (self.clock.height_after(self.period.start), self.clock.height_after(self.period.end))
    }

    /// State of genesis.
    pub fn genesis(&self) -> Vec<Change> {
        const PALLET: &str = "TfgridModule";
        let mut changes = Vec::new();
        for farm in farms() {
            changes.push(Change::entry(PALLET, "Farms", &farm.id, &farm));
            if farm.id != FARM_WITHOUT_ADDRESS {
                let address = stellar_address(&format!("farm {}", farm.id)).into_bytes();
                changes.push(Change::entry(PALLET, "FarmPayoutV2AddressByFarmID", &farm.id, &address));
            }
            changes.push(Change::plain(PALLET, "FarmID", &farm.id));
        }
        for policy in policies() {
            changes.push(Change::entry(PALLET, "FarmingPoliciesMap", &policy.id, &policy));
            changes.push(Change::plain(PALLET, "FarmingPolicyID", &policy.id));
        }
        for twin in self.twins.values() {
            changes.push(Change::entry(PALLET, "Twins", &twin.id, twin));
            changes.push(Change::plain(PALLET, "TwinID", &twin.id));
        }
        for node in self.nodes.values().filter(|node| !self.late_nodes.contains(&node.id)) {
            changes.push(Change::entry(PALLET, "Nodes", &node.id, node));
        }
        changes.push(Change::plain(PALLET, "NodeID", &self.highest_genesis_node()));
        changes
    }
}

/// The account of a twin.
pub fn account_of(twin: u32) -> AccountId {
    blake2_256(format!("account of twin {twin}").as_bytes())
}

fn farms() -> impl Iterator<Item = Farm> {
    (1..).zip(FARMS).map(|(id, name)| Farm {
        version: 4,
        id,
        name: name.into(),
        twin_id: id,
        pricing_policy_id: 1,
        certification: FarmCertification::NotCertified,
        public_ips: vec![PublicIP {
            ip: format!("185.206.{id}.33/24").into(),
            gateway: format!("185.206.{id}.1").into(),
            contract_id: 0,
        }],
        dedicated_farm: false,
        farming_policy_limits: None,
    })
}

/// Policies 1 and 2 pay in proportion to uptime, 3 does too because of how it is set, 4 all or nothing.
fn policies() -> [FarmingPolicy; 4] {
    let policy = |id, name: &str, [cu, su, nu, ipv4]: [u32; 4]| FarmingPolicy {
        version: 2,
        id,
        name: name.into(),
        cu,
        su,
        nu,
        ipv4,
        minimal_uptime: 95,
        immutable: true,
        ..FarmingPolicy::default()
    };
    let default = FarmingPolicy { default: true, ..policy(1, "default_diy_policy", [2400, 1000, 30, 5]) };
    let certified = FarmingPolicy {
        default: true,
        node_certification: NodeCertification::Certified,
        ..policy(2, "default_certified_policy", [3000, 1250, 38, 6])
    };
    let mutable = FarmingPolicy { immutable: false, ..policy(3, "mutable_policy", [2000, 800, 20, 4]) };
    [default, certified, mutable, policy(4, "all_or_nothing_policy", [4000, 2000, 60, 10])]
}

fn twin(id: u32) -> Twin {
    let mut key = vec![2];
    key.extend(blake2_256(format!("key of twin {id}").as_bytes()));
    Twin {
        id,
        account_id: account_of(id),
        relay: Some(b"relay.grid.tf".to_vec()),
        entities: vec![],
        pk: Some(key),
    }
}

/// An ordinary node with its twin: 8 cores, 32 GiB, 512 GiB of SSD, on policy 1.
pub fn new_node(id: u32, created: u64) -> (Node, Twin) {
    let twin = twin(100_u32.saturating_add(id));
    let at = usize::try_from(id).unwrap_or_default() % PLACES.len();
    let [city, country, latitude, longitude] = PLACES.get(at).copied().unwrap_or_default();
    let node = Node {
        version: 5,
        id,
        farm_id: 1,
        twin_id: twin.id,
        resources: Resources { hru: 0, sru: 512 * GIB, cru: 8, mru: 32 * GIB },
        location: Location {
            city: city.into(),
            country: country.into(),
            latitude: latitude.into(),
            longitude: longitude.into(),
        },
        public_config: None,
        created,
        farming_policy_id: 1,
        interfaces: vec![Interface {
            name: b"zos".to_vec(),
            mac: format!("54:45:46:f6:02:{id:02x}").into(),
            ips: vec![format!("10.1.0.{id}").into()],
        }],
        certification: NodeCertification::Diy,
        secure_boot: false,
        virtualized: false,
        serial_number: Some(format!("SN-{id:04}").into()),
        connection_price: 80,
    };
    (node, twin)
}
