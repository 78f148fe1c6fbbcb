//! The survey of layouts: `layouts.json`, item by item.

use std::{collections::BTreeMap, fs, path::PathBuf};

use minting::chain::Runtime;
use serde_json::{Map, Value};

/// Every event and storage item that the rules read, and the ones that these replaced.
pub const NEEDED: [&str; 22] = [
    "event TfgridModule.NodeStored",
    "event TfgridModule.NodeUpdated",
    "event TfgridModule.NodeUptimeReported",
    "event TfgridModule.PowerTargetChanged",
    "event TfgridModule.PowerStateChanged",
    "event SmartContractModule.ContractCreated",
    "event SmartContractModule.UpdatedUsedResources",
    "event SmartContractModule.NruConsumptionReportReceived",
    "event SmartContractModule.ConsumptionReportReceived",
    "storage TfgridModule.NodeID",
    "storage TfgridModule.Nodes",
    "storage TfgridModule.NodePower",
    "storage TfgridModule.Farms",
    "storage TfgridModule.FarmPayoutV2AddressByFarmID",
    "storage TfgridModule.Twins",
    "storage TfgridModule.FarmingPoliciesMap",
    "storage TfgridModule.FarmingPolicies",
    "storage TfgridModule.FarmingPolicyIDsByCertificationType",
    "storage SmartContractModule.ContractID",
    "storage SmartContractModule.Contracts",
    "storage SmartContractModule.NodeContractResources",
    "storage Timestamp.Now",
];

pub fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("MINTING_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: MINTING_SHARED is not set");
    }
    shared
}

/// A runtime of the chain: its metadata and what the survey says of it.
pub struct Surveyed {
    pub name: String,
    pub metadata: Vec<u8>,
    pub layouts: Map<String, Value>,
}

