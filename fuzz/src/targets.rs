//! What is fuzzed. A target takes any bytes and answers in words; to panic, to hang or to take much memory is to fail.

use std::{path::Path, sync::OnceLock};

use minting::{
    archive::{
        BlockProofs, ChunkBody, Finality, Manifest, StateProof, StateSnapshot, container, header::blake2_256,
    },
    chain::Runtime,
    fetch::hostile,
    minting::{FixupReceipt, Receipt, RetryReceipt, Rules},
    proof::{Layout, authorities, grandpa, held},
    replay::SavedState,
    verify::{attestation::Attestation, finality::Pinned, keys, outputs},
};

use crate::seeds;

/// Something that reads what others wrote.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of the folder of its seeds.
    pub name: &'static str,
    /// Takes any bytes; what it answers tells inputs apart.
    pub run: fn(&[u8]) -> String,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "container", run: container },
    Target { name: "chunk", run: chunk },
    Target { name: "manifest", run: manifest },
    Target { name: "metadata", run: metadata },
    Target { name: "events", run: events },
    Target { name: "state", run: state },
    Target { name: "proofs", run: proofs },
    Target { name: "finality", run: finality },
    Target { name: "receipts", run: receipts },
    Target { name: "rules", run: rules },
    Target { name: "answers", run: hostile::read_in_every_way },
    Target { name: "attestation", run: attestation },
    Target { name: "saved-state", run: saved_state },
];

/// Where an input would lie; it is in messages only.
fn nowhere() -> &'static Path {
    Path::new("input")
}

fn words<T>(outcome: Result<T, impl std::fmt::Display>) -> String {
    outcome.map_or_else(|error| error.to_string(), |_| "read".to_owned())
}

fn container(bytes: &[u8]) -> String {
    use container::Kind;
    let kinds =
        [Kind::Chunk, Kind::State, Kind::Metadata, Kind::BlockProofs, Kind::StateProof, Kind::Finality];
    kinds.map(|kind| words(container::open(kind, bytes, nowhere()))).join("; ")
}

fn chunk(bytes: &[u8]) -> String {
    let chunk = match ChunkBody::parse(bytes.to_vec(), nowhere()) {
        Ok(chunk) => chunk,
        Err(error) => return error.to_string(),
    };
    let hashes = chunk.hashes();
    let events: Result<Vec<usize>, _> = chunk.blocks().map(|block| block.events().map(<[u8]>::len)).collect();
    let events: usize = match events {
        Ok(lengths) => lengths.iter().sum(),
        Err(error) => return error.to_string(),
    };
    assert_eq!(hashes.len(), chunk.blocks().count(), "every block has a hash");
    assert!(
        u64::try_from(events).is_ok_and(|events| events <= container::MAX_BODY_LEN),
        "what comes out of columns is bounded"
    );
    format!("{} blocks, {} spans", hashes.len(), chunk.spans().len())
}

