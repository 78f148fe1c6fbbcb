//! A chain with two upgrades inside one chunk: pallets and events change their indices, nodes and contracts their
//! layout, and metadata its version. Each block decodes by the runtime that executed it, the upgrade block by that of
//! its parent.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::enum_variant_names,
    reason = "tests may fail, and names are those of the chain"
)]
#![allow(clippy::cast_possible_truncation, reason = "deriving Encode casts the index of a variant to u8")]

use std::path::Path;

use frame_metadata::{
    RuntimeMetadata as Versioned, RuntimeMetadataPrefixed, decode_different::DecodeDifferent::Decoded, v12,
    v14,
};
use minting::{
    archive::{ArchiveWriter, Block, Chunk, Plan, Provenance, RuntimeMetadata, Span},
    chain::types as typed,
    replay::Source,
};
use parity_scale_codec::{Compact, Encode};
use scale_info::{MetaType, TypeInfo, meta_type};

/// The part of a runtime version that metadata has: names, authoring version, spec version.
fn version(spec: u32) -> Vec<u8> {
    ("substrate-threefold", "substrate-threefold", 1u32, spec, 1u32).encode()
}

/// `DispatchInfo` with a weight of 64 bits: weight, class, pays fee.
const DISPATCH_INFO: [u8; 10] = [1, 0, 0, 0, 0, 0, 0, 0, 2, 0];

/// Spec 31, metadata V12: TfgridModule is pallet 11, uptime reports are event 6.
mod first {
    use super::*;

    pub fn metadata() -> Vec<u8> {
        let entry = |name: &str, ty, default: Vec<u8>| v12::StorageEntryMetadata {
            name: Decoded(name.into()),
            modifier: v12::StorageEntryModifier::Default,
            ty,
            default: Decoded(default),
            documentation: Decoded(vec![]),
        };
        let plain = |ty: &str| v12::StorageEntryType::Plain(Decoded(ty.into()));
        let map = |ty: &str| v12::StorageEntryType::Map {
            hasher: v12::StorageHasher::Blake2_128Concat,
            key: Decoded("u32".into()),
            value: Decoded(ty.into()),
            unused: false,
        };
        let module =
            |name: &str, index, entries, events: &[(&str, &[&str])], constants| v12::ModuleMetadata {
                name: Decoded(name.into()),
                storage: Some(Decoded(v12::StorageMetadata {
                    prefix: Decoded(name.into()),
                    entries: Decoded(entries),
                })),
                calls: None,
                event: Some(Decoded(
                    events
                        .iter()
                        .map(|(name, arguments)| v12::EventMetadata {
                            name: Decoded((*name).into()),
                            arguments: Decoded(arguments.iter().map(|a| (*a).to_string()).collect()),
                            documentation: Decoded(vec![]),
                        })
                        .collect(),
                )),
                constants: Decoded(constants),
                errors: Decoded(vec![]),
                index,
            };
        let system = module(
            "System",
            0,
            vec![entry("Events", plain("Vec<EventRecord<T::Event, T::Hash>>"), vec![0])],
            &[("ExtrinsicSuccess", &["DispatchInfo"])],
            vec![v12::ModuleConstantMetadata {
                name: Decoded("Version".into()),
                ty: Decoded("RuntimeVersion".into()),
                value: Decoded(version(31)),
                documentation: Decoded(vec![]),
            }],
        );
        let tfgrid = module(
            "TfgridModule",
            11,
            vec![
                entry("NodeID", plain("u32"), vec![0; 4]),
                entry("Nodes", map("types::Node"), vec![0; 67]),
                entry("Farms", map("types::Farm"), vec![0; 19]),
                entry("Twins", map("types::Twin<T::AccountId>"), vec![0; 42]),
            ],
            &[
                ("FarmStored", &["types::Farm"]),
                ("FarmUpdated", &["types::Farm"]),
                ("FarmDeleted", &["u32"]),
                ("NodeStored", &["types::Node"]),
                ("NodeUpdated", &["types::Node"]),
                ("NodeDeleted", &["u32"]),
                ("NodeUptimeReported", &["u32", "u64", "u64"]),
            ],
            vec![],
        );
        let extrinsic = v12::ExtrinsicMetadata { version: 4, signed_extensions: vec![] };
        let metadata = v12::RuntimeMetadataV12 { modules: Decoded(vec![system, tfgrid]), extrinsic };
        RuntimeMetadataPrefixed(u32::from_le_bytes(*b"meta"), Versioned::V12(metadata)).encode()
    }

