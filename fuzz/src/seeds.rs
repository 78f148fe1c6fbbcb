//! Seeds: right inputs, in the repository, from which everything else is made.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
};

use ed25519_dalek::{Signer, SigningKey};
use minting::{
    archive::{
        Archive, Block, BlockProof, BlockProofs, Chunk, ChunkBody, Finality, HeaderParts, NamedAuthorities,
        StateProof,
    },
    chain::{event_shapes, keys},
    minting::{Period, Rules},
    proof::{Layout, authorities, build, grandpa::Authorities},
    replay::{Progress, Request, Source, fold, locate},
    verify::finality::Pinned,
};

/// Blocks of a seed of a chunk; more would only make mutations rarer.
const BLOCKS: usize = 3;
/// Values of events that become seeds.
const EVENTS: usize = 12;

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target)
}

/// The seeds of a target, ascending by name.
///
/// # Errors
/// I/O errors.
pub fn read(target: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut seeds = BTreeMap::new();
    for entry in fs::read_dir(folder(target))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        seeds.insert(name, fs::read(&path)?);
    }
    Ok(seeds)
}

type Failed = Box<dyn std::error::Error>;

/// Makes the seeds that come from `testdata` anew; answers of nodes and attestations were written by hand.
///
/// # Errors
/// I/O errors, and archives that cannot be read.
pub fn make(testdata: &Path) -> Result<(), Failed> {
    let mut runtimes: BTreeMap<String, [u8; 32]> = BTreeMap::new();
    for name in ["small", "upgrade"] {
        let archive = Archive::open(&testdata.join(name).join("archive"))?;
        let manifest = archive.manifest();
        write("manifest", name, &manifest.to_bytes())?;
        for entry in &manifest.metadata {
            let metadata = archive.metadata(&entry.metadata_sha256.0)?;
            runtimes.insert(format!("{name}-{}", entry.spec_version), metadata.hash());
            write("metadata", &format!("{name}-{}", entry.spec_version), &metadata.bytes)?;
            write(
                "container",
                &format!("{name}-{}", entry.spec_version),
                &fs::read(archive.path(&entry.file))?,
            )?;
        }
        // Seeds of events and state start with the place of their metadata among the seeds of metadata.
        let place = |hash: &[u8; 32]| -> Result<u8, Failed> {
            let own = |(seed, runtime): (&String, &[u8; 32])| seed.starts_with(name) && runtime == hash;
            Ok(u8::try_from(runtimes.iter().position(own).ok_or("a runtime has a seed")?)?)
        };
        for entry in &manifest.state {
            let state = archive.state(entry)?;
            let bytes = [&[place(&state.metadata)?][..], &state.to_body()].concat();
            write("state", &format!("{name}-{}", entry.height), &bytes)?;
        }
        let entry = manifest.chunks.first().ok_or("an archive has a chunk")?;
        let (chunk, _) = archive.chunk(entry)?;
        let blocks = first_blocks(&chunk)?;
        write("chunk", name, &blocks.to_body(None)?)?;
        let spans = blocks.spans.iter();
        let shapes: Option<Vec<_>> =
            spans.map(|span| event_shapes(&archive.metadata(&span.metadata).ok()?.bytes)).collect();
        let columns = blocks.columns(&shapes.ok_or("a runtime has shapes")?)?;
        write("chunk", &format!("{name}-columns"), &blocks.to_body(columns.as_deref())?)?;
        let mut events: Vec<(u32, Vec<u8>)> = Vec::new();
        for block in chunk.blocks() {
            events.push((block.height, block.events()?.to_vec()));
        }
        events.sort_by_key(|(height, events)| (std::cmp::Reverse(events.len()), *height));
        let step = events.len().checked_div(EVENTS).unwrap_or(1).max(1);
        for (height, events) in events.into_iter().step_by(step) {
            let runtime = chunk.runtime_at(height).ok_or("a block has a runtime")?;
            write("events", &format!("{name}-{height}"), &[&[place(runtime)?][..], &events].concat())?;
        }
    }
    write_proofs()?;
    write_finality()?;
    write("saved-state", "upgrade", &saved_state(&testdata.join("upgrade/archive"))?)?;
    for (kind, take) in [("expected/receipts/81", 4), ("expected/receipts/retries/81", 2)] {
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(testdata.join("small").join(kind))? {
            paths.push(entry?.path());
        }
        paths.sort();
        for path in paths.into_iter().take(take) {
            let name: String =
                path.file_name().unwrap_or_default().to_string_lossy().chars().take(8).collect();
            write("receipts", &name, &fs::read(&path)?)?;
        }
    }
    for name in ["r45", "r60-strict", "r81"] {
        let rules = Rules::named(name).ok_or("a rule set has this name")?;
        write("rules", name, rules.to_toml().as_bytes())?;
    }
    Ok(())
}

