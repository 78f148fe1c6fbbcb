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
    num::NonZeroU32,
    path::{Path, PathBuf},
    process::Command,
};

use minting::{
    archive::{
        ArchiveWriter, Block, BlockProof, BlockProofs, Blocks, Chunk, Hash, Plan, Provenance,
        RuntimeMetadata, Sample, Span, chunk_ranges,
    },
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
    parent: Hash,
    hash: Hash,
    root: Hash,
    extrinsics_root: Hash,
    digest: Vec<u8>,
    events: Vec<u8>,
    now: Vec<u8>,
    proof: Vec<Vec<u8>>,
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().unwrap().trim_start_matches("0x")).unwrap()
}

fn hash(hex: &Value) -> Hash {
    bytes(hex).try_into().unwrap()
}

fn digest(logs: &Value) -> Vec<u8> {
    let logs: Vec<Vec<u8>> = logs.as_array().unwrap().iter().map(bytes).collect();
    [vec![u8::try_from(logs.len() * 4).unwrap()], logs.concat()].concat()
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
                parent: hash(&block["header"]["parentHash"]),
                hash: hash(&block["hash"]),
                root: hash(&block["header"]["stateRoot"]),
                extrinsics_root: hash(&block["header"]["extrinsicsRoot"]),
                digest: digest(&block["header"]["digest"]["logs"]),
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
    let (mut told, mut changes) = (0u32, 0u32);
    for (block, next) in recorded.iter().zip(recorded.iter().skip(1)).step_by(40) {
        let refused = |proof: &[Vec<u8>]| values(Layout::V0, &block.root, proof, &keys).unwrap_err();
        for place in 0..block.proof.len() {
            for byte in 0..block.proof[place].len() {
                let mut changed = block.proof.clone();
                changed[place][byte] ^= 1;
                let outcome = refused(&changed);
                let named = matches!(outcome, Error::Changed { .. } | Error::Missing { .. });
                assert!(named, "block {}: {outcome:?}", block.height);
                told += u32::from(matches!(outcome, Error::Changed { .. }));
                changes += 1;
            }
            let mut dropped = block.proof.clone();
            dropped.remove(place);
            assert!(matches!(refused(&dropped), Error::Missing { .. }), "block {}", block.height);
        }
        let foreign = next.proof.iter().find(|node| !block.proof.contains(node)).unwrap();
        let added = [&block.proof[..], std::slice::from_ref(foreign)].concat();
        assert!(matches!(refused(&added), Error::Extra { .. }), "block {}", block.height);
        let outcome = refused(&next.proof);
        assert!(
            matches!(outcome, Error::Changed { .. } | Error::Missing { .. }),
            "block {}: {outcome:?}",
            block.height
        );
    }
    // A change of the path in a node can look like another node.
    assert!(told * 10 >= changes * 9, "only {told} of {changes} changes are told from dropped nodes");
}

const BLOCKS: u32 = 64;
const CHUNK_BLOCKS: u32 = 24;

/// An archive of the first recorded blocks with the proofs of some; `spoil` changes the short proof of a block, or its
/// events.
fn write(folder: &Path, one_in: u32, spoil: impl Fn(u32, &mut Vec<Vec<u8>>, &mut Vec<u8>)) {
    let recorded = recorded();
    let one_in = NonZeroU32::new(one_in).unwrap();
    let genesis = recorded[0].parent;
    let plan = Plan {
        chunk_blocks: CHUNK_BLOCKS,
        first: 1,
        genesis,
        last: BLOCKS,
        period: None,
        proofs: Some(one_in),
        range: None,
        state_at: vec![],
    };
    let metadata = RuntimeMetadata { spec_version: 144, state_version: 0, bytes: b"meta\x0e".to_vec() };
    let mut writer = ArchiveWriter::open(folder, plan, |_| None).unwrap();
    writer.put_metadata(&metadata).unwrap();
    let sample = Sample { first: 1, last: BLOCKS, last_hash: recorded[BLOCKS as usize - 1].hash, one_in };
    for (first, last) in chunk_ranges(1, BLOCKS, CHUNK_BLOCKS) {
        let own = &recorded[first as usize - 1..last as usize];
        let (mut blocks, mut proofs) = (Blocks::default(), Vec::new());
        for (height, block) in (first..).zip(own) {
            let mut events = block.events.clone();
            let mut nodes = short_of(block);
            spoil(height, &mut nodes, &mut events);
            blocks.push(Block {
                state_root: block.root,
                extrinsics_root: block.extrinsics_root,
                digest: block.digest.clone(),
                time_ms: u64::from_le_bytes(block.now[..].try_into().unwrap()),
                events,
            });
            if sample.has(height) {
                proofs.push(BlockProof { height, nodes });
            }
        }
        let spans = vec![Span { first, metadata: metadata.hash() }];
        writer.put_chunk(&Chunk { genesis, first, parent_hash: own[0].parent, blocks, spans }).unwrap();
        let last_hash = own[own.len() - 1].hash;
        writer.put_block_proofs(&BlockProofs { genesis, first, last, last_hash, proofs }).unwrap();
    }
    let text = String::new;
    let (chain, finished, node, started, tool) = (text(), text(), text(), text(), text());
    writer.finish(&Provenance { chain, endpoints: vec![], finished, node, started, tool }).unwrap();
}