fn manifest(bytes: &[u8]) -> String {
    match Manifest::parse(bytes, nowhere()) {
        Ok(manifest) => {
            assert_eq!(manifest.to_bytes(), bytes, "there is one form of a manifest");
            "read".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

fn metadata(bytes: &[u8]) -> String {
    words(Runtime::compile(bytes))
}

/// Runtimes of the seeds; the first byte of an input says by which it is decoded.
fn runtimes() -> &'static [Runtime] {
    static RUNTIMES: OnceLock<Vec<Runtime>> = OnceLock::new();
    RUNTIMES.get_or_init(|| {
        let seeds = seeds::read("metadata").unwrap_or_default();
        seeds.values().filter_map(|bytes| Runtime::compile(bytes).ok()).collect()
    })
}

fn runtime_of(byte: u8) -> Option<&'static Runtime> {
    let runtimes = runtimes();
    runtimes.get(usize::from(byte).checked_rem(runtimes.len())?)
}

fn events(bytes: &[u8]) -> String {
    let Some((first, events)) = bytes.split_first() else { return "empty".to_owned() };
    let Some(runtime) = runtime_of(*first) else { return "no runtime".to_owned() };
    let mut count = 0u64;
    let typed = runtime.events(events, |_| count += 1);
    let mut shown = 0u64;
    let as_json = runtime.events_json(events, |_| shown += 1);
    format!("{}; {}; {count}", words(typed), words(as_json))
}

fn state(bytes: &[u8]) -> String {
    let Some((first, body)) = bytes.split_first() else { return "empty".to_owned() };
    let snapshot = match StateSnapshot::parse(body, nowhere()) {
        Ok(snapshot) => snapshot,
        Err(error) => return error.to_string(),
    };
    assert_eq!(snapshot.to_body(), body, "there is one form of a snapshot");
    let Some(runtime) = runtime_of(*first) else { return "no runtime".to_owned() };
    let state = runtime.state(&snapshot);
    [
        words(state.nodes()),
        words(state.node_powers()),
        words(state.down_blocks()),
        words(state.farms()),
        words(state.payout_addresses()),
        words(state.twins()),
        words(state.policies()),
        words(state.policy_ids()),
        words(state.node_contracts()),
    ]
    .join("; ")
}

/// Proofs are followed from their first node, whatever it is, since nobody finds one with a given hash.
fn proofs(bytes: &[u8]) -> String {
    let Some((first, body)) = bytes.split_first() else { return "empty".to_owned() };
    let layout = Layout::of_state_version(first % 2).unwrap_or(Layout::V0);
    let nodes_of = |nodes: &[Vec<u8>]| -> (Vec<Vec<u8>>, [u8; 32]) {
        (nodes.to_vec(), nodes.first().map(|node| blake2_256(&[node])).unwrap_or_default())
    };
    let blocks = BlockProofs::parse(body, nowhere()).map(|read| {
        assert_eq!(read.to_body(), body, "there is one form of proofs");
        let mut answers = String::new();
        for proof in &read.proofs {
            let (nodes, root) = nodes_of(&proof.nodes);
            let contents = held::Contents { height: proof.height, events: b"events", time_ms: 1 };
            let short: Vec<&[u8]> = nodes.iter().map(Vec::as_slice).collect();
            answers.push_str(&words(contents.check(layout, &root, &short)));
            answers.push_str(&words(contents.shorten(layout, &root, &nodes)));
        }
        answers
    });
    let state = StateProof::parse(body, nowhere()).map(|read| {
        assert_eq!(read.to_body(), body, "there is one form of a proof");
        let (nodes, root) = nodes_of(&read.nodes);
        let short: Vec<&[u8]> = nodes.iter().map(Vec::as_slice).collect();
        let prefixes = vec![vec![0x11; 32], vec![0x12; 32]];
        let snapshot = StateSnapshot { prefixes, ..StateSnapshot::default() };
        words(held::check_snapshot(layout, &root, &short, &snapshot))
    });
    [blocks, state].map(|outcome| outcome.unwrap_or_else(|error| error.to_string())).join("; ")
}

/// Whoever a state is made to name is believed, so that signatures are reached.
fn finality(bytes: &[u8]) -> String {
    let pinned = words(Pinned::parse(bytes));
    let read = match Finality::parse(bytes, nowhere()) {
        Ok(read) => read,
        Err(error) => return format!("{pinned}; {error}"),
    };
    assert_eq!(read.to_body(), bytes, "there is one form of finality");
    let Some(named) = read.authorities else { return format!("{pinned}; nobody is named") };
    let nodes: Vec<&[u8]> = named.nodes.iter().map(Vec::as_slice).collect();
    let root = nodes.first().map(|node| blake2_256(&[node])).unwrap_or_default();
    let proven = words(authorities::check(Layout::V0, &root, &nodes, &named.values));
    match authorities::decode(&named.values) {
        Ok(set) => format!("{proven}; {}", words(grandpa::verify(&read.justification, &set))),
        Err(what) => format!("{proven}; {what}"),
    }
}

fn receipts(bytes: &[u8]) -> String {
    let minting = Receipt::parse(bytes).map(|receipt| {
        let written = receipt.to_bytes();
        let again = Receipt::parse(&written).map(|receipt| receipt.to_bytes());
        assert_eq!(again.ok(), Some(written), "a receipt is written as it was read");
    });
    let retry = RetryReceipt::parse(bytes).map(|receipt| {
        let again = RetryReceipt::parse(&receipt.to_bytes());
        assert_eq!(again.ok(), Some(receipt), "a retry is written as it was read");
    });
    let fixup = FixupReceipt::parse(bytes).map(|receipt| {
        let written = receipt.to_bytes();
        let again = FixupReceipt::parse(&written).map(|receipt| receipt.to_bytes());
        assert_eq!(again.ok(), Some(written), "a fix-up is written as it was read");
    });
    [words(minting), words(retry), words(fixup)].join("; ")
}

fn rules(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match Rules::from_toml(&text) {
        Ok(rules) => {
            let again = Rules::from_toml(&rules.to_toml()).map(|again| again.digest());
            assert_eq!(again.ok(), Some(rules.digest()), "rules are written as they were read");
            "read".to_owned()
        }
        Err(error) => error.to_string(),
    }
}

fn attestation(bytes: &[u8]) -> String {
    let attestation = Attestation::parse(bytes).map(|attestation| attestation.is_valid());
    let keys = keys::parse_public_keys(&String::from_utf8_lossy(bytes));
    [words(attestation), words(outputs::parse_run_receipt(bytes)), words(keys)].join("; ")
}

fn saved_state(bytes: &[u8]) -> String {
    // With the right digest, so that what it is of is looked at as well.
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let end = body.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut sealed = bytes.get(..end).unwrap_or_default().to_vec();
    let digest = container::sha256(&sealed);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    sealed.extend_from_slice(format!("{{\"sha256\":\"{digest}\"}}\n").as_bytes());
    let read = |bytes: &[u8]| match SavedState::parse(bytes) {
        Ok(saved) => {
            assert_eq!(saved.to_bytes().ok().as_deref(), Some(bytes), "there is one form of a saved state");
            "read".to_owned()
        }
        Err(error) => error,
    };
    [read(bytes), read(&sealed)].join("; ")
}
