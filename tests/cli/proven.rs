//! Exports with proofs, against a synthetic chain whose state roots, proofs and signatures are true or false on demand.
#![cfg(feature = "fetch")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use simchain::{
    Options, Proving, Scenario,
    chain::Chain,
    proving::StateVersion,
    scenario::Kind,
    serve::{self, Config},
};

use crate::support::{Ran, fetch, files, replay};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 3_600, nodes: Some(6), seed: 7, upgrade: true };
const CHUNKS: &str = "--own-node --chunk-blocks 64 --patience 1";
/// The block about which a node is made to lie.
const FALSE_AT: u32 = 300;

/// Serves a chain until it is dropped.
pub struct Node {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Node {
    pub fn serve(proving: Proving, faults: &[&str]) -> Node {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let scenario = Scenario::new(OPTIONS).unwrap().with_proving(proving);
        let config = Config {
            port: 0,
            latency: Duration::ZERO,
            faults: faults.iter().map(|fault| fault.parse().unwrap()).collect(),
            fault_seed: 1,
        };
        let chain = Arc::new(Chain::collect(scenario.produce()));
        let served = runtime.block_on(serve::serve(chain, config)).unwrap();
        let port = served.address.port();
        runtime.spawn(served.handle.stopped());
        Node { port, _runtime: runtime }
    }

    pub fn honest() -> Node {
        Node::serve(proving(), &[])
    }

    pub fn export(&self, what: &str, out: &Path) -> Ran {
        fetch(&format!("{what} --rpc http://127.0.0.1:{} {CHUNKS} --out {{}}", self.port), &[out])
    }
}

pub fn proving() -> Proving {
    Proving { justify_every: 50, ..Proving::default() }
}

/// What `check --json` says of an archive.
pub fn checked(archive: &Path) -> Value {
    let mut all: Value =
        serde_json::from_str(&replay("check {} --json", &[archive]).exits(0).stdout).unwrap();
    all[0].take()
}

/// Files that are there without proofs, too.
fn without_proofs(archive: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(archive);
    all.retain(|name, _| {
        !name.starts_with("proofs/") && name != "manifest.json" && name != "provenance.json"
    });
    all
}

pub fn folder() -> (tempfile::TempDir, impl Fn(&str) -> PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    (folder, move |name: &str| path.join(name))
}

#[test]
fn everything_is_proven_up_to_the_signatures_of_pinned_validators() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("all")).exits(0);
    node.export("period 81", &at("none")).exits(0);
    let (all, none) = (checked(&at("all")), checked(&at("none")));
    assert_eq!(all["proven_blocks"], all["blocks"]);
    assert_eq!((&all["proven_states"], &all["level"]), (&json!(2), &json!("state-proofs")));
    assert_eq!(all["finality"]["authorities"], "state");
    assert_eq!(all["finality"]["authorities_named_by_block"], all["first_block"]);
    assert!(all["finality"]["block"].as_u64() >= all["last_block"].as_u64());
    assert_eq!((&none["proven_blocks"], &none["finality"]), (&json!(0), &Value::Null));
    assert_eq!(none["level"], "state");
    assert_eq!(all["archive_root"], none["archive_root"], "proofs are outside of the root");
    assert!(without_proofs(&at("all")) == without_proofs(&at("none")));

    // What is printed can be pinned.
    let pinned = at("validators.json");
    fs::write(&pinned, serde_json::to_vec(&all["authorities"]).unwrap()).unwrap();
    let text = replay("check {} --authorities {}", &[&at("all"), &pinned]).exits(0).stdout;
    assert!(text.contains("Reached: finality.") && text.contains("signed by 3 of 4 in set 0"), "{text}");
    let json = replay("check {} --authorities {} --json", &[&at("all"), &pinned]).exits(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json[0]["level"], &json[0]["finality"]["authorities"]),
        (&json!("finality"), &json!("file"))
    );
    let text = replay("check {} --authorities {}", &[&at("none"), &pinned]).exits(4).stdout;
    assert!(
        text.contains("the archive holds no signatures") && !text.contains("Reached: finality"),
        "{text}"
    );
    // Other validators, another number of the set, another chain.
    for (change, words) in [
        ("key", "not among the authorities"),
        ("set_id", "is not valid for set 1"),
        ("genesis", "another chain"),
        ("weight", "precommits have weight"),
    ] {
        let mut other = all["authorities"].clone();
        match change {
            "key" => {
                let authorities = other["sets"][0]["authorities"].as_array_mut().unwrap();
                authorities.iter_mut().for_each(|one| one["key"] = json!("11".repeat(32)));
                authorities.truncate(1);
            }
            "set_id" => other["sets"][0]["set_id"] = json!(1),
            "genesis" => other["genesis_hash"] = json!("22".repeat(32)),
            _ => {
                let authorities = other["sets"][0]["authorities"].as_array_mut().unwrap();
                authorities.push(json!({ "key": "33".repeat(32), "weight": 9 }));
            }
        }
        fs::write(&pinned, serde_json::to_vec(&other).unwrap()).unwrap();
        let text = replay("check {} --authorities {}", &[&at("all"), &pinned]).exits(4).stdout;
        assert!(text.contains(words) && text.contains("Reached: state proofs."), "{change}: {text}");
    }
    fs::write(&pinned, b"{}").unwrap();
    replay("check {} --authorities {}", &[&at("all"), &pinned]).exits(1).says(&["validators.json"]);
}

