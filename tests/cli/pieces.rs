//! A period in pieces: any split into archives, with saved states between them or not, gives the same results.
#![cfg(feature = "fetch")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use minting::{
    archive::{
        Archive, ArchiveWriter, Block, Blocks, Chunk, Hash, Plan, Provenance, RuntimeMetadata, Span,
        StateSnapshot,
    },
    chain::event_shapes,
};
use serde_json::Value;
use simchain::{Options, scenario::Kind};

use crate::{
    node::Node,
    support::{Ran, fetch, files, replay, testdata},
};

const OPTIONS: Options =
    Options { scenario: Kind::Small, period: 81, block_time: 1_200, nodes: Some(62), seed: 1, upgrade: true };

/// An archive of blocks in memory, to be cut into pieces.
struct Whole {
    folder: tempfile::TempDir,
    blocks: BTreeMap<u32, (Block, Hash)>,
    parents: BTreeMap<u32, Hash>,
    states: BTreeMap<u32, StateSnapshot>,
    metadata: BTreeMap<Hash, RuntimeMetadata>,
    genesis: Hash,
    /// First and last block of the period, and last block of its window.
    bounds: [u32; 3],
}

impl Whole {
    fn new() -> Whole {
        let folder = tempfile::tempdir().unwrap();
        let node = Node::serve(OPTIONS);
        let rpc = format!("--rpc http://127.0.0.1:{} --own-node", node.port);
        let dry = fetch(&format!("period 81 {rpc} --out {{}} --dry-run --json"), &[&folder.path().join("x")]);
        let plan: Value = serde_json::from_str(dry.exits(0).stdout.lines().last().unwrap()).unwrap();
        let at = |path: &str| u32::try_from(plan.pointer(path).unwrap().as_u64().unwrap()).unwrap();
        let bounds = [at("/range/first_block"), at("/range/last_block"), at("/last/height")];
        let [first, last, end] = bounds;
        let out = folder.path().join("whole");
        let blocks = format!("blocks {}..{end} --state-at {first} --state-at {last}", first - 1);
        fetch(&format!("{blocks} {rpc} --out {{}}"), &[&out]).exits(0);
        let archive = Archive::open(&out).unwrap();
        let manifest = archive.manifest();
        let mut whole = Whole {
            blocks: BTreeMap::new(),
            parents: BTreeMap::new(),
            states: BTreeMap::new(),
            metadata: BTreeMap::new(),
            genesis: manifest.genesis_hash.0,
            bounds,
            folder,
        };
        for entry in &manifest.chunks {
            let (chunk, hashes) = archive.chunk(entry).unwrap();
            let mut parent = *chunk.parent_hash();
            for (block, hash) in chunk.blocks().zip(hashes) {
                let owned = Block {
                    state_root: *block.state_root,
                    extrinsics_root: *block.extrinsics_root,
                    digest: block.digest.to_vec(),
                    time_ms: block.time_ms,
                    events: block.events().unwrap().to_vec(),
                };
                whole.blocks.insert(block.height, (owned, *chunk.runtime_at(block.height).unwrap()));
                whole.parents.insert(block.height, parent);
                parent = hash;
            }
        }
        for entry in &manifest.state {
            whole.states.insert(entry.height, archive.state(entry).unwrap());
        }
        for entry in &manifest.metadata {
            let hash = entry.metadata_sha256.0;
            whole.metadata.insert(hash, archive.metadata(&hash).unwrap());
        }
        whole
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the blocks between two heights as an archive of its own.
    fn piece(&self, first: u32, last: u32, name: &str) -> PathBuf {
        let folder = self.at(name);
        let states: Vec<&StateSnapshot> = self.states.range(first..=last).map(|(_, state)| state).collect();
        let plan = Plan {
            chunk_blocks: 65_536,
            first,
            genesis: self.genesis,
            last,
            period: None,
            proofs: None,
            range: None,
            state_at: states.iter().map(|state| state.height).collect(),
        };
        let mut writer = ArchiveWriter::open(&folder, plan, event_shapes).unwrap();
        let mut spans: Vec<Span> = Vec::new();
        let mut blocks = Blocks::default();
        for (height, (block, metadata)) in self.blocks.range(first..=last) {
            if spans.last().is_none_or(|span| span.metadata != *metadata) {
                spans.push(Span { first: *height, metadata: *metadata });
            }
            blocks.push(block.clone());
        }
        let named = spans.iter().map(|span| span.metadata).chain(states.iter().map(|state| state.metadata));
        for metadata in named.collect::<BTreeSet<_>>() {
            writer.put_metadata(&self.metadata[&metadata]).unwrap();
        }
        let parent_hash = self.parents[&first];
        writer.put_chunk(&Chunk { genesis: self.genesis, first, parent_hash, blocks, spans }).unwrap();
        states.into_iter().for_each(|state| writer.put_state(state).unwrap());
        let text = || "cut".to_owned();
        let (chain, finished, node, started, tool) = (text(), text(), text(), text(), text());
        let endpoints = vec![];
        writer.finish(&Provenance { chain, endpoints, finished, node, started, tool }).unwrap();
        folder
    }

    /// Cuts at these heights, each the last one of a piece.
    fn cut(&self, cuts: &[u32], name: &str, slim: bool) -> Vec<PathBuf> {
        let [first, _, end] = self.bounds;
        let starts = std::iter::once(first - 1).chain(cuts.iter().map(|cut| cut + 1));
        let pieces = starts.zip(cuts.iter().copied().chain([end])).enumerate();
        let written = pieces.map(|(number, (first, last))| {
            let full = self.piece(first, last, &format!("{name}-{number}"));
            if !slim {
                return full;
            }
            let slim = self.at(&format!("{name}-{number}-slim"));
            replay("slim {} --out {} -q", &[&full, &slim]).exits(0);
            slim
        });
        written.collect()
    }
}

fn run(archives: &[PathBuf], more: &str, paths: &[&Path]) -> Ran {
    let places = vec!["{}"; archives.len()].join(" ");
    let all: Vec<&Path> = archives.iter().map(PathBuf::as_path).chain(paths.iter().copied()).collect();
    replay(&format!("run {places} --period 81 {more} --quiet"), &all)
}

/// Files of a result; of the run receipt what neither identifies archives nor says what they show by themselves.
fn results(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = files(out);
    let mut receipt: Value = serde_json::from_slice(&all["run.json"]).unwrap();
    for line in ["archive_roots", "state_snapshot", "short_digest", "trust"] {
        receipt.as_object_mut().unwrap().remove(line).unwrap();
    }
    all.insert("run.json".into(), receipt.to_string().into_bytes());
    all
}

/// Replays each piece from the state that the one before saved; gives the results.
fn in_steps(whole: &Whole, pieces: &[PathBuf], name: &str) -> BTreeMap<String, Vec<u8>> {
    let out = whole.at(&format!("{name}-out"));
    let state = |number: usize| whole.at(&format!("{name}-state-{number}"));
    for (number, piece) in pieces.iter().enumerate() {
        let piece = std::slice::from_ref(piece);
        let jobs = number % 3 + 1;
        match (number, number + 1 == pieces.len()) {
            (0, _) => run(piece, &format!("--jobs {jobs} --save-state {{}}"), &[&state(0)]),
            (_, false) => run(
                piece,
                &format!("--jobs {jobs} --load-state {{}} --save-state {{}}"),
                &[&state(number - 1), &state(number)],
            ),
            (_, true) => run(
                piece,
                &format!("--jobs {jobs} --load-state {{}} --out {{}}"),
                &[&state(number - 1), &out],
            ),
        }
        .exits(0);
    }
    let receipt: Value = serde_json::from_slice(&fs::read(out.join("run.json")).unwrap()).unwrap();
    let loaded = fs::read(state(pieces.len() - 2)).unwrap();
    let digest = hex::encode(minting::archive::container::sha256(&loaded));
    assert_eq!(receipt["state_snapshot"], digest, "{name}");
    assert_eq!(receipt["archive_roots"].as_array().unwrap().len(), pieces.len());
    // What was folded before is as the saved state says, and nothing else speaks for it.
    let trust = &receipt["trust"];
    let saved: Value = serde_json::from_slice(loaded.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!((&trust["level"], &trust["saved_state_at"]), (&"content".into(), &saved["block"]["height"]));
    let behind =
        receipt["blocks"]["window_last"].as_u64().unwrap() - trust["saved_state_at"].as_u64().unwrap();
    assert_eq!(trust["blocks"], behind);
    results(&out)
}

#[test]
fn any_split_with_or_without_saved_states_gives_the_same_results() {
    let whole = Whole::new();
    let [first, last, end] = whole.bounds;
    let expected = {
        let out = whole.at("expected");
        run(&[whole.at("whole")], "--out {}", &[&out]).exits(0);
        results(&out)
    };
    assert!(expected.len() > 50);
    // Numbers that look random, the same in every run.
    let mut random = 81_u64;
    let mut below = |limit: u32| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((random >> 33) % u64::from(limit)).unwrap()
    };
    let mut splits = vec![
        vec![first],
        vec![last - 1],
        vec![last],
        vec![last + 1],
        vec![end - 1],
        vec![first + 700, last + (end - last) / 2],
    ];
    for pieces in 2..=4 {
        let mut cuts: Vec<u32> = (1..pieces).map(|_| first + below(end - first)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        splits.push(cuts);
    }
    for (number, cuts) in splits.iter().enumerate() {
        let slim = number % 2 == 1;
        let name = format!("split-{number}");
        let pieces = whole.cut(cuts, &name, slim);
        assert!(in_steps(&whole, &pieces, &name) == expected, "saved states after blocks {cuts:?}");
        let out = whole.at(&format!("{name}-at-once"));
        run(&pieces, "--jobs 3 --out {}", &[&out]).exits(0);
        assert!(results(&out) == expected, "archives cut after blocks {cuts:?}");
    }
}

#[test]
fn a_saved_state_does_not_depend_on_threads_or_on_what_was_saved_before() {
    let whole = Whole::new();
    let [first, _, _] = whole.bounds;
    let pieces = whole.cut(&[first + 400, first + 900], "p", false);
    let state = |name: &str| whole.at(name);
    run(&pieces[..1], "--save-state {}", &[&state("one")]).exits(0);
    run(&pieces[..1], "--jobs 1 --save-state {}", &[&state("same")]).exits(0);
    assert!(fs::read(state("one")).unwrap() == fs::read(state("same")).unwrap());
    run(&pieces[1..2], "--load-state {} --save-state {}", &[&state("one"), &state("two")]).exits(0);
    run(&pieces[..2], "--jobs 2 --save-state {}", &[&state("at-once")]).exits(0);
    assert!(fs::read(state("two")).unwrap() == fs::read(state("at-once")).unwrap());
    // Nothing is overwritten unless it may be.
    run(&pieces[..1], "--save-state {}", &[&state("one")]).exits(1).says(&["there already", "--overwrite"]);
    run(&pieces[..2], "--save-state {} --overwrite", &[&state("one")]).exits(0);
    assert!(fs::read(state("two")).unwrap() == fs::read(state("one")).unwrap());
    // A preliminary result can be made on the way, from a state as well.
    let (once, steps) = (whole.at("partial-once"), whole.at("partial-steps"));
    fs::remove_file(state("one")).unwrap();
    run(&pieces[..1], "--save-state {}", &[&state("one")]).exits(0);
    let with_state = whole.piece(first + 401, first + 900, "second");
    let ran = run(&[with_state], "--load-state {} --partial --out {}", &[&state("one"), &steps]);
    // No state of the chain is there to close the ledgers against.
    ran.exits(1).says(&["the state of block"]);
    run(&pieces[..2], "--partial --out {}", &[&once]).exits(0);
    assert!(!steps.exists() && once.exists());
}

#[test]
fn a_saved_state_that_does_not_fit_is_refused_with_its_reason() {
    let whole = Whole::new();
    let [first, _, end] = whole.bounds;
    let pieces = whole.cut(&[first + 400, first + 900], "p", false);
    let (state, out) = (whole.at("state"), whole.at("out"));
    run(&pieces[..1], "--save-state {}", &[&state]).exits(0);
    let refused = |archive: &Path, more: &str, words: &[&str]| {
        let ran = replay(&format!("run {{}} --load-state {{}} --out {{}} {more}"), &[archive, &state, &out]);
        ran.exits(1).says(words);
        assert!(!out.exists(), "{more}");
    };
    let rest = whole.piece(first + 401, end, "rest");
    refused(&rest, "--period 82", &["state", "it is of period 81"]);
    refused(&rest, "--period 81 --rules r74", &["folded by the rules r81", "r74"]);
    refused(&rest, "--period 81 --bugs reference", &["folded by the rules r81 with --bugs fixed"]);
    refused(&pieces[2], "--period 81", &["blocks", "are missing"]);
    refused(&pieces[0], "--period 81", &["nothing follows"]);
    refused(&testdata("hazards/archive"), "--period 81", &["another chain"]);
    // Damage of any kind is found.
    let bytes = fs::read(&state).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&state, changed).unwrap();
        refused(&rest, "--period 81", &["state"]);
        fs::write(&state, &bytes[..at]).unwrap();
        refused(&rest, "--period 81", &["state"]);
    }
    fs::write(&state, String::from_utf8(bytes).unwrap().replacen("\"version\":1", "\"version\":2", 1))
        .unwrap();
    refused(&rest, "--period 81", &["version 2"]);
    let nowhere = whole.at("nowhere/state");
    run(&pieces[..1], "--save-state {}", &[&nowhere]).exits(1).says(&["--save-state"]);
}