impl Surveyed {
    pub fn runtime(&self) -> Runtime {
        Runtime::compile(&self.metadata).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

/// All entries of the survey by the name of their blob, of this chain only.
fn entries(shared: &std::path::Path) -> BTreeMap<String, Map<String, Value>> {
    let text = fs::read(shared.join("metadata/layouts.json")).unwrap();
    let all: Map<String, Value> = serde_json::from_slice(&text).unwrap();
    let own = all.into_iter().filter(|(key, _)| key != "_readme" && !key.starts_with("other"));
    own.map(|(_, entry)| {
        let Value::Object(entry) = entry else { panic!("an entry is no object") };
        (entry["_blob"].as_str().unwrap().trim_end_matches(".scale").to_string(), entry)
    })
    .collect()
}

/// Every runtime whose metadata is there.
pub fn runtimes() -> Vec<Surveyed> {
    let Some(shared) = shared() else { return Vec::new() };
    let found = entries(&shared).into_iter().filter_map(|(name, layouts)| {
        let metadata = fs::read(shared.join(format!("metadata/blobs/{name}.scale"))).ok()?;
        Some(Surveyed { name, metadata, layouts })
    });
    let found: Vec<_> = found.collect();
    assert!(found.len() >= 85, "only {} runtimes", found.len());
    found
}

/// One runtime by the name of its blob.
pub fn runtime(name: &str) -> Option<Runtime> {
    let metadata = fs::read(shared()?.join(format!("metadata/blobs/{name}.scale"))).unwrap();
    Some(Runtime::compile(&metadata).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// The same metadata under another spec number.
pub fn relabelled(metadata: &[u8], spec: u32) -> Vec<u8> {
    let name = b"\x4csubstrate-threefold".repeat(2);
    let at = metadata.windows(name.len()).position(|w| w == name).unwrap() + name.len() + 4;
    [&metadata[..at], &spec.to_le_bytes(), &metadata[at + 4..]].concat()
}

fn assert_agrees(name: &str, runtime: &Runtime, layouts: &Map<String, Value>) {
    let lines: BTreeMap<String, Map<String, Value>> = runtime
        .layouts()
        .unwrap()
        .into_iter()
        .map(|line| (line["item"].as_str().unwrap().to_string(), line))
        .collect();
    for item in NEEDED {
        let (Some(want), Some(have)) = (layouts.get(item), lines.get(item)) else {
            assert_eq!(layouts.contains_key(item), lines.contains_key(item), "{name}: {item}");
            continue;
        };
        for key in ["pallet_index", "index", "layout", "prefix", "hashers", "key", "value"] {
            assert_eq!(have.get(key), want.get(key), "{name}: {item}, {key}");
        }
    }
    assert!(lines.keys().all(|item| NEEDED.contains(&item.as_str())), "{name} prints more than is needed");
}

#[test]
fn every_runtime_agrees_with_the_survey() {
    for surveyed in runtimes() {
        assert_agrees(&surveyed.name, &surveyed.runtime(), &surveyed.layouts);
    }
}

/// Runtimes whose metadata is not there, from metadata of their neighbours, which had the same layouts.
#[test]
fn spec_versions_between_known_ones_agree_with_the_survey() {
    let Some(shared) = shared() else { return };
    let entries = entries(&shared);
    for (neighbour, held_back) in [
        ("0038-testnet", "0040-testnet"),
        ("0042-testnet", "0040-testnet"),
        ("0055-testnet", "0056-testnet"),
        ("0057-devnet", "0056-testnet"),
    ] {
        let metadata = fs::read(shared.join(format!("metadata/blobs/{neighbour}.scale"))).unwrap();
        let spec = held_back[..4].parse().unwrap();
        let runtime = Runtime::compile(&relabelled(&metadata, spec)).unwrap();
        assert_eq!(runtime.spec_version(), Some(spec));
        assert_agrees(held_back, &runtime, &entries[held_back]);
    }
}

/// The spec number is not believed where the metadata shows another runtime.
#[test]
fn a_wrong_spec_number_is_an_error() {
    let Some(shared) = shared() else { return };
    for (name, spec) in [
        ("0042-testnet", 43), // Node grew
        ("0043-testnet", 42),
        ("0049-testnet", 50), // Farm grew
        ("0062-devnet", 63),  // contested
        ("0063-devnet", 62),
        ("0027-testnet", 28), // Node grew
        ("0031-mainnet", 3),  // between two layouts
        ("0031-mainnet", 69), // after the last one
    ] {
        let metadata = fs::read(shared.join(format!("metadata/blobs/{name}.scale"))).unwrap();
        assert!(Runtime::compile(&relabelled(&metadata, spec)).is_err(), "{name} as {spec}");
    }
}

#[test]
fn an_unknown_type_name_is_an_error_that_names_it() {
    let Some(shared) = shared() else { return };
    let metadata = fs::read(shared.join("metadata/blobs/0031-mainnet.scale")).unwrap();
    let rename = |from: &[u8], to: &[u8]| {
        let at = metadata.windows(from.len()).position(|w| w == from).unwrap();
        let renamed = [&metadata[..at], to, &metadata[at + to.len()..]].concat();
        Runtime::compile(&renamed).unwrap_err().to_string()
    };
    let error = rename(b"types::Entity<AccountId>", b"types::Entitx<AccountId>");
    assert!(error.contains("event TfgridModule.EntityStored"), "{error}");
    assert!(error.contains("`types::Entitx<AccountId>`") && error.contains("spec version 31"), "{error}");
    // Events have no length, so those of every pallet must be known.
    let error =
        rename(b"MintTransaction<AccountId, BlockNumber>", b"MintTransactiox<AccountId, BlockNumber>");
    assert!(error.contains("event TFTBridgeModule.MintCompleted"), "{error}");
}

#[test]
fn a_runtime_of_another_chain_is_an_error() {
    let Some(shared) = shared() else { return };
    let metadata = fs::read(shared.join("metadata/blobs/0100-tfchain3.scale")).unwrap();
    let error = Runtime::compile(&metadata).unwrap_err().to_string();
    assert!(error.starts_with("event TfgridModule.NodeStored"), "{error}");
}