#[test]
fn a_state_in_any_layout_is_proven() {
    let (_folder, at) = folder();
    for (name, state_version) in [("v1", StateVersion::V1), ("migrated", StateVersion::Migrated)] {
        let node = Node::serve(Proving { state_version, ..proving() }, &[]);
        node.export("period 81 --proofs all", &at(name)).exits(0);
        let found = checked(&at(name));
        assert_eq!(found["proven_blocks"], found["blocks"], "{name}");
        assert_eq!((&found["proven_states"], &found["level"]), (&json!(2), &json!("state-proofs")), "{name}");
    }
}

#[test]
fn a_sample_is_the_same_for_everyone_and_of_the_same_archive() {
    let (_folder, at) = folder();
    let node = Node::honest();
    for name in ["one", "two"] {
        node.export("blocks 101..800 --state-at 500 --proofs sample:7", &at(name)).exits(0);
    }
    node.export("blocks 101..800 --state-at 500", &at("none")).exits(0);
    let (mut one, mut two) = (files(&at("one")), files(&at("two")));
    assert!(one.remove("provenance.json").is_some() && two.remove("provenance.json").is_some());
    assert!(one == two);
    let found = checked(&at("one"));
    assert_eq!((&found["blocks"], &found["proven_blocks"]), (&json!(700), &json!(100)));
    assert_eq!(found["archive_root"], checked(&at("none"))["archive_root"]);
    let text = replay("check {}", &[&at("one")]).exits(0).stdout;
    assert!(text.contains("100 of 700 blocks, one in 7"), "{text}");
    assert!(text.contains("Not shown: that events of the other 600 blocks are theirs."), "{text}");
    let dry = node.export("blocks 101..800 --proofs sample:7 --dry-run", &at("dry")).exits(0).stdout;
    assert!(dry.contains("proofs of 100 blocks"), "{dry}");
    node.export("blocks 1..9 --proofs sample:0", &at("dry")).exits(2).says(&["sample:100"]);
}