    /// version, ids, hru, sru, cru, mru, longitude, latitude, country, city, no public configuration, created, policy,
    /// interfaces, certification type.
    pub fn node(id: u32) -> Vec<u8> {
        let places = ("4.4025", "51.2194", "Belgium", "Ghent");
        (
            (4u32, id, 7u32, 9u32),
            (1u64, 2u64, 3u64, 4u64),
            places,
            None::<()>,
            5u64,
            1u32,
            (),
            Vec::<()>::new(),
            1u8,
        )
            .encode()
    }

    pub fn events() -> Vec<Vec<u8>> {
        vec![
            [&[0, 0][..], &DISPATCH_INFO].concat(),
            [&[11, 3][..], &node(1)].concat(),
            (11u8, 6u8, 1u32, 1_000u64, 50u64).encode(),
        ]
    }
}

/// Types that both runtimes with V14 metadata have.
#[allow(dead_code, reason = "not every variant is written here")]
mod common {
    use parity_scale_codec::Encode;
    use scale_info::TypeInfo;

    #[derive(Encode, TypeInfo)]
    pub enum SystemEvent {
        ExtrinsicSuccess(u64, u8, u8),
    }

    #[derive(Encode, TypeInfo)]
    pub enum Phase {
        ApplyExtrinsic(u32),
        Finalization,
        Initialization,
    }

    #[derive(Encode, TypeInfo)]
    pub struct EventRecord {
        pub phase: Phase,
        pub event: (),
        pub topics: Vec<[u8; 32]>,
    }

    #[derive(Encode, TypeInfo)]
    pub struct Resources {
        pub hru: u64,
        pub sru: u64,
        pub cru: u64,
        pub mru: u64,
    }

    #[derive(Encode, TypeInfo)]
    pub enum NodeCertification {
        Diy,
        Certified,
    }

    #[derive(Encode, TypeInfo)]
    pub struct Farm {
        pub id: u32,
        pub name: Vec<u8>,
    }

    #[derive(Encode, TypeInfo)]
    pub struct Twin {
        pub id: u32,
        pub relay: Option<Vec<u8>>,
        pub pk: Option<Vec<u8>>,
    }

    pub const RESOURCES: Resources = Resources { hru: 1, sru: 2, cru: 3, mru: 4 };
}

/// V14 metadata in which TfgridModule has this index, events and nodes.
fn described(spec: u32, index: u8, events: MetaType, node: MetaType) -> Vec<u8> {
    let default = v14::StorageEntryModifier::Default;
    let entry =
        |name, modifier, ty, default| v14::StorageEntryMetadata { name, modifier, ty, default, docs: vec![] };
    let plain = |name, ty, value| entry(name, default.clone(), v14::StorageEntryType::Plain(ty), value);
    let map = |name, value| {
        let (hashers, key) = (vec![v14::StorageHasher::Blake2_128Concat], meta_type::<u32>());
        entry(
            name,
            v14::StorageEntryModifier::Optional,
            v14::StorageEntryType::Map { hashers, key, value },
            vec![0],
        )
    };
    let pallet = |name, index, entries, event, constants| v14::PalletMetadata {
        name,
        storage: Some(v14::PalletStorageMetadata { prefix: name, entries }),
        calls: None,
        event: Some(v14::PalletEventMetadata { ty: event }),
        constants,
        error: None,
        index,
    };
    let value = version(spec);
    let version = v14::PalletConstantMetadata { name: "Version", ty: meta_type::<()>(), value, docs: vec![] };
    let record = meta_type::<Vec<common::EventRecord>>();
    let system = vec![plain("Events", record, vec![0])];
    let tfgrid = vec![
        plain("NodeID", meta_type::<u32>(), vec![0; 4]),
        map("Nodes", node),
        map("Farms", meta_type::<common::Farm>()),
        map("Twins", meta_type::<common::Twin>()),
    ];
    let pallets = vec![
        pallet("System", 0, system, meta_type::<common::SystemEvent>(), vec![version]),
        pallet("TfgridModule", index, tfgrid, events, vec![]),
    ];
    let extrinsic = v14::ExtrinsicMetadata { ty: meta_type::<()>(), version: 4, signed_extensions: vec![] };
    let metadata = v14::RuntimeMetadataV14::new(pallets, extrinsic, meta_type::<()>());
    RuntimeMetadataPrefixed::from(metadata).encode()
}

