//! Whether the proofs of an archive lead from what it holds to the state roots in its headers.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::{
    archive::{
        Archive, BlockProof, BlockProofsEntry, BlockRef, ChunkEntry, Error, Hash, Result, StateProofEntry,
    },
    proof::{
        Layout,
        held::{self, Contents},
    },
};

use super::finality::{self, Pinned, Shown};

/// What of an archive is proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// Heights of blocks whose events and time are proven, ascending.
    pub heights: Vec<u32>,
    /// Heights of state snapshots that are proven to be right and complete, ascending.
    pub state_heights: Vec<u32>,
    /// What is shown of finality.
    pub finality: Shown,
}

impl Proven {
    /// Number of blocks whose events and time are proven.
    pub fn blocks(&self) -> u64 {
        u64::try_from(self.heights.len()).unwrap_or(u64::MAX)
    }

    /// Number of state snapshots that are proven to be right and complete.
    pub fn states(&self) -> u64 {
        u64::try_from(self.state_heights.len()).unwrap_or(u64::MAX)
    }
}

/// State root of a block, and the layout of its state.
type Root = (Hash, Layout);
/// Those of blocks by their heights, each with the hash of its block.
pub(super) type Roots = BTreeMap<u32, (Hash, Root)>;

/// Checks every proof of an archive, chunk by chunk as far as each is sound by itself, and the signatures of validators by those in a file if one is
/// given. Once `stop` says so it ends soon, and what it came to means nothing.
///
/// # Errors
/// Everything that is not proven, each named by file and block.
pub fn verify(
    archive: &Archive,
    pinned: Option<&Pinned>,
    stop: &(dyn Fn() -> bool + Sync),
) -> std::result::Result<Proven, Vec<Error>> {
    let mut proven = Proven::default();
    let manifest = archive.manifest();
    let Some(proofs) = &manifest.proofs else {
        proven.finality = finality::verify(archive, &Roots::new(), pinned).map_err(|error| vec![error])?;
        return Ok(proven);
    };
    let layouts = Layouts::of(archive).map_err(|error| vec![error])?;
    let mut heights: BTreeSet<u32> = manifest.state.iter().map(|state| state.height).collect();
    if let Some(entry) = &proofs.finality {
        let finality = archive.finality(entry).map_err(|error| vec![error])?;
        heights.extend(finality.authorities.map(|named| named.height));
    }
    let chunks: Vec<_> = manifest.chunks.iter().zip(&proofs.blocks).collect();
    let checked: Vec<_> = chunks
        .into_par_iter()
        .filter(|_| !stop())
        .map(|(chunk, proofs)| of_chunk(archive, chunk, proofs, &layouts, &heights))
        .collect();
    let (mut problems, mut roots) = (Vec::new(), Roots::new());
    for outcome in checked {
        match outcome {
            Ok(chunk) => {
                proven.heights.extend(chunk.proven);
                roots.extend(chunk.roots);
                problems.extend(chunk.problems);
            }
            Err(error) => problems.push(error),
        }
    }
    for entry in &proofs.state {
        match of_state(archive, entry, &roots) {
            Ok(()) => proven.state_heights.push(entry.height),
            Err(error) => problems.push(error),
        }
    }
    match finality::verify(archive, &roots, pinned) {
        Ok(shown) => proven.finality = shown,
        Err(error) => problems.push(error),
    }
    if problems.is_empty() { Ok(proven) } else { Err(problems) }
}

/// Layouts of state by the metadata of the runtime that wrote it.
struct Layouts(BTreeMap<Hash, Layout>);

impl Layouts {
    fn of(archive: &Archive) -> Result<Layouts> {
        let mut layouts = BTreeMap::new();
        for entry in &archive.manifest().metadata {
            let version = archive.metadata(&entry.metadata_sha256.0)?.state_version;
            let layout = Layout::of_state_version(version).ok_or_else(|| {
                let what = format!("its state has layout {version}, in which this program checks no proofs");
                Error::damaged(archive.path(&entry.file), what)
            })?;
            layouts.insert(entry.metadata_sha256.0, layout);
        }
        Ok(Layouts(layouts))
    }
}

/// What came of the proofs of a chunk.
struct OfChunk {
    /// Heights of blocks that are proven.
    proven: Vec<u32>,
    problems: Vec<Error>,
    /// Of the blocks whose state is looked into.
    roots: Vec<(u32, (Hash, Root))>,
}

fn of_chunk(
    archive: &Archive,
    entry: &ChunkEntry,
    proofs: &BlockProofsEntry,
    layouts: &Layouts,
    heights: &BTreeSet<u32>,
) -> Result<OfChunk> {
    let (chunk, hashes) = archive.chunk(entry)?;
    let path = archive.path(&proofs.file);
    let root_of = |block: &BlockRef<'_>| -> Option<Root> {
        Some((*block.state_root, *layouts.0.get(chunk.runtime_at(block.height)?)?))
    };
    let mut found = OfChunk { proven: Vec::new(), problems: Vec::new(), roots: Vec::new() };
    for proof in archive.block_proofs(proofs)?.proofs {
        let of = chunk.at(proof.height).and_then(|block| Some((block, root_of(&block)?)));
        let outcome = match of {
            None => Err("it is not in the chunk, or its runtime is not known".into()),
            Some((block, root)) => of_block(&block, root, &proof),
        };
        match outcome {
            Ok(()) => found.proven.push(proof.height),
            Err(what) => {
                found.problems.push(Error::damaged(&path, format!("block {}: {what}", proof.height)));
            }
        }
    }
    let looked_into = chunk.blocks().zip(hashes).filter(|(block, _)| heights.contains(&block.height));
    found.roots =
        looked_into.filter_map(|(block, hash)| Some((block.height, (hash, root_of(&block)?)))).collect();
    Ok(found)
}

fn of_block(
    block: &BlockRef<'_>,
    (root, layout): Root,
    proof: &BlockProof,
) -> std::result::Result<(), String> {
    let events = block.events().map_err(|error| error.to_string())?;
    let contents = Contents { height: block.height, events, time_ms: block.time_ms };
    let nodes: Vec<&[u8]> = proof.nodes.iter().map(Vec::as_slice).collect();
    contents.check(layout, &root, &nodes).map_err(|error| error.to_string())
}

fn of_state(archive: &Archive, entry: &StateProofEntry, roots: &Roots) -> Result<()> {
    let path = archive.path(&entry.file);
    let proof = archive.state_proof(entry)?;
    let height = entry.height;
    let Some((state, (hash, (root, layout)))) = archive.state_entry(height).zip(roots.get(&height)) else {
        return Err(Error::damaged(path, format!("there is no snapshot of block {height}, or no root")));
    };
    let state = archive.state(state)?;
    // A root proves the state of its own block alone, and others go by the hash that the snapshot names.
    if state.block_hash != *hash {
        let what = format!("the snapshot of block {height} names another block than the one in the chunks");
        return Err(Error::damaged(path, what));
    }
    let nodes: Vec<&[u8]> = proof.nodes.iter().map(Vec::as_slice).collect();
    held::check_snapshot(*layout, root, &nodes, &state)
        .map_err(|error| Error::damaged(path, format!("the state of block {height}: {error}")))
}