#[test]
fn an_interrupted_export_with_proofs_ends_in_the_same_bytes() {
    let (_folder, at) = folder();
    let node = Node::honest();
    let what = "blocks 101..400 --state-at 200 --proofs all";
    node.export(what, &at("whole")).exits(0);
    let whole = files(&at("whole"));
    let manifest: Value = serde_json::from_slice(&whole["manifest.json"]).unwrap();
    let proofs: Vec<&String> = whole.keys().filter(|name| name.starts_with("proofs/")).collect();
    assert_eq!(proofs.len(), 6 + 1 + 1, "six chunks, a snapshot, a justification: {proofs:?}");
    for missing in &proofs {
        let out = at("again");
        for (name, bytes) in &whole {
            let path = out.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        // As if the program had ended before the manifest.
        fs::remove_file(out.join("manifest.json")).unwrap();
        fs::remove_file(out.join(missing)).unwrap();
        let plan = json!({
            "chunk_blocks": 64, "first": 101, "genesis": manifest["genesis_hash"], "last": 400, "period": null,
            "proofs": 1, "range": null, "state_at": [200],
        });
        fs::write(out.join("export.json"), serde_json::to_string_pretty(&plan).unwrap() + "\n").unwrap();
        node.export("blocks 101..400 --state-at 200", &out).exits(1).says(&["unfinished export"]);
        node.export(what, &out).exits(0);
        let mut again = files(&out);
        again.insert("provenance.json".into(), whole["provenance.json"].clone());
        assert!(again == whole, "{missing}");
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn false_proofs_and_signatures_are_refused_by_name() {
    let (_folder, at) = folder();
    let block = format!("block {FALSE_AT} (state_getReadProof)");
    for (fault, words) in [
        ("proof-changed", "a node was changed"),
        ("proof-dropped", "a node was dropped"),
        ("proof-added", "a node was added"),
        ("proof-swapped", "the proof"),
        ("proof-before", "the proof"),
    ] {
        let node = Node::serve(proving(), &[&format!("{fault}:block={FALSE_AT}")]);
        let out = at(fault);
        node.export("blocks 290..310 --proofs all", &out).exits(1).says(&[&block, words, "answers wrongly"]);
        assert!(!out.join("manifest.json").exists(), "{fault}");
        // Another node goes on where one lies.
        let honest = Node::honest();
        let both = format!("http://127.0.0.1:{} http://127.0.0.1:{}", node.port, honest.port);
        let ran = fetch(&format!("blocks 290..310 --proofs all --rpc {both} {CHUNKS} --out {{}}"), &[&out]);
        ran.exits(0);
        assert_eq!(checked(&out)["proven_blocks"], 21, "{fault}");
    }
    for (fault, words) in [
        ("bad-signature", "is not valid for set 0"),
        ("few-votes", "precommits have weight"),
        ("votes-before", "its justification"),
    ] {
        let node = Node::serve(proving(), &[fault]);
        let ran = node.export("blocks 290..310 --proofs all", &at(fault)).exits(1);
        ran.says(&["(its justification)", words]);
    }
    let node = Node::serve(proving(), &["unsafe:method=state_getReadProof"]);
    node.export("blocks 290..310 --proofs all", &at("unsafe")).exits(1).says(&["--proofs none"]);
    let node = Node::serve(proving(), &["unjustified"]);
    node.export("blocks 290..310 --proofs all", &at("unjustified"))
        .exits(0)
        .says(&["does not prove that its last block is final"]);
    assert_eq!(checked(&at("unjustified"))["finality"], Value::Null);
}

#[test]
fn who_signs_is_named_by_the_start_unless_the_validators_changed() {
    let (_folder, at) = folder();
    let node = Node::serve(Proving { new_authority_at: vec![250, 330], ..proving() }, &[]);
    for (name, range, named) in [("before", "251..300", 251), ("across", "240..300", 300)] {
        node.export(&format!("blocks {range} --proofs all"), &at(name)).exits(0);
        let found = checked(&at(name));
        assert_eq!((&found["finality"]["set_id"], &found["level"]), (&json!(1), &json!("state-proofs")));
        assert_eq!(found["finality"]["authorities_named_by_block"], named);
    }
}

/// Whoever signed a block is named by the state of its parent; every set has another number.
#[test]
fn who_signs_is_named_wherever_in_the_archive_the_validators_changed() {
    let (_folder, at) = folder();
    let changes = vec![250, 330, 331, 400];
    let node = Node::serve(Proving { new_authority_at: changes, ..proving() }, &[]);
    for (range, signed, set_id, named) in [
        // The last block changes them: it is the last one that the old ones finalize.
        ("240..250", 250, 0, Some(240)),
        ("240..330", 330, 1, Some(329)),
        ("240..331", 331, 2, Some(330)),
        // It did so before, and the next change ends the time of those who come.
        ("251..320", 330, 1, Some(251)),
        ("240..329", 330, 1, Some(329)),
        ("330..390", 400, 3, Some(390)),
        // The archive has one block, of the state before which nothing is known.
        ("330..330", 330, 1, None),
    ] {
        let archive = at(range);
        node.export(&format!("blocks {range} --proofs all"), &archive).exits(0);
        let found = checked(&archive);
        assert_eq!(found["level"], "state-proofs", "{range}");
        match named {
            Some(named) => {
                assert_eq!(found["finality"]["authorities_named_by_block"], named, "{range}");
                assert_eq!(found["finality"]["set_id"], set_id, "{range}");
                assert_eq!(found["finality"]["block"], signed, "{range}");
                assert_eq!(found["finality_unnamed"], Value::Null, "{range}");
            }
            None => {
                assert_eq!((&found["finality"], &found["finality_unnamed"]), (&Value::Null, &json!(signed)))
            }
        }
    }
}

/// A node that has not kept the justification of the change gives one of those who came after it.
#[test]
fn validators_who_changed_behind_the_end_have_to_be_pinned() {
    let (_folder, at) = folder();
    let changes = Proving { new_authority_at: vec![250], ..proving() };
    let node = Node::serve(changes.clone(), &["unjustified:block=250"]);
    node.export("blocks 240..248 --proofs all", &at("behind")).exits(0);
    let found = checked(&at("behind"));
    assert_eq!((&found["finality"], &found["level"]), (&Value::Null, &json!("state-proofs")));
    assert_eq!((&found["finality_unnamed"], &found["authorities"]), (&json!(266), &Value::Null));
    let text = replay("check {}", &[&at("behind")]).exits(0).stdout;
    for words in [
        "block 266 is signed, by whom no block of the archive says",
        "Not shown: that the validators finalized the last block.",
        "Pin those who signed in a file: --authorities <FILE>.",
        "Reached: state proofs.",
    ] {
        assert!(text.contains(words), "{text}");
    }
    // An archive of later blocks names them.
    node.export("blocks 251..260 --proofs all", &at("later")).exits(0);
    let pinned = at("validators.json");
    fs::write(&pinned, serde_json::to_vec(&checked(&at("later"))["authorities"]).unwrap()).unwrap();
    let text = replay("check {} --authorities {}", &[&at("behind"), &pinned]).exits(0).stdout;
    assert!(text.contains("Reached: finality.") && text.contains("block 266,"), "{text}");
    assert!(text.contains("in set 1 of the validators") && !text.contains("by whom no block"), "{text}");
    // Those of before did not sign it.
    node.export("blocks 200..210 --proofs all", &at("before")).exits(0);
    fs::write(&pinned, serde_json::to_vec(&checked(&at("before"))["authorities"]).unwrap()).unwrap();
    let text = replay("check {} --authorities {}", &[&at("behind"), &pinned]).exits(4).stdout;
    assert!(
        text.contains("Reached: state proofs.") && text.contains("not by the validators in the file"),
        "{text}"
    );
}

#[test]
fn joined_archives_keep_proofs_and_slim_ones_drop_them() {
    let (_folder, at) = folder();
    let node = Node::honest();
    node.export("period 81 --proofs all", &at("whole")).exits(0);
    let whole = checked(&at("whole"));
    let (first, last) = (whole["first_block"].as_u64().unwrap(), whole["last_block"].as_u64().unwrap());
    let middle = (first + last) / 2;
    node.export(&format!("blocks {first}..{middle} --state-at {first} --proofs all"), &at("one")).exits(0);
    node.export(&format!("blocks {}..{last} --proofs all", middle - 9), &at("two")).exits(0);
    fetch("merge {} {} --out {}", &[&at("one"), &at("two"), &at("joined")]).exits(0);
    let joined = checked(&at("joined"));
    assert_eq!(joined["proven_blocks"], joined["blocks"]);
    assert_eq!((&joined["proven_states"], &joined["level"]), (&json!(1), &json!("state-proofs")));
    assert_eq!(joined["finality"]["hash"], whole["finality"]["hash"]);
    replay("slim {} --out {}", &[&at("whole"), &at("slim")]).exits(0);
    let slim = checked(&at("slim"));
    assert_eq!((&slim["proven_blocks"], &slim["level"]), (&json!(0), &json!("content")));
    assert!(!at("slim").join("proofs").exists());
}
