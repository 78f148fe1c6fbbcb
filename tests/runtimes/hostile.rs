//! Bytes that nobody wrote: no panic, and no more memory than the bytes account for.

use std::time::{Duration, Instant};

use minting::chain::{Pairs, Runtime};
use parity_scale_codec::{Compact, Encode};
use proptest::{
    collection::vec,
    prelude::any,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

use super::survey::runtimes;

/// The same value under every key.
struct Everywhere(Vec<u8>, Vec<u8>);

impl Pairs for Everywhere {
    fn below(&self, prefix: &[u8]) -> Vec<(&[u8], &[u8])> {
        if self.0.starts_with(prefix) { vec![(&self.0, &self.1)] } else { Vec::new() }
    }
}

fn read_all(runtime: &Runtime, value: &[u8]) {
    let _ = runtime.events(value, |_| {});
    let _ = runtime.events_json(value, |_| {});
    for prefix in runtime.snapshot_prefixes() {
        for key in [&[][..], &[0; 17], &[0; 20], &[0; 24], &[0; 32]] {
            let state = Everywhere([&prefix[..], key].concat(), value.to_vec());
            let reader = runtime.state(&state);
            let _ = (reader.nodes(), reader.node_powers(), reader.farms(), reader.twins());
            let _ =
                (reader.payout_addresses(), reader.policies(), reader.policy_ids(), reader.node_contracts());
        }
    }
}

#[test]
fn random_bytes_are_errors_and_nothing_worse() {
    let mut runner = TestRunner::deterministic();
    let bytes = vec(any::<u8>(), 0..200);
    for surveyed in runtimes() {
        let runtime = surveyed.runtime();
        for _ in 0..40 {
            let mut value = bytes.new_tree(&mut runner).unwrap().current();
            read_all(&runtime, &value);
            // An event that starts as one of this runtime does.
            value.splice(0..0, [4, 1, 11, 3]);
            read_all(&runtime, &value);
        }
    }
}

/// A list that claims to be as long as lists can be is refused before anything is made for it.
#[test]
fn claims_of_great_length_cost_nothing() {
    let started = Instant::now();
    for surveyed in runtimes() {
        let runtime = surveyed.runtime();
        for length in [u32::MAX, 1 << 30, 1 << 20] {
            let mut value = Compact(length).encode();
            value.extend_from_slice(&[0; 64]);
            assert!(runtime.events(&value, |_| {}).is_err());
            read_all(&runtime, &value);
        }
    }
    assert!(started.elapsed() < Duration::from_secs(300));
}

/// Metadata cut short or with a flipped byte is an error or another runtime, never a panic.
#[test]
fn damaged_metadata_is_an_error_or_another_runtime() {
    let mut runner = TestRunner::deterministic();
    for surveyed in
        runtimes().into_iter().filter(|s| ["0031-mainnet", "0152-tfgridsdkts"].contains(&s.name.as_str()))
    {
        for _ in 0..60 {
            let place = (0..surveyed.metadata.len()).new_tree(&mut runner).unwrap().current();
            assert!(Runtime::compile(&surveyed.metadata[..place]).is_err());
            let mut damaged = surveyed.metadata.clone();
            damaged[place] ^= 0x41;
            if let Ok(runtime) = Runtime::compile(&damaged) {
                let _ = runtime.layouts();
                read_all(&runtime, &[4, 0, 0, 0, 0, 0, 11, 3, 0, 0, 0, 0]);
            }
        }
    }
}
