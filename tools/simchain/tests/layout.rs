//! The metadata of the synthetic chain is readable, and has the layouts of the real spec 145.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail loudly")]

use std::path::PathBuf;

use frame_metadata::v14::{PalletMetadata, RuntimeMetadataV14, StorageEntryModifier, StorageEntryType};
use frame_metadata::{RuntimeMetadata, RuntimeMetadataPrefixed};
use parity_scale_codec::Decode;
use scale_info::form::PortableForm;
use scale_info::{Field, PortableRegistry, TypeDef, Variant};
use simchain::runtime::Runtime;

type Pallet = PalletMetadata<PortableForm>;

fn decode(bytes: &[u8]) -> RuntimeMetadataV14 {
    let mut rest = bytes;
    let metadata = RuntimeMetadataPrefixed::decode(&mut rest).unwrap();
    assert!(rest.is_empty(), "{} bytes left over", rest.len());
    let RuntimeMetadata::V14(metadata) = metadata.1 else { panic!("not version 14") };
    metadata
}

/// Metadata of the real runtime, if somebody says where it is.
fn real() -> Option<RuntimeMetadataV14> {
    let Some(shared) = std::env::var_os("MINTING_SHARED") else {
        eprintln!("skipped: MINTING_SHARED is not set");
        return None;
    };
    let file = PathBuf::from(shared).join("metadata/blobs/0145-mintingv3.scale");
    Some(decode(&std::fs::read(file).unwrap()))
}

fn pallet<'m>(metadata: &'m RuntimeMetadataV14, name: &str) -> &'m Pallet {
    metadata.pallets.iter().find(|pallet| pallet.name == name).unwrap()
}

/// The layout of a type as text; a composite of one field is that field.
fn shape(types: &PortableRegistry, id: u32) -> String {
    match &types.resolve(id).unwrap().type_def {
        TypeDef::Composite(composite) => match composite.fields.as_slice() {
            [only] => shape(types, only.ty.id),
            fields => fields_shape(types, fields),
        },
        TypeDef::Variant(variant) => {
            variant.variants.iter().map(|variant| variant_shape(types, variant)).collect::<Vec<_>>().join("|")
        }
        TypeDef::Sequence(sequence) => format!("Vec<{}>", shape(types, sequence.type_param.id)),
        TypeDef::Array(array) => format!("[{}; {}]", shape(types, array.type_param.id), array.len),
        TypeDef::Tuple(tuple) => {
            format!("({})", tuple.fields.iter().map(|ty| shape(types, ty.id)).collect::<Vec<_>>().join(","))
        }
        TypeDef::Primitive(primitive) => format!("{primitive:?}"),
        TypeDef::Compact(compact) => format!("Compact<{}>", shape(types, compact.type_param.id)),
        TypeDef::BitSequence(_) => panic!("no bit sequence is expected"),
    }
}