fn short_of(block: &Recorded) -> Vec<Vec<u8>> {
    let (events, now) = (system_events(), timestamp_now());
    let of_events = [(&events[..], &block.events[..])];
    let of_now = [(&now[..], &block.now[..])];
    let claims = [Claim { prefix: &events, pairs: &of_events }, Claim { prefix: &now, pairs: &of_now }];
    shorten(Layout::V0, &block.root, &block.proof, &claims).unwrap()
}

/// Exit code and standard output of `minting-replay check`.
fn checked(folder: &Path, json: bool) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minting-replay"));
    command.arg("check").arg(folder).args(json.then_some("--json"));
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_archive_says_how_many_of_its_blocks_are_proven() {
    if recorded().is_empty() {
        return;
    }
    let mut roots = Vec::new();
    for (one_in, proven) in [(1, 64), (10, 7), (100, 1)] {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), one_in, |_, _, _| ());
        let (code, json) = checked(folder.path(), true);
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(code, Some(0), "{json}");
        assert_eq!(json[0]["blocks"], 64);
        assert_eq!(json[0]["proven_blocks"], proven);
        assert_eq!(json[0]["level"], "state-proofs");
        assert_eq!(json[0]["finality"], Value::Null);
        roots.push(json[0]["archive_root"].clone());
        let (_, text) = checked(folder.path(), false);
        assert!(text.contains(&format!("events and times of {proven} of 64 blocks")), "{text}");
        assert!(text.contains("Reached: state proofs"), "{text}");
        assert_eq!(text.contains("events of the other"), proven < 64, "{text}");
    }
    assert_eq!(roots[0], roots[1], "proofs are outside of the root");
    assert_eq!(roots[0], roots[2], "proofs are outside of the root");
}

/// Changes the nodes of a proof, or the events that it proves.
type Spoil<'a> = dyn Fn(&mut Vec<Vec<u8>>, &mut Vec<u8>) + 'a;

#[test]
fn an_archive_with_a_false_proof_is_refused_by_name() {
    if recorded().is_empty() {
        return;
    }
    let at = 40;
    let foreign = short_of(&recorded()[50]).swap_remove(0);
    let refused = |what: &str, words: &str, spoil: &Spoil<'_>| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 1, |height, nodes, events| {
            if height == at {
                spoil(nodes, events);
            }
        });
        let (code, text) = checked(folder.path(), false);
        assert_eq!(code, Some(1), "{what}: {text}");
        assert!(text.contains("proofs/0000000024-0000000047-"), "{what}: {text}");
        assert!(text.contains("block 40: ") && text.contains(words), "{what}: {text}");
        assert!(text.contains("1 problem") && text.contains("Reached: nothing."), "{what}: {text}");
    };
    refused("a byte", "a node was changed", &|nodes, _| nodes[0][40] ^= 1);
    refused("the last byte", "a node was changed", &|nodes, _| {
        let last = nodes.last_mut().unwrap();
        let end = last.len() - 1;
        last[end] ^= 1;
    });
    refused("the root dropped", "a node was dropped", &|nodes, _| drop(nodes.remove(0)));
    refused("another dropped", "dropped", &|nodes, _| drop(nodes.remove(1)));
    refused("one added behind", "a node was added", &|nodes, _| nodes.push(foreign.clone()));
    refused("one added before", "a node was added", &|nodes, _| nodes.insert(0, foreign.clone()));
    refused("one twice", "a node was added", &|nodes, _| nodes.insert(1, nodes[0].clone()));
    refused("a value", "a value or key differs", &|_, events| {
        *events = recorded()[50].events.clone();
    });
}
