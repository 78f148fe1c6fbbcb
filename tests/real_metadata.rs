//! The decoder against metadata of real runtimes. Skipped, out loud, where `MINTING_SHARED` is not set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

use std::{fs, path::PathBuf};

use minting::chain::Runtime;

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("MINTING_SHARED").map(PathBuf::from);
    if shared.is_none() {
        eprintln!("skipped: MINTING_SHARED is not set");
    }
    shared
}

/// The runtimes from power management on (spec 130) to the newest one have every item in the form that the current
/// rules read; this test fails when one of them is not understood.
#[test]
fn every_runtime_with_power_management_compiles() {
    let Some(shared) = shared() else { return };
    for name in ["0130-mintingv3", "0134-local", "0144-tfchain", "0145-mintingv3", "0152-tfgridsdkts"] {
        let blob = fs::read(shared.join(format!("metadata/blobs/{name}.scale"))).unwrap();
        let runtime = Runtime::compile(&blob).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(runtime.minimum_period_ms(), Some(3_000), "{name}");
        assert_eq!(runtime.snapshot_prefixes().len(), 10, "{name}");
    }
}
