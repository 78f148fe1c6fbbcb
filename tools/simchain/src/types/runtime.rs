//! What `System.Events` is made of.
#![expect(missing_docs, reason = "variants and fields carry the names of the real metadata")]

use parity_scale_codec::Encode;
use scale_info::TypeInfo;

use super::balances::{BalancesEvent, TransactionPaymentEvent};
use super::smart_contract::SmartContractEvent;
use super::system::SystemEvent;
use super::tfgrid::TfgridEvent;

/// `tfchain_runtime::RuntimeEvent`: an event of one of the pallets, numbered as in spec 145.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub enum RuntimeEvent {
    #[codec(index = 0)]
    System(SystemEvent),
    #[codec(index = 20)]
    Balances(BalancesEvent),
    #[codec(index = 21)]
    TransactionPayment(TransactionPaymentEvent),
    #[codec(index = 25)]
    TfgridModule(TfgridEvent),
    #[codec(index = 26)]
    SmartContractModule(SmartContractEvent),
}

/// `frame_system::Phase`: when in a block an event happened.
#[derive(Clone, Copy, Debug, Encode, TypeInfo)]
pub enum Phase {
    /// While the extrinsic with this index was applied.
    ApplyExtrinsic(u32),
    Finalization,
    Initialization,
}

/// `frame_system::EventRecord`.
#[derive(Clone, Debug, Encode, TypeInfo)]
pub struct EventRecord {
    pub phase: Phase,
    pub event: RuntimeEvent,
    pub topics: Vec<[u8; 32]>,
}
