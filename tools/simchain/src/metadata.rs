//! Metadata of a runtime, version 14, built from the types the chain encodes with.
//!
//! Calls and errors are not modelled: minting reads events, storage and constants only.

use frame_metadata::RuntimeMetadataPrefixed;
use frame_metadata::v14::{
    ExtrinsicMetadata, PalletConstantMetadata, PalletEventMetadata, PalletMetadata, PalletStorageMetadata,
    RuntimeMetadataV14, StorageEntryMetadata, StorageEntryModifier, StorageEntryType, StorageHasher,
};
use parity_scale_codec::Encode;
use scale_info::form::PortableForm;
use scale_info::{MetaType, PortableRegistry, TypeDef, TypeInfo, meta_type};

use crate::runtime::Numbering;
use crate::types::balances::{BalancesEvent, TransactionPaymentEvent};
use crate::types::runtime::{EventRecord, RuntimeEvent};
use crate::types::smart_contract::{Contract, ContractResources, SmartContractEvent};
use crate::types::system::{RuntimeVersion, SystemEvent};
use crate::types::tfgrid::{Farm, FarmingPolicy, Node, NodePower, TfgridEvent, Twin};

/// Metadata of a runtime; `block_time_ms` is twice `Timestamp.MinimumPeriod`.
pub fn build(version: &RuntimeVersion, numbering: Numbering, block_time_ms: u64) -> RuntimeMetadataPrefixed {
    let pallets = vec![
        system(version),
        timestamp(block_time_ms),
        grandpa(),
        pallet("Balances", 20, vec![], Some(meta_type::<BalancesEvent>()), vec![]),
        pallet("TransactionPayment", 21, vec![], Some(meta_type::<TransactionPaymentEvent>()), vec![]),
        tfgrid(),
        smart_contract(),
    ];
    let extrinsic = ExtrinsicMetadata { ty: meta_type::<Vec<u8>>(), version: 4, signed_extensions: vec![] };
    // The registry holds every event even if System.Events is all that refers to it.
    let mut metadata = RuntimeMetadataV14::new(pallets, extrinsic, meta_type::<RuntimeEvent>());
    renumber(&mut metadata, numbering);
    metadata.into()
}

fn system(version: &RuntimeVersion) -> PalletMetadata {
    let storage = vec![default::<u32>("Number"), default::<Vec<EventRecord>>("Events")];
    let constants = vec![
        constant("BlockHashCount", &2400u32),
        constant("Version", version),
        constant("SS58Prefix", &42u16),
    ];
    pallet("System", 0, storage, Some(meta_type::<SystemEvent>()), constants)
}

fn timestamp(block_time_ms: u64) -> PalletMetadata {
    let constants = vec![constant("MinimumPeriod", &(block_time_ms / 2))];
    pallet("Timestamp", 1, vec![default::<u64>("Now")], None, constants)
}

/// The authorities themselves are under a key that metadata does not know.
fn grandpa() -> PalletMetadata {
    pallet("Grandpa", 13, vec![default::<u64>("CurrentSetId")], None, vec![])
}

fn tfgrid() -> PalletMetadata {
    let storage = vec![
        optional_map::<u32, Farm>("Farms"),
        optional_map::<u32, Node>("Nodes"),
        optional_map::<u32, Twin>("Twins"),
        default::<u32>("FarmID"),
        default::<u32>("NodeID"),
        default::<u32>("TwinID"),
        default_map::<u32, FarmingPolicy>("FarmingPoliciesMap"),
        default::<u32>("FarmingPolicyID"),
        default_map::<u32, Vec<u8>>("FarmPayoutV2AddressByFarmID"),
        default_map::<u32, NodePower>("NodePower"),
    ];
    pallet("TfgridModule", 25, storage, Some(meta_type::<TfgridEvent>()), vec![])
}

fn smart_contract() -> PalletMetadata {
    let storage = vec![
        optional_map::<u64, Contract>("Contracts"),
        default_map::<u64, ContractResources>("NodeContractResources"),
        default::<u64>("ContractID"),
    ];
    pallet("SmartContractModule", 26, storage, Some(meta_type::<SmartContractEvent>()), vec![])
}

fn pallet(
    name: &'static str,
    index: u8,
    entries: Vec<StorageEntryMetadata>,
    event: Option<MetaType>,
    constants: Vec<PalletConstantMetadata>,
) -> PalletMetadata {
    let storage = (!entries.is_empty()).then_some(PalletStorageMetadata { prefix: name, entries });
    let event = event.map(|ty| PalletEventMetadata { ty });
    PalletMetadata { name, storage, calls: None, event, constants, error: None, index }
}

fn constant<T: Encode + TypeInfo + 'static>(name: &'static str, value: &T) -> PalletConstantMetadata {
    PalletConstantMetadata { name, ty: meta_type::<T>(), value: value.encode(), docs: vec![] }
}

/// A plain item; a missing key reads as the default.
fn default<T: Encode + Default + TypeInfo + 'static>(name: &'static str) -> StorageEntryMetadata {
    StorageEntryMetadata {
        name,
        modifier: StorageEntryModifier::Default,
        ty: StorageEntryType::Plain(meta_type::<T>()),
        default: T::default().encode(),
        docs: vec![],
    }
}

/// A map whose missing keys read as the default.
fn default_map<K: TypeInfo + 'static, V: Encode + Default + TypeInfo + 'static>(
    name: &'static str,
) -> StorageEntryMetadata {
    let modifier = StorageEntryModifier::Default;
    map::<K, V>(name, modifier, V::default().encode())
}

/// A map whose missing keys read as none.
fn optional_map<K: TypeInfo + 'static, V: TypeInfo + 'static>(name: &'static str) -> StorageEntryMetadata {
    map::<K, V>(name, StorageEntryModifier::Optional, vec![0])
}

fn map<K: TypeInfo + 'static, V: TypeInfo + 'static>(
    name: &'static str,
    modifier: StorageEntryModifier,
    default: Vec<u8>,
) -> StorageEntryMetadata {
    let ty = StorageEntryType::Map {
        hashers: vec![StorageHasher::Blake2_128Concat],
        key: meta_type::<K>(),
        value: meta_type::<V>(),
    };
    StorageEntryMetadata { name, modifier, ty, default, docs: vec![] }
}

/// Moves pallets and events from the indices of spec 145 to those of `numbering`.
fn renumber(metadata: &mut RuntimeMetadataV14, numbering: Numbering) {
    let outer = metadata.ty;
    for pallet in &mut metadata.pallets {
        if let Some(event) = &pallet.event {
            for_each_variant(&mut metadata.types, event.ty.id, |index| {
                *index = numbering.event(pallet.index, *index);
            });
        }
        pallet.index = numbering.pallet(pallet.index);
    }
    for_each_variant(&mut metadata.types, outer.id, |index| *index = numbering.pallet(*index));
}

fn for_each_variant(types: &mut PortableRegistry, id: u32, mut change: impl FnMut(&mut u8)) {
    let found = types.types.iter_mut().find(|entry| entry.id == id);
    let Some(TypeDef::<PortableForm>::Variant(variants)) = found.map(|entry| &mut entry.ty.type_def) else {
        return;
    };
    for variant in &mut variants.variants {
        change(&mut variant.index);
    }
}