/// Proofs of a made-up state: the nodes above events, time and two maps. Their first byte is the layout.
fn write_proofs() -> io::Result<()> {
    let pair = |key: &[u8], value: &[u8]| -> (Vec<u8>, Vec<u8>) {
        (key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect(), value.to_vec())
    };
    let (genesis, block_hash) = ([1; 32], [2; 32]);
    for (layout, version) in [(Layout::V0, 0u8), (Layout::V1, 1)] {
        let mut pairs = [
            pair(&[0x11; 40], &[7; 50]),
            pair(&[0x12; 33], &[8; 50]),
            pair(&keys::system_events(), b"events"),
            pair(&keys::timestamp_now(), &1u64.to_le_bytes()),
        ];
        pairs.sort();
        let pairs: Vec<build::Pair<'_>> =
            pairs.iter().map(|(key, value)| (key.clone(), &value[..])).collect();
        let maps = pairs.iter().filter(|(key, _)| key.first() == Some(&1)).cloned().collect::<Vec<_>>();
        let nodes = vec![build::node(layout, &pairs, 0).encode(), build::node(layout, &maps, 1).encode()];
        let short = nodes.iter().take(1).cloned().collect();
        let proofs =
            vec![BlockProof { height: 5, nodes: short }, BlockProof { height: 6, nodes: nodes.clone() }];
        let blocks = BlockProofs { genesis, first: 5, last: 8, last_hash: block_hash, proofs };
        let state = StateProof { genesis, height: 5, block_hash, nodes };
        write("proofs", &format!("blocks-{version}"), &[&[version][..], &blocks.to_body()].concat())?;
        write("proofs", &format!("state-{version}"), &[&[version][..], &state.to_body()].concat())?;
    }
    Ok(())
}

/// One validator, who signs a block with a header behind the last one.
fn write_finality() -> io::Result<()> {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = key.verifying_key().to_bytes();
    let list = [&[1, 4][..], &public, &1u64.to_le_bytes()].concat();
    let values = [Some(list), None, Some(3u64.to_le_bytes().to_vec())];
    let header = HeaderParts { state_root: [1; 32], extrinsics_root: [2; 32], digest: vec![0] };
    let height = 9u32;
    let hash = [5; 32];
    let vote = [&hash[..], &height.to_le_bytes()].concat();
    let round = 2u64.to_le_bytes();
    let signed = [&[1][..], &vote, &round, &3u64.to_le_bytes()].concat();
    let signature = key.sign(&signed).to_bytes();
    let justification = [&round[..], &vote, &[4], &vote, &signature, &public, &[0]].concat();
    let keys = authorities::keys();
    let mut pairs: Vec<build::Pair<'_>> = Vec::new();
    for (key, value) in keys.iter().zip(&values) {
        let path = key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
        pairs.extend(value.as_deref().map(|value| (path, value)));
    }
    let nodes = vec![build::node(Layout::V0, &pairs, 0).encode()];
    let authorities = Some(NamedAuthorities { height: 8, values, nodes });
    let (genesis, headers) = ([3; 32], vec![header]);
    let finality = Finality { genesis, height, hash, headers, justification, authorities };
    write("finality", "signed", &finality.to_body())?;
    let unnamed = Finality { authorities: None, headers: vec![], ..finality };
    write("finality", "unnamed", &unnamed.to_body())?;
    let set = Authorities { set_id: 3, weights: BTreeMap::from([(public, 1)]) };
    write("finality", "pinned.json", &serde_json::to_vec_pretty(&Pinned::of(genesis, &set))?)
}

/// What a replay knows after its last block.
fn saved_state(archive: &Path) -> Result<Vec<u8>, Failed> {
    let source = Source::open(&[archive.to_path_buf()])?;
    let (period, rules) = (Period::numbered(81)?, Rules::r81());
    let located = locate(&source, &period, &rules, None)?;
    let interrupted = &AtomicBool::new(false);
    let request =
        Request { source: &source, period: &period, rules: &rules, located, from: None, interrupted };
    Ok(fold(&request, &Silent)?.save()?.to_bytes()?)
}

/// Shows no progress.
struct Silent;

impl Progress for Silent {
    fn blocks(&self, _: u64) {}
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder(target))?;
    fs::write(folder(target).join(name), bytes)
}

/// A chunk of the first blocks of another one.
fn first_blocks(chunk: &ChunkBody) -> minting::archive::Result<Chunk> {
    let blocks = chunk.blocks().take(BLOCKS).map(|block| {
        Ok(Block {
            state_root: *block.state_root,
            extrinsics_root: *block.extrinsics_root,
            digest: block.digest.to_vec(),
            time_ms: block.time_ms,
            events: block.events()?.to_vec(),
        })
    });
    let blocks = blocks.collect::<minting::archive::Result<_>>()?;
    let spans = chunk.spans().iter().take(1).copied().collect();
    let (genesis, first, parent_hash) = (*chunk.genesis(), chunk.first(), *chunk.parent_hash());
    Ok(Chunk { genesis, first, parent_hash, blocks, spans })
}
