//! The pallet TfgridModule: farms, nodes, twins, farming policies, power management.
#![expect(missing_docs, reason = "variants and fields carry the names of the real metadata")]

use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::AccountId;

/// `pallet_tfgrid::Event`; entities, pricing policies and twin entities are left out.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum TfgridEvent {
    #[codec(index = 0)]
    FarmStored(Farm),
    #[codec(index = 1)]
    FarmUpdated(Farm),
    #[codec(index = 2)]
    FarmDeleted(u32),
    #[codec(index = 3)]
    NodeStored(Box<Node>),
    #[codec(index = 4)]
    NodeUpdated(Box<Node>),
    #[codec(index = 5)]
    NodeDeleted(u32),
    /// Node, time of the block in seconds, uptime that the node claims in seconds.
    #[codec(index = 6)]
    NodeUptimeReported(u32, u64, u64),
    #[codec(index = 7)]
    NodePublicConfigStored(u32, Option<PublicConfig>),
    #[codec(index = 11)]
    TwinStored(Twin),
    #[codec(index = 12)]
    TwinUpdated(Twin),
    #[codec(index = 15)]
    TwinDeleted(u32),
    #[codec(index = 16)]
    TwinAccountBounded(u32, AccountId),
    #[codec(index = 18)]
    FarmingPolicyStored(FarmingPolicy),
    #[codec(index = 19)]
    FarmPayoutV2AddressRegistered(u32, Vec<u8>),
    #[codec(index = 20)]
    FarmMarkedAsDedicated(u32),
    #[codec(index = 21)]
    ConnectionPriceSet(u32),
    #[codec(index = 22)]
    NodeCertificationSet(u32, NodeCertification),
    #[codec(index = 25)]
    FarmingPolicyUpdated(FarmingPolicy),
    #[codec(index = 26)]
    FarmingPolicySet(u32, Option<FarmingPolicyLimit>),
    #[codec(index = 27)]
    FarmCertificationSet(u32, FarmCertification),
    #[codec(index = 28)]
    ZosVersionUpdated(Vec<u8>),
    #[codec(index = 29)]
    PowerTargetChanged { farm_id: u32, node_id: u32, power_target: Power },
    #[codec(index = 30)]
    PowerStateChanged { farm_id: u32, node_id: u32, power_state: PowerState },
}

/// `tfchain_support::types::Farm`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Farm {
    pub version: u32,
    pub id: u32,
    pub name: Vec<u8>,
    pub twin_id: u32,
    pub pricing_policy_id: u32,
    pub certification: FarmCertification,
    pub public_ips: Vec<PublicIP>,
    pub dedicated_farm: bool,
    pub farming_policy_limits: Option<FarmingPolicyLimit>,
}

/// `tfchain_support::types::FarmCertification`.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub enum FarmCertification {
    #[default]
    NotCertified,
    Gold,
}

/// `tfchain_support::types::NodeCertification`.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub enum NodeCertification {
    #[default]
    Diy,
    Certified,
}

/// `tfchain_support::types::PublicIP`: an address that a farm rents out.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct PublicIP {
    pub ip: Vec<u8>,
    pub gateway: Vec<u8>,
    pub contract_id: u64,
}

/// `tfchain_support::types::FarmingPolicyLimit`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct FarmingPolicyLimit {
    pub farming_policy_id: u32,
    pub cu: Option<u64>,
    pub su: Option<u64>,
    pub end: Option<u64>,
    pub node_count: Option<u32>,
    pub node_certification: bool,
}

/// `tfchain_support::resources::Resources`: cores, and bytes of memory, disk and solid-state storage.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub struct Resources {
    pub hru: u64,
    pub sru: u64,
    pub cru: u64,
    pub mru: u64,
}

/// `pallet_tfgrid::node::Location`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Location {
    pub city: Vec<u8>,
    pub country: Vec<u8>,
    pub latitude: Vec<u8>,
    pub longitude: Vec<u8>,
}

/// `tfchain_support::types::IP4`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct IP4 {
    pub ip: Vec<u8>,
    pub gw: Vec<u8>,
}

/// `tfchain_support::types::IP6`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct IP6 {
    pub ip: Vec<u8>,
    pub gw: Vec<u8>,
}

/// `tfchain_support::types::PublicConfig`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct PublicConfig {
    pub ip4: IP4,
    pub ip6: Option<IP6>,
    pub domain: Option<Vec<u8>>,
}

/// `tfchain_support::types::Interface`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Interface {
    pub name: Vec<u8>,
    pub mac: Vec<u8>,
    pub ips: Vec<Vec<u8>>,
}

/// `tfchain_support::types::Node`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Node {
    pub version: u32,
    pub id: u32,
    pub farm_id: u32,
    pub twin_id: u32,
    pub resources: Resources,
    pub location: Location,
    pub public_config: Option<PublicConfig>,
    pub created: u64,
    pub farming_policy_id: u32,
    pub interfaces: Vec<Interface>,
    pub certification: NodeCertification,
    pub secure_boot: bool,
    pub virtualized: bool,
    pub serial_number: Option<Vec<u8>>,
    pub connection_price: u32,
}

/// `pallet_tfgrid::types::EntityProof`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct EntityProof {
    pub entity_id: u32,
    pub signature: Vec<u8>,
}

/// `pallet_tfgrid::types::Twin`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Twin {
    pub id: u32,
    pub account_id: AccountId,
    pub relay: Option<Vec<u8>>,
    pub entities: Vec<EntityProof>,
    pub pk: Option<Vec<u8>>,
}

/// `pallet_tfgrid::types::FarmingPolicy`.
#[derive(Clone, Debug, Default, Encode, TypeInfo)]
pub struct FarmingPolicy {
    pub version: u32,
    pub id: u32,
    pub name: Vec<u8>,
    pub cu: u32,
    pub su: u32,
    pub nu: u32,
    pub ipv4: u32,
    pub minimal_uptime: u16,
    pub policy_created: u32,
    pub policy_end: u32,
    pub immutable: bool,
    pub default: bool,
    pub node_certification: NodeCertification,
    pub farm_certification: FarmCertification,
}

/// `tfchain_support::types::Power`: what the farmer wants.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub enum Power {
    #[default]
    Up,
    Down,
}

/// `tfchain_support::types::PowerState`: where the node is; down since the block of this height.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub enum PowerState {
    #[default]
    Up,
    Down(u32),
}

/// `tfchain_support::types::NodePower`.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub struct NodePower {
    pub state: PowerState,
    pub target: Power,
}
