//! Periods that are not over: exported so far, replayed into a preliminary result that nothing takes for a final one.
#![cfg(feature = "fetch")]

use std::{collections::BTreeMap, fs, path::Path};

use ed25519_dalek::{
    SigningKey,
    pkcs8::{EncodePrivateKey, spki::der::pem::LineEnding},
};
use serde_json::Value;
use simchain::{Options, scenario::Kind};

use crate::{
    node::Node,
    support::{Ran, copy, fetch, files, replay, testdata},
};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 1_200, nodes: Some(12), seed: 7, upgrade: true };

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn outcomes(out: &Path) -> BTreeMap<u64, String> {
    let details = json(out, "partial-details.json");
    let nodes = details["nodes"].as_array().unwrap().iter();
    nodes.map(|n| (n["node"].as_u64().unwrap(), n["outcome"].as_str().unwrap().to_owned())).collect()
}

/// Exports what is final of period 81 while its last blocks, so many, are not.
fn so_far(folder: &Path, missing: u32) -> Ran {
    let node = Node::serve_without(OPTIONS, missing);
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    fetch(&format!("period 81 {rpc} --out {{}}"), &[&folder.join("refused")]).exits(1).says(&["--partial"]);
    let ran = fetch(&format!("period 81 --partial {rpc} --out {{}}"), &[&folder.join("archive")]).exits(0);
    // The same command goes on, and finds that nothing is left to do.
    fetch(&format!("period 81 --partial {rpc} --out {{}}"), &[&folder.join("archive")]).exits(0);
    replay("check {}", &[&folder.join("archive")]).exits(0);
    ran
}

#[test]
fn a_period_that_is_not_over_gives_a_preliminary_result_that_says_so_in_every_name() {
    let folder = tempfile::tempdir().unwrap();
    so_far(folder.path(), 1_000).says(&["run", "--period 81 --partial"]);
    let (archive, out) = (folder.path().join("archive"), folder.path().join("out"));
    replay("run {} --period 81 --out {}", &[&archive, &out]).exits(1).says(&["do not cover", "--partial"]);
    let ran = replay("run {} --period 81 --partial --out {}", &[&archive, &out]).exits(0);
    assert!(ran.stdout.contains("PRELIMINARY"), "{}", ran.stdout);
    let all = files(&out);
    for name in all.keys() {
        assert!(name.rsplit('/').next().unwrap().starts_with("partial-"), "{name}");
    }
    let receipts = all.keys().filter(|name| name.starts_with("receipts/partial-81/partial-")).count();
    assert_eq!(receipts, 12);
    let run = json(&out, "partial-run.json");
    let manifest = json(&archive, "manifest.json");
    assert_eq!((&run["partial"], &run["status"]), (&true.into(), &"partial".into()));
    assert_eq!((&run["period"]["number"], &run["period"]["end"]), (&81.into(), &1_738_233_160.into()));
    assert_eq!(run["blocks"]["last"], manifest["last_block"]);
    assert_eq!(run["preliminary"]["end_state"], manifest["last_block"]);
    let known = run["preliminary"]["known_until"].as_i64().unwrap();
    assert!((1_735_602_280..1_738_233_160).contains(&known), "{known}");
    // Uptime is measured against the part that is known: who runs is paid.
    assert!(outcomes(&out).values().any(|outcome| outcome == "paid"));
    let receipt = all.keys().find(|name| name.starts_with("receipts/")).unwrap();
    assert_eq!(json(&out, receipt)["period"]["end"], known);
    // The same bytes with any number of threads.
    let one = folder.path().join("one");
    replay("run {} --period 81 --partial --jobs 1 --out {}", &[&archive, &one]).exits(0);
    assert!(files(&one) == all);
}

#[test]
fn the_window_after_a_period_may_be_incomplete_too() {
    let folder = tempfile::tempdir().unwrap();
    so_far(folder.path(), 40);
    let (archive, out) = (folder.path().join("archive"), folder.path().join("out"));
    replay("run {} --period 81 --out {}", &[&archive, &out]).exits(1).says(&["blocks", "--partial"]);
    replay("run {} --period 81 --partial --out {}", &[&archive, &out]).exits(0);
    let run = json(&out, "partial-run.json");
    let last = run["blocks"]["last"].as_u64().unwrap();
    assert!(last < run["blocks"]["window_last"].as_u64().unwrap());
    assert_eq!(run["preliminary"]["end_state"], last);
}