/// Spec 116: TfgridModule is pallet 12, a node's place is four texts in the old order.
mod second {
    use super::{common::*, *};

    #[derive(Encode, TypeInfo)]
    pub struct Node {
        id: u32,
        farm_id: u32,
        twin_id: u32,
        resources: Resources,
        longitude: Vec<u8>,
        latitude: Vec<u8>,
        country: Vec<u8>,
        city: Vec<u8>,
        farming_policy_id: u32,
        certification: NodeCertification,
        virtualized: bool,
        serial_number: Vec<u8>,
        connection_price: u32,
    }

    #[derive(Encode, TypeInfo)]
    #[expect(dead_code, reason = "shifts the indices of the others")]
    enum Event {
        NodeDeleted(u32),
        NodeStored(Node),
        NodeUpdated(Node),
        NodeUptimeReported(u32, u64, u64),
    }

    pub fn metadata() -> Vec<u8> {
        described(116, 12, meta_type::<Event>(), meta_type::<Node>())
    }

    pub fn events() -> Vec<Vec<u8>> {
        let node = Node {
            id: 1,
            farm_id: 7,
            twin_id: 9,
            resources: RESOURCES,
            longitude: b"4.4025".to_vec(),
            latitude: b"51.2194".to_vec(),
            country: b"Belgium".to_vec(),
            city: b"Ghent".to_vec(),
            farming_policy_id: 1,
            certification: NodeCertification::Certified,
            virtualized: false,
            serial_number: vec![],
            connection_price: 80,
        };
        vec![
            [&[0, 0][..], &DISPATCH_INFO].concat(),
            (12u8, Event::NodeStored(node)).encode(),
            (12u8, Event::NodeUptimeReported(1, 1_000, 50)).encode(),
        ]
    }
}

/// Spec 122 and later: TfgridModule is pallet 11 again, but with events in another order, and a node's place has a new
/// one; the bytes of the second runtime's nodes are nodes here, too.
mod third {
    use super::{common::*, *};

    #[derive(Encode, TypeInfo)]
    pub struct Node {
        id: u32,
        farm_id: u32,
        twin_id: u32,
        resources: Resources,
        city: Vec<u8>,
        country: Vec<u8>,
        latitude: Vec<u8>,
        longitude: Vec<u8>,
        farming_policy_id: u32,
        certification: NodeCertification,
        virtualized: bool,
        serial_number: Option<Vec<u8>>,
        connection_price: u32,
    }

    #[derive(Encode, TypeInfo)]
    #[expect(dead_code, reason = "shifts the indices of the others")]
    enum Event {
        NodeUptimeReported(u32, u64, u64),
        NodeUpdated(Node),
        Uninteresting(Vec<u64>),
        NodeStored(Node),
    }

    pub fn metadata() -> Vec<u8> {
        described(130, 11, meta_type::<Event>(), meta_type::<Node>())
    }

    pub fn events() -> Vec<Vec<u8>> {
        let node = Node {
            id: 1,
            farm_id: 7,
            twin_id: 9,
            resources: RESOURCES,
            city: b"Ghent".to_vec(),
            country: b"Belgium".to_vec(),
            latitude: b"51.2194".to_vec(),
            longitude: b"4.4025".to_vec(),
            farming_policy_id: 1,
            certification: NodeCertification::Certified,
            virtualized: false,
            serial_number: None,
            connection_price: 80,
        };
        vec![
            [&[0, 0][..], &DISPATCH_INFO].concat(),
            (11u8, Event::NodeStored(node)).encode(),
            (11u8, Event::NodeUptimeReported(1, 1_000, 50)).encode(),
        ]
    }
}

/// `System.Events`: each event in the phase of an extrinsic, without topics.
fn events_value(events: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Compact(u32::try_from(events.len()).unwrap()).encode();
    for event in events {
        bytes.extend([&[0, 1, 0, 0, 0][..], event, &[0]].concat());
    }
    bytes
}

const BLOCKS: u32 = 9;

