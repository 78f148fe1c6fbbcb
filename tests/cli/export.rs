//! `minting-fetch` against the synthetic chain, served over HTTP and WebSocket by one port.
#![cfg(feature = "fetch")]

use std::{path::Path, sync::Arc, time::Duration};

use simchain::{Options, Scenario, chain::Chain, scenario::Kind, serve, write};

use crate::support::{fetch, files, replay};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 1_200, nodes: Some(6), seed: 7, upgrade: true };

/// Serves a chain until it is dropped.
struct Node {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Node {
    fn serve(options: Options) -> Node {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let chain = Arc::new(Chain::collect(Scenario::new(options).unwrap().produce()));
        let (address, server) = runtime.block_on(serve::start(chain, 0, Duration::ZERO)).unwrap();
        runtime.spawn(server.stopped());
        Node { port: address.port(), _runtime: runtime }
    }
}

/// The files of an archive, without provenance.
fn content(archive: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut all = files(archive);
    assert!(all.remove("provenance.json").is_some());
    all
}

#[test]
fn what_is_exported_is_what_the_chain_writes_by_any_way() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written");
    write::write(Scenario::new(OPTIONS).unwrap(), &written, minting::archive::DEFAULT_CHUNK_BLOCKS).unwrap();
    let node = Node::serve(OPTIONS);
    for (name, options) in [
        ("http", format!("--rpc http://127.0.0.1:{} --own-node", node.port)),
        ("ws", format!("--rpc ws://127.0.0.1:{} --own-node --jobs 3", node.port)),
        ("both", format!("--rpc ws://127.0.0.1:{0} http://127.0.0.1:{0} --own-node --jobs 1", node.port)),
    ] {
        let out = folder.path().join(name);
        fetch(&format!("period 81 {options} --out {{}}"), &[&out]).exits(0);
        assert!(content(&out) == content(&written), "{name}");
        replay("check {}", &[&out]).exits(0);
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("http/manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["period"], 81);
}

#[test]
fn blocks_that_meet_are_replayed_as_one_archive() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(OPTIONS);
    let whole = folder.path().join("whole");
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    fetch(&format!("period 81 {rpc} --out {{}}"), &[&whole]).exits(0);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(whole.join("manifest.json")).unwrap()).unwrap();
    let at = |name: &str| manifest["range"][name].as_u64().unwrap();
    let (first, last, end) = (at("first_block"), at("last_block"), manifest["last_block"].as_u64().unwrap());
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let middle = (first + last) / 2;
    // One block before the period shows that `first` is its first; the two parts overlap.
    fetch(&format!("blocks {}..{middle} {rpc} --state-at {first} --out {{}}", first - 1), &[&one]).exits(0);
    fetch(&format!("blocks {}..{end} {rpc} --state-at {last} --out {{}}", middle - 9), &[&two]).exits(0);
    let results = |archives: &str, paths: &[&Path], name: &str| {
        let out = folder.path().join(name);
        let paths: Vec<&Path> = paths.iter().copied().chain([out.as_path()]).collect();
        replay(&format!("run {archives} --period 81 --out {{}}"), &paths).exits(0);
        let mut all = files(&out);
        all.remove("run.json");
        all
    };
    assert!(results("{}", &[&whole], "a") == results("{} {}", &[&two, &one], "b"));
    // Without the block before, nobody can see that the period starts there; a gap is named with its remedy.
    let (late, out) = (folder.path().join("late"), folder.path().join("c"));
    fetch(&format!("blocks {first}..{end} {rpc} --state-at {first} --state-at {last} --out {{}}"), &[&late])
        .exits(0);
    replay("run {} --period 81 --out {}", &[&late, &out])
        .exits(1)
        .says(&["blocks before", "minting-fetch period 81"]);
    replay("run {} --period 81 --out {}", &[&one, &out])
        .exits(1)
        .says(&["do not cover period 81", "minting-fetch"]);
}

#[test]
fn an_export_that_cannot_be_done_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let node = Node::serve(OPTIONS);
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    fetch("period 81 --rpc http://127.0.0.1:1 --out {}", &[&out]).exits(1).says(&["127.0.0.1:1"]);
    fetch(&format!("period 90 {rpc} --out {{}}"), &[&out]).exits(1).says(&["final"]);
    fetch(&format!("blocks 1..99999999 {rpc} --out {{}}"), &[&out]).exits(1).says(&["final"]);
    fetch(&format!("blocks 9..1 {rpc} --out {{}}"), &[&out]).exits(2);
    fetch("period 81 --out {}", &[&out]).exits(2);
    assert!(!out.exists() || files(&out).is_empty());
    std::fs::create_dir_all(&out).unwrap();
    std::fs::write(out.join("mine"), b"1").unwrap();
    fetch(&format!("blocks 1..9 {rpc} --out {{}}"), &[&out]).exits(1).says(&["not empty"]);
    assert_eq!(std::fs::read(out.join("mine")).unwrap(), b"1");
}
