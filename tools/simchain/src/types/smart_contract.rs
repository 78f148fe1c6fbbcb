//! The pallet SmartContractModule: contracts, what they use, what they are billed.
#![expect(missing_docs, reason = "variants and fields carry the names of the real metadata")]

use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::tfgrid::{PublicIP, Resources};
use super::{AccountId, Balance};

/// `pallet_smart_contract::Event`; solution providers and service contracts are left out.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum SmartContractEvent {
    #[codec(index = 0)]
    ContractCreated(Box<Contract>),
    #[codec(index = 1)]
    ContractUpdated(Box<Contract>),
    #[codec(index = 2)]
    NodeContractCanceled { contract_id: u64, node_id: u32, twin_id: u32 },
    #[codec(index = 3)]
    NameContractCanceled { contract_id: u64 },
    #[codec(index = 4)]
    IPsReserved { contract_id: u64, public_ips: Vec<PublicIP> },
    #[codec(index = 5)]
    IPsFreed { contract_id: u64, public_ips: Vec<PublicIP> },
    #[codec(index = 6)]
    ContractDeployed(u64, AccountId),
    #[codec(index = 7)]
    ConsumptionReportReceived(Consumption),
    #[codec(index = 8)]
    ContractBilled(ContractBill),
    #[codec(index = 9)]
    TokensBurned { contract_id: u64, amount: Balance },
    #[codec(index = 10)]
    UpdatedUsedResources(ContractResources),
    #[codec(index = 11)]
    NruConsumptionReportReceived(NruConsumption),
    #[codec(index = 12)]
    RentContractCanceled { contract_id: u64 },
    #[codec(index = 13)]
    ContractGracePeriodStarted { contract_id: u64, node_id: u32, twin_id: u32, block_number: u64 },
    #[codec(index = 14)]
    ContractGracePeriodEnded { contract_id: u64, node_id: u32, twin_id: u32 },
    #[codec(index = 23)]
    BillingFrequencyChanged(u64),
    #[codec(index = 24)]
    NodeExtraFeeSet { node_id: u32, extra_fee: u64 },
}

/// `pallet_smart_contract::types::Contract`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct Contract {
    pub version: u32,
    pub state: ContractState,
    pub contract_id: u64,
    pub twin_id: u32,
    pub contract_type: ContractData,
    pub solution_provider_id: Option<u64>,
}

/// `pallet_smart_contract::types::ContractState`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum ContractState {
    Created,
    Deleted(Cause),
    GracePeriod(u64),
}

/// `pallet_smart_contract::types::Cause`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum Cause {
    CanceledByUser,
    OutOfFunds,
}

/// `pallet_smart_contract::types::ContractData`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum ContractData {
    NodeContract(NodeContract),
    NameContract(NameContract),
    RentContract(RentContract),
}

/// `pallet_smart_contract::types::NodeContract`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct NodeContract {
    pub node_id: u32,
    pub deployment_hash: [u8; 32],
    pub deployment_data: Vec<u8>,
    pub public_ips: u32,
    pub public_ips_list: Vec<PublicIP>,
}

/// `pallet_smart_contract::types::NameContract`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct NameContract {
    pub name: Vec<u8>,
}

/// `pallet_smart_contract::types::RentContract`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct RentContract {
    pub node_id: u32,
}

/// `pallet_smart_contract::types::Consumption`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct Consumption {
    pub contract_id: u64,
    pub timestamp: u64,
    pub cru: u64,
    pub sru: u64,
    pub hru: u64,
    pub mru: u64,
    pub nru: u64,
}

/// `pallet_smart_contract::types::ContractBill`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct ContractBill {
    pub contract_id: u64,
    pub timestamp: u64,
    pub discount_level: DiscountLevel,
    pub amount_billed: u128,
}

/// `pallet_smart_contract::types::DiscountLevel`.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum DiscountLevel {
    None,
    Default,
    Bronze,
    Silver,
    Gold,
}

/// `pallet_smart_contract::types::ContractResources`.
#[derive(Clone, Copy, Debug, Default, Encode, TypeInfo)]
pub struct ContractResources {
    pub contract_id: u64,
    pub used: Resources,
}

/// `pallet_smart_contract::types::NruConsumption`: window in seconds, traffic in bytes.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub struct NruConsumption {
    pub contract_id: u64,
    pub timestamp: u64,
    pub window: u64,
    pub nru: u64,
}