/// Blocks 1 to 9 in one chunk: the first runtime executed blocks 1 to 3, of which the last set the code of the second;
/// that executed 4 to 6, of which the last set the code of the third.
fn archive(folder: &Path) -> [RuntimeMetadata; 3] {
    let metadata = |spec_version, bytes| RuntimeMetadata { spec_version, state_version: 0, bytes };
    let runtimes = [
        metadata(31, first::metadata()),
        metadata(116, second::metadata()),
        metadata(130, third::metadata()),
    ];
    let events = [first::events(), second::events(), third::events()];
    let plan = Plan {
        genesis: [1; 32],
        first: 1,
        last: BLOCKS,
        chunk_blocks: 16,
        period: None,
        proofs: None,
        state_at: vec![],
        range: None,
    };
    let mut writer = ArchiveWriter::open(folder, plan, minting::chain::event_shapes).unwrap();
    for runtime in &runtimes {
        writer.put_metadata(runtime).unwrap();
    }
    let block = |height: u32| Block {
        state_root: [2; 32],
        extrinsics_root: [3; 32],
        digest: vec![0],
        time_ms: u64::from(height) * 6_000,
        events: events_value(&events[usize::try_from((height - 1) / 3).unwrap()]),
    };
    let spans = (0..).zip(&runtimes).map(|(i, runtime)| Span { first: 3 * i + 1, metadata: runtime.hash() });
    let chunk = Chunk {
        genesis: [1; 32],
        first: 1,
        parent_hash: [1; 32],
        blocks: (1..=BLOCKS).map(block).collect(),
        spans: spans.collect(),
    };
    writer.put_chunk(&chunk).unwrap();
    let provenance = Provenance {
        chain: "Synthetic".into(),
        endpoints: vec![],
        finished: "1970-01-01T00:00:00Z".into(),
        node: "none".into(),
        started: "1970-01-01T00:00:00Z".into(),
        tool: "test".into(),
    };
    writer.finish(&provenance).unwrap();
    runtimes
}

/// What every block says, whichever runtime executed it.
fn expected() -> Vec<typed::Event> {
    let node = typed::Node {
        id: 1,
        farm_id: 7,
        twin_id: 9,
        resources: typed::Resources { cru: 3, mru: 4, hru: 1, sru: 2 },
        certification: typed::NodeCertification::Certified,
        virtualized: false,
        farming_policy_id: 1,
        connection_price: 80,
    };
    vec![
        typed::Event::NodeStored(Box::new(node)),
        typed::Event::NodeUptimeReported { node: 1, now: 1_000, uptime: 50 },
    ]
}

#[test]
fn every_block_decodes_by_the_runtime_that_executed_it() {
    let folder = tempfile::tempdir().unwrap();
    let runtimes = archive(folder.path());
    let source = Source::open(&[folder.path().to_path_buf()]).unwrap();
    let [piece] = source.pieces() else { panic!("not one chunk") };
    let chunk = source.read(piece).unwrap().chunk;
    for block in chunk.blocks() {
        let runtime = chunk.runtime_at(block.height).unwrap();
        assert_eq!(*runtime, runtimes[usize::try_from((block.height - 1) / 3).unwrap()].hash());
        let mut events = Vec::new();
        source.runtime(runtime).unwrap().events(block.events().unwrap(), |event| events.push(event)).unwrap();
        assert_eq!(events, expected(), "block {}", block.height);

        let mut lines = Vec::new();
        source
            .runtime(runtime)
            .unwrap()
            .events_json(block.events().unwrap(), |line| lines.push(line))
            .unwrap();
        let city = ["city", "location"].iter().find_map(|name| lines[1]["fields"][0].get(name)).unwrap();
        assert!(block.height <= 3 || city == "0x4768656e74", "block {}: {city}", block.height);
    }
}

/// By the runtime of its own state an upgrade block is not what it is, and that is noticed.
#[test]
fn the_upgrade_block_does_not_decode_by_the_runtime_it_set() {
    let folder = tempfile::tempdir().unwrap();
    let runtimes = archive(folder.path());
    let source = Source::open(&[folder.path().to_path_buf()]).unwrap();
    let chunk = source.read(&source.pieces()[0]).unwrap().chunk;
    for (upgrade, after) in [(3, 1), (6, 2)] {
        let runtime = source.runtime(&runtimes[after].hash()).unwrap();
        let block = chunk.at(upgrade).unwrap();
        let error = runtime.events(block.events().unwrap(), |_| {}).unwrap_err().to_string();
        assert!(error.starts_with("event 1 at byte"), "{error}");
    }
}
