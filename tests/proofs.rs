//! The recorded real chain: the read proof of every block leads to its state root, and nothing else does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may fail"
)]

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
};

use minting::{
    archive::Hash,
    chain::keys::{system_events, timestamp_now},
    proof::{
        Error, Layout,
        answer::values,
        claim::{Claim, check, shorten},
    },
};
use serde_json::Value;

struct Recorded {
    height: u64,
    root: Hash,
    events: Vec<u8>,
    now: Vec<u8>,
    proof: Vec<Vec<u8>>,
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn lines(path: PathBuf) -> impl Iterator<Item = Value> {
    BufReader::new(File::open(path).unwrap())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// Every block of the recorded chain that has a proof; none, said out loud, if the record is not there.
fn recorded() -> Vec<Recorded> {
    let Some(shared) = std::env::var_os("MINTING_SHARED") else {
        eprintln!("SKIPPED: MINTING_SHARED is not set");
        return Vec::new();
    };
    let folder = PathBuf::from(shared).join("chains/local-144");
    let blocks: BTreeMap<u64, Value> =
        lines(folder.join("blocks.jsonl")).map(|block| (block["number"].as_u64().unwrap(), block)).collect();
    let recorded: Vec<_> = lines(folder.join("read-proofs.jsonl"))
        .map(|row| {
            let block = &blocks[&row["number"].as_u64().unwrap()];
            Recorded {
                height: row["number"].as_u64().unwrap(),
                root: bytes(&block["header"]["stateRoot"]).try_into().unwrap(),
                events: bytes(&block["events"]),
                now: bytes(&block["timestamp_now"]),
                proof: row["proof"].as_array().unwrap().iter().map(bytes).collect(),
            }
        })
        .collect();
    assert_eq!(recorded.len(), 640, "every block has a proof");
    recorded
}

#[test]
fn every_recorded_proof_leads_to_its_state_root() {
    let (events, now) = (system_events(), timestamp_now());
    let keys: [&[u8]; 2] = [&events, &now];
    let (mut whole, mut short) = (0, 0);
    let recorded = recorded();
    for block in &recorded {
        let found = values(Layout::V0, &block.root, &block.proof, &keys).unwrap();
        assert_eq!(found, [Some(block.events.clone()), Some(block.now.clone())], "block {}", block.height);

        let events = [(keys[0], &block.events[..])];
        let now = [(keys[1], &block.now[..])];
        let claims = [Claim { prefix: keys[0], pairs: &events }, Claim { prefix: keys[1], pairs: &now }];
        let nodes = shorten(Layout::V0, &block.root, &block.proof, &claims).unwrap();
        let nodes: Vec<&[u8]> = nodes.iter().map(Vec::as_slice).collect();
        check(Layout::V0, &block.root, &nodes, &claims).unwrap();
        whole += block.proof.iter().map(Vec::len).sum::<usize>() - block.events.len();
        short += nodes.iter().map(|node| node.len()).sum::<usize>();

        let other = [&block.events[..], &[0]].concat();
        let other = [(keys[0], &other[..])];
        let swapped = [Claim { prefix: keys[0], pairs: &other }, claims[1]];
        let differs = Error::Differs { prefix: keys[0].to_vec() };
        assert_eq!(check(Layout::V0, &block.root, &nodes, &swapped), Err(differs), "block {}", block.height);
    }
    println!(
        "{} blocks: {whole} bytes of nodes besides the events, {short} in the short form",
        recorded.len()
    );
}

#[test]
fn a_changed_dropped_added_or_swapped_node_of_a_recorded_proof_is_refused() {
    let (events, now) = (system_events(), timestamp_now());
    let keys: [&[u8]; 2] = [&events, &now];
    let recorded = recorded();
    for (block, next) in recorded.iter().zip(recorded.iter().skip(1)).step_by(40) {
        let refused = |proof: &[Vec<u8>]| values(Layout::V0, &block.root, proof, &keys).unwrap_err();
        for place in 0..block.proof.len() {
            for byte in 0..block.proof[place].len() {
                let mut changed = block.proof.clone();
                changed[place][byte] ^= 1;
                assert!(matches!(refused(&changed), Error::Missing { .. }), "block {}", block.height);
            }
            let mut dropped = block.proof.clone();
            dropped.remove(place);
            assert!(matches!(refused(&dropped), Error::Missing { .. }), "block {}", block.height);
        }
        let foreign = next.proof.iter().find(|node| !block.proof.contains(node)).unwrap();
        let added = [&block.proof[..], std::slice::from_ref(foreign)].concat();
        assert!(matches!(refused(&added), Error::Extra { .. }), "block {}", block.height);
        assert!(matches!(refused(&next.proof), Error::Missing { .. }), "block {}", block.height);
    }
}
