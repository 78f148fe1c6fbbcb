//! `minting-fetch` against the synthetic chain, served over HTTP and WebSocket by one port.
#![cfg(feature = "fetch")]

use std::{num::NonZeroU32, path::Path};

use simchain::{Options, Proving, Scenario, proving::StateVersion, scenario::Kind, write};

use crate::{
    node::Node,
    support::{fetch, files, replay},
};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 1_200, nodes: Some(6), seed: 7, upgrade: true };

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

/// What an archive has of proofs, but for those of finality, which only a node has.
fn proofs(archive: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut all = content(archive);
    let manifest = all.remove("manifest.json").unwrap();
    let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let finality = manifest["proofs"].as_object_mut().unwrap().remove("finality").unwrap();
    all.retain(|name, _| finality["file"] != **name);
    all.insert("manifest.json".into(), manifest.to_string().into());
    all
}

#[test]
fn proofs_of_an_export_are_those_that_the_chain_writes_in_every_layout() {
    let folder = tempfile::tempdir().unwrap();
    for (which, one_in, state_version) in [
        ("all", 1, StateVersion::V0),
        ("all", 1, StateVersion::V1),
        ("all", 1, StateVersion::Migrated),
        ("sample:7", 7, StateVersion::V0),
    ] {
        let options = Options { block_time: 3_600, ..OPTIONS };
        let proving = Proving { state_version, ..Proving::default() };
        let scenario = Scenario::new(options).unwrap().with_proving(proving);
        let (written, out) = (folder.path().join("written"), folder.path().join("out"));
        write::write_proven(scenario.clone(), &written, 256, NonZeroU32::new(one_in)).unwrap();
        let node = Node::of(scenario);
        let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
        fetch(&format!("period 81 {rpc} --chunk-blocks 256 --proofs {which} --out {{}}"), &[&out]).exits(0);
        let (exported, expected) = (proofs(&out), proofs(&written));
        assert_eq!(exported.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, bytes) in &exported {
            assert!(expected.get(name) == Some(bytes), "{name} is another in {state_version:?}");
        }
        assert!(exported.keys().any(|name| name.starts_with("proofs/")));
        replay("check {}", &[&written]).exits(0);
        std::fs::remove_dir_all(written).unwrap();
        std::fs::remove_dir_all(out).unwrap();
    }
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

#[test]
fn a_chunk_that_was_damaged_is_read_again_and_others_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(OPTIONS);
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    fetch(&format!("period 81 {rpc} --out {{}}"), &[&whole]).exits(0);
    let export = |more: &str| fetch(&format!("period 81 {rpc} --out {{}} {more}"), &[&out]);
    export("").exits(0);
    let holds = fetch(&format!("blocks 1..9 {rpc} --out {{}}"), &[&out]).exits(1);
    holds.says(&["finished archive of period 81 with blocks"]);
    // As if the program had ended just before the manifest, and a byte had changed since.
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    std::fs::remove_file(out.join("manifest.json")).unwrap();
    let mut plan = serde_json::json!({});
    for (name, of) in [
        ("chunk_blocks", "chunk_blocks"),
        ("first", "first_block"),
        ("genesis", "genesis_hash"),
        ("last", "last_block"),
        ("period", "period"),
        ("range", "range"),
    ] {
        plan[name] = manifest[of].clone();
    }
    plan["state_at"] = serde_json::json!([manifest["range"]["first_block"], manifest["range"]["last_block"]]);
    let plan = format!("{}\n", serde_json::to_string_pretty(&plan).unwrap());
    std::fs::write(out.join("export.json"), plan).unwrap();
    let chunk = out.join(manifest["chunks"][0]["file"].as_str().unwrap());
    let mut bytes = std::fs::read(&chunk).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&chunk, bytes).unwrap();
    let dry = export("--dry-run --json").exits(0);
    let dry: serde_json::Value = serde_json::from_str(dry.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&dry["event"], &dry["chunks"]["missing"]), (&"plan".into(), &1.into()));
    assert_eq!(dry["damaged"].as_array().unwrap().len(), 1);
    export("").exits(0).says(&["note: ", "reading it again"]);
    assert!(content(&out) == content(&whole));
}

#[test]
fn nodes_that_are_dead_or_of_another_chain_are_left_out_and_scripts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (node, strange) = (Node::serve(OPTIONS), Node::serve(Options { seed: 8, ..OPTIONS }));
    let good = format!("http://127.0.0.1:{}", node.port);
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    fetch(&format!("blocks 1..300 --rpc {good} --own-node --out {{}}"), &[&whole]).exits(0);
    let all =
        format!("http://127.0.0.1:1 {good} ws://127.0.0.1:{0} http://127.0.0.1:{1}", node.port, strange.port);
    let ran =
        fetch(&format!("blocks 1..300 --rpc {all} --own-node --json --cross-check 20 --out {{}}"), &[&out])
            .exits(0)
            .says(&["note: http://127.0.0.1:1 is not asked any more", "it is on another fork"]);
    assert!(content(&out) == content(&whole));
    let events: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("note"), count("done"), count("error")), (3, 1, 0));
    assert!(events.iter().any(|e| e["stage"] == "blocks" && e["done"] == 300 && e["total"] == 300));
    assert!(events.iter().any(|e| e["stage"] == "cross-check" && e["done"] == 20));
    fetch(&format!("blocks 1..9 --rpc {good} --cross-check 3 --out {{}}"), &[&out]).exits(2).says(&["two"]);
}

#[test]
fn exports_of_parts_are_merged_into_what_one_export_gives() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(OPTIONS);
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    let path = |name: &str| folder.path().join(name);
    for (name, blocks) in [
        ("whole", "1..900 --state-at 5 --state-at 800"),
        ("one", "1..500 --state-at 5 --chunk-blocks 77"),
        ("two", "400..900 --state-at 800 --chunk-blocks 130"),
        ("late", "700..900"),
    ] {
        fetch(&format!("blocks {blocks} {rpc} --out {{}}"), &[&path(name)]).exits(0);
    }
    fetch("merge {} {} --out {}", &[&path("two"), &path("one"), &path("merged")]).exits(0);
    assert!(content(&path("merged")) == content(&path("whole")));
    replay("check {}", &[&path("merged")]).exits(0);
    fetch("merge {} {} --out {}", &[&path("one"), &path("late"), &path("gap")])
        .exits(1)
        .says(&["blocks 501 to 699", "minting-fetch blocks 501..699"]);
    assert!(!path("gap").exists());
}