#[test]
fn a_whole_period_is_not_preliminary() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    replay("run {} --period 81 --partial --out {}", &[&testdata("upgrade/archive"), &out])
        .exits(1)
        .says(&["all of period 81", "leave out --partial"]);
    assert!(!out.exists());
    let node = Node::serve(OPTIONS);
    let whole = folder.path().join("whole");
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    fetch(&format!("period 81 --partial {rpc} --out {{}}"), &[&whole]).exits(0);
    assert_eq!(json(&whole, "manifest.json")["period"], 81);
}

/// Blocks as they are, from the first one of the period on, with their state: nothing shows the block before.
#[test]
fn blocks_that_begin_with_the_period_will_do() {
    let folder = tempfile::tempdir().unwrap();
    so_far(folder.path(), 1_000);
    let first = json(&folder.path().join("archive"), "manifest.json")["state"][0]["height"].as_u64().unwrap();
    let node = Node::serve(OPTIONS);
    let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
    let (archive, out) = (folder.path().join("blocks"), folder.path().join("out"));
    let (middle, last) = (first + 500, first + 520);
    let states = format!("--state-at {first} --state-at {middle}");
    fetch(&format!("blocks {first}..{last} {states} {rpc} --out {{}}"), &[&archive]).exits(0);
    replay("run {} --period 81 --partial --out {}", &[&archive, &out])
        .exits(0)
        .says(&["warning", &format!("block {first}")]);
    let run = json(&out, "partial-run.json");
    assert_eq!((&run["blocks"]["last"], &run["preliminary"]["end_state"]), (&last.into(), &middle.into()));
    // Blocks from somewhere in the period are not its beginning.
    let late = folder.path().join("late");
    fetch(&format!("blocks {middle}..{last} --state-at {middle} {rpc} --out {{}}"), &[&late]).exits(0);
    replay("run {} --period 81 --partial --out {}", &[&late, &folder.path().join("x")])
        .exits(1)
        .says(&["blocks before"]);
}

#[test]
fn nothing_that_pays_or_vouches_takes_a_preliminary_result() {
    let folder = tempfile::tempdir().unwrap();
    so_far(folder.path(), 1_000);
    let (archive, out) = (folder.path().join("archive"), folder.path().join("out"));
    replay("run {} --period 81 --partial --out {}", &[&archive, &out]).exits(0);
    let other = folder.path().join("other");
    let upgrade = testdata("upgrade/archive");
    let small = testdata("small/expected");
    let refused = |args: &str, paths: &[&Path]| {
        replay(args, paths).exits(1).says(&["preliminary result"]);
        assert!(!other.exists(), "{args}");
    };
    let key = folder.path().join("key.pem");
    fs::write(&key, SigningKey::from_bytes(&[1; 32]).to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes())
        .unwrap();
    refused("attest sign {} --key {} --out {}", &[&out, &key, &other]);
    refused("lint {}", &[&out]);
    refused("diff {} {}", &[&out, &small]);
    refused("diff {} {}", &[&small, &out]);
    refused("fixup --period 81 --minted {} --correct {} --out {}", &[&out, &small, &other]);
    refused("fixup --period 81 --minted {} --correct {} --out {}", &[&small, &out, &other]);
    refused("run {} --period 81 --previous {} --out {}", &[&upgrade, &out, &other]);
    refused("verify {} --period 81 --against {}", &[&upgrade, &out]);
    replay("farm {} --farm 1", &[&out]).exits(1).says(&["partial run"]);
    // Those that only show it say what it is.
    let list = replay("watch-list {} --json", &[&out]).exits(0).stdout;
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["partial"], true);
    let page = folder.path().join("page.html");
    replay("report {} --out {}", &[&out, &page]).exits(0);
    assert!(fs::read_to_string(&page).unwrap().contains("\"partial\":true"));
    // The final run of the period replaces it as a whole.
    copy(&out, &other);
    replay("run {} --period 81 --out {} --overwrite", &[&upgrade, &other]).exits(0);
    assert!(files(&other).keys().all(|name| !name.contains("partial")));
}

#[test]
fn a_frozen_archive_may_be_one_of_a_running_period() {
    let folder = tempfile::tempdir().unwrap();
    so_far(folder.path(), 1_000);
    fs::write(folder.path().join("expected.toml"), "period = 81\npartial = true\n").unwrap();
    replay("test {} --bless", &[folder.path()]).exits(0);
    let expected = fs::read_to_string(folder.path().join("expected.toml")).unwrap();
    assert!(
        expected.contains("partial-payouts.csv") && expected.contains("status = \"partial\""),
        "{expected}"
    );
    let ran = replay("test {}", &[folder.path()]).exits(0);
    assert!(ran.stdout.contains("1 passed, 0 failed"), "{}", ran.stdout);
}
