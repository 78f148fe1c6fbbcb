//! Makes slim archives: what the rules read, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use super::{Error, Progress, Result, Source, locate::window_last};
use crate::{
    archive::{EventShapes, Finished, Hash, SlimChunk, SlimWriter},
    chain::event_shapes,
    minting::RULE_SETS,
};

/// Writes the slim form of an archive into `folder`.
///
/// # Errors
/// More than one archive, a damaged one, one that is slim; a folder that is not empty.
pub fn slim(source: &Source, folder: &Path, progress: &dyn Progress) -> Result<Finished> {
    let [full] = source.archives() else {
        return Err(Error::Apart("a slim archive is made from one archive".into()));
    };
    let manifest = full.manifest();
    let known = known(source);
    let mut shapes: BTreeMap<Hash, Arc<dyn EventShapes>> = BTreeMap::new();
    for entry in &manifest.metadata {
        let metadata = full.metadata(&entry.metadata_sha256.0)?;
        if let Some(its) = event_shapes(&metadata.bytes) {
            shapes.insert(metadata.hash(), its);
        }
    }
    let mut writer = SlimWriter::create(full, folder)?;
    let mut slim: Option<SlimChunk> = None;
    for piece in source.pieces() {
        let read = source.read(piece)?;
        let mut parent = *read.chunk.parent_hash();
        let mut count = 0u64;
        for (block, hash) in read.chunk.blocks().zip(&read.hashes) {
            let chunk =
                slim.get_or_insert_with(|| SlimChunk::new(manifest.genesis_hash.0, block.height, parent));
            let metadata = read.chunk.runtime_at(block.height).copied().unwrap_or_default();
            let runtime = source.runtime(&metadata)?;
            let its = shapes.get(&metadata).ok_or_else(|| {
                Error::Apart(format!("the runtime of block {} cannot be read", block.height))
            })?;
            let ends = block.height == manifest.last_block || SlimChunk::ends_with(block.height);
            let marked = ends || known.contains(&block.height);
            chunk.push(&block, marked.then_some(*hash), metadata, its.as_ref(), |pallet, event| {
                runtime.reads(pallet, event)
            })?;
            if ends && let Some(chunk) = slim.take() {
                writer.put_chunk(chunk)?;
            }
            parent = *hash;
            count += 1;
        }
        progress.blocks(count);
    }
    Ok(writer.finish()?)
}

/// Blocks whose hashes a replay may name: those with a snapshot, and the ends of the windows of all rule sets.
fn known(source: &Source) -> BTreeSet<u32> {
    let states = source.archives().iter().flat_map(|a| &a.manifest().state).map(|s| s.height);
    let mut known: BTreeSet<u32> = states.collect();
    for range in source.exported_ranges() {
        known.extend(RULE_SETS.iter().map(|set| window_last(&range, &set.rules())));
    }
    known
}