fn fields_shape(types: &PortableRegistry, fields: &[Field<PortableForm>]) -> String {
    let fields = fields
        .iter()
        .map(|field| format!("{}: {}", field.name.as_deref().unwrap_or("_"), shape(types, field.ty.id)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

fn variant_shape(types: &PortableRegistry, variant: &Variant<PortableForm>) -> String {
    format!("{} = {} {}", variant.index, variant.name, fields_shape(types, &variant.fields))
}

/// Every event of a pallet.
fn events(metadata: &RuntimeMetadataV14, pallet: &Pallet) -> Vec<String> {
    let Some(event) = &pallet.event else { return vec![] };
    let TypeDef::Variant(events) = &metadata.types.resolve(event.ty.id).unwrap().type_def else {
        panic!("events are no enum")
    };
    events.variants.iter().map(|event| variant_shape(&metadata.types, event)).collect()
}

/// Every storage item of a pallet: name, modifier, hashers, key, value and default.
fn items(metadata: &RuntimeMetadataV14, pallet: &Pallet) -> Vec<String> {
    let entries = pallet.storage.iter().flat_map(|storage| &storage.entries);
    let line = |entry: &frame_metadata::v14::StorageEntryMetadata<PortableForm>| {
        // The default of System.Events and of what is optional tells nothing.
        let modifier = match entry.modifier {
            StorageEntryModifier::Optional => "optional".to_owned(),
            StorageEntryModifier::Default => hex::encode(&entry.default),
        };
        let ty = match &entry.ty {
            // The events differ: the real runtime has more pallets.
            StorageEntryType::Plain(_) if entry.name == "Events" => String::new(),
            StorageEntryType::Plain(ty) => shape(&metadata.types, ty.id),
            StorageEntryType::Map { hashers, key, value } => {
                format!(
                    "{hashers:?} {} -> {}",
                    shape(&metadata.types, key.id),
                    shape(&metadata.types, value.id)
                )
            }
        };
        format!("{} ({modifier}): {ty}", entry.name)
    };
    entries.map(line).collect()
}

#[test]
fn metadata_decodes_to_the_last_byte() {
    for runtime in [Runtime::spec_145(6_000), Runtime::upgraded(6_000)] {
        let metadata = decode(&runtime.metadata);
        assert!(metadata.pallets.iter().any(|pallet| pallet.name == "TfgridModule"));
    }
}

#[test]
fn events_storage_and_constants_are_those_of_spec_145() {
    let Some(real) = real() else { return };
    let ours = decode(&Runtime::spec_145(6_000).metadata);
    let (mut compared_events, mut compared_items) = (0, 0);
    for pallet_of_ours in &ours.pallets {
        let theirs = pallet(&real, &pallet_of_ours.name);
        assert_eq!(pallet_of_ours.index, theirs.index, "index of {}", theirs.name);
        let real_events = events(&real, theirs);
        for event in events(&ours, pallet_of_ours) {
            assert!(real_events.contains(&event), "{}: {event}", theirs.name);
            compared_events += 1;
        }
        let real_items = items(&real, theirs);
        for item in items(&ours, pallet_of_ours) {
            assert!(real_items.contains(&item), "{}: {item}", theirs.name);
            compared_items += 1;
        }
        for constant in &pallet_of_ours.constants {
            let found = theirs.constants.iter().find(|other| other.name == constant.name).unwrap();
            let (our_shape, their_shape) =
                (shape(&ours.types, constant.ty.id), shape(&real.types, found.ty.id));
            assert_eq!(our_shape, their_shape, "{}", constant.name);
            // The list of interfaces in the version is not modelled in full.
            if constant.name != "Version" {
                assert_eq!(constant.value, found.value, "{}", constant.name);
            }
        }
    }
    assert_eq!((compared_events, compared_items), (56, 17));
}

#[test]
fn the_record_around_an_event_is_that_of_spec_145() {
    let Some(real) = real() else { return };
    let ours = decode(&Runtime::spec_145(6_000).metadata);
    let record = |metadata: &RuntimeMetadataV14| {
        let system = pallet(metadata, "System");
        let entries = &system.storage.as_ref().unwrap().entries;
        let events = entries.iter().find(|entry| entry.name == "Events").unwrap();
        let StorageEntryType::Plain(list) = &events.ty else { panic!("no plain item") };
        let TypeDef::Sequence(list) = &metadata.types.resolve(list.id).unwrap().type_def else {
            panic!("no list")
        };
        let TypeDef::Composite(record) = &metadata.types.resolve(list.type_param.id).unwrap().type_def else {
            panic!("no record")
        };
        let [phase, event, topics] = record.fields.as_slice() else { panic!("not three fields") };
        assert_eq!(event.name.as_deref(), Some("event"));
        fields_shape(&metadata.types, &[phase.clone(), topics.clone()])
    };
    assert_eq!(record(&ours), record(&real));
}
