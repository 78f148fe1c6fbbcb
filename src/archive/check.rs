//! Checks everything an archive can show by itself and lists every problem, not only the first.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Archive, ChunkEntry, Error, Hash, PAYMENTS, Payments, Result, StateSnapshot, files};

/// What the chunks say about heights at which something else says it, too.
#[derive(Debug, Default)]
struct FromChunks {
    /// Hashes of the blocks with a snapshot.
    hashes: BTreeMap<u32, Hash>,
    /// Metadata of the runtime after a block with a snapshot, as far as the next block shows it.
    runtimes: BTreeMap<u32, Hash>,
    /// Metadata that a span names.
    named: BTreeSet<Hash>,
    /// Times of the blocks that snapshots and the time range speak of, milliseconds.
    times: BTreeMap<u32, u64>,
}

/// Reads every file and checks digests, form, links between chunks, that snapshots agree with the chunks, and that
/// what is listed, named and there is the same. Gives the problems in the order of the manifest; none means that the
/// headers are one chain from the parent of the first block to the last hash. Of proofs only the form is checked.
pub fn check(archive: &Archive) -> Vec<Error> {
    check_and_tell(archive, &|_| ())
}

/// As [`check`]; `done` is told the number of blocks in every chunk that was read. Chunks are read side by side.
pub fn check_and_tell(archive: &Archive, done: &(dyn Fn(u64) + Sync)) -> Vec<Error> {
    let manifest = archive.manifest();
    let mut problems = Vec::new();
    let mut seen = FromChunks::default();
    let mut states = Vec::new();
    for entry in &manifest.state {
        match archive.state(entry) {
            Ok(state) => states.push((archive.path(&entry.file), state)),
            Err(error) => problems.push(error),
        }
    }
    let mut referred: BTreeSet<u32> =
        states.iter().flat_map(|(_, s)| s.block_times.iter().map(|(h, _)| *h)).collect();
    if let Some(range) = &manifest.range {
        referred.extend([range.first_block, range.last_block.saturating_sub(1), range.last_block]);
    }
    let read = |entry: &ChunkEntry| {
        let found = FromChunks::of(archive, entry, &referred);
        done(u64::from(entry.last.saturating_sub(entry.first)).saturating_add(1));
        found
    };
    for outcome in manifest.chunks.par_iter().map(read).collect::<Vec<_>>() {
        match outcome {
            Ok((found, problem)) => {
                seen.extend(found);
                problems.extend(problem);
            }
            Err(error) => problems.push(error),
        }
    }
    for (path, state) in &states {
        let found = disagreements(state, &seen);
        problems.extend(found.into_iter().map(|what| Error::damaged(path, what)));
        seen.named.insert(state.metadata);
    }
    for entry in &manifest.metadata {
        if let Err(error) = archive.metadata(&entry.metadata_sha256.0) {
            problems.push(error);
        }
        if !seen.named.remove(&entry.metadata_sha256.0) && problems.is_empty() {
            let what = "neither a block nor a snapshot is of this runtime";
            problems.push(Error::damaged(archive.path(&entry.file), what));
        }
    }
    problems.extend(seen.named.iter().filter_map(|hash| archive.metadata(hash).err()));
    if let Some(proofs) = &manifest.proofs {
        problems.extend(proofs.blocks.iter().filter_map(|entry| archive.block_proofs(entry).err()));
        problems.extend(proofs.state.iter().filter_map(|entry| archive.state_proof(entry).err()));
        problems.extend(proofs.finality.iter().filter_map(|entry| archive.finality(entry).err()));
    }
    if let Some(what) = seen.range_is_wrong(archive) {
        problems.push(Error::damaged(archive.path(files::MANIFEST), what));
    }
    let payments = archive.path(PAYMENTS);
    if payments.exists() {
        problems.extend(Payments::read(&payments).err());
    }
    problems.extend(strangers(archive));
    problems
}

impl FromChunks {
    /// What a chunk says about heights that snapshots and the time range speak of, and what is wrong with its columns.
    fn of(
        archive: &Archive,
        entry: &ChunkEntry,
        referred: &BTreeSet<u32>,
    ) -> Result<(FromChunks, Option<Error>)> {
        let mut seen = FromChunks::default();
        let (chunk, hashes) = archive.chunk(entry)?;
        let columns = chunk.columns().map(|columns| columns.check());
        let problem = columns
            .and_then(std::result::Result::err)
            .map(|what| Error::damaged(archive.path(&entry.file), format!("EVENT_COLUMNS: {what}")));
        seen.named.extend(chunk.spans().iter().map(|s| s.metadata));
        for (block, hash) in chunk.blocks().zip(&hashes) {
            if referred.contains(&block.height) {
                seen.times.insert(block.height, block.time_ms);
            }
            // A slim archive does not know all.
            if archive.state_entry(block.height).is_some() && *hash != [0; 32] {
                seen.hashes.insert(block.height, *hash);
            }
            let before = block.height.checked_sub(1).filter(|h| archive.state_entry(*h).is_some());
            if let Some((before, runtime)) = before.zip(chunk.runtime_at(block.height)) {
                seen.runtimes.insert(before, *runtime);
            }
        }
        Ok((seen, problem))
    }

    /// Adds what another chunk says.
    fn extend(&mut self, other: FromChunks) {
        self.hashes.extend(other.hashes);
        self.runtimes.extend(other.runtimes);
        self.named.extend(other.named);
        self.times.extend(other.times);
    }

    /// What is wrong with the blocks of the time range, unless they were given.
    fn range_is_wrong(&self, archive: &Archive) -> Option<String> {
        let range = archive.manifest().range.as_ref()?;
        let is_after =
            |height: u32, time: i64| Some(i128::from(*self.times.get(&height)? / 1_000) > i128::from(time));
        if !range.first_block_given && is_after(range.first_block, range.from) == Some(false) {
            return Some(format!("range: block {} does not lie after its start", range.first_block));
        }
        if !range.last_block_given && is_after(range.last_block, range.to) == Some(false) {
            return Some(format!("range: block {} does not lie after its end", range.last_block));
        }
        let before = range.last_block.checked_sub(1)?;
        (!range.last_block_given && is_after(before, range.to) == Some(true))
            .then(|| format!("range: block {before} lies after its end, too"))
    }
}

/// What a snapshot says otherwise than the chunks.
fn disagreements(state: &StateSnapshot, seen: &FromChunks) -> Vec<String> {
    let mut found = Vec::new();
    if seen.hashes.get(&state.height).is_some_and(|hash| *hash != state.block_hash) {
        found.push(format!("its block hash is not that of block {} in the chunks", state.height));
    }
    if seen.runtimes.get(&state.height).is_some_and(|runtime| *runtime != state.metadata) {
        found.push(format!("its runtime is not the one that ran the block after {}", state.height));
    }
    for (height, time_ms) in &state.block_times {
        if seen.times.get(height).is_some_and(|in_chunk| in_chunk != time_ms) {
            found.push(format!("it gives block {height} another time than the chunks"));
        }
    }
    found
}

/// Files in the archive's folders that the manifest does not list.
fn strangers(archive: &Archive) -> Vec<Error> {
    let listed: BTreeSet<&str> = archive.manifest().files().map(|f| f.file).collect();
    let mut problems = Vec::new();
    for folder in files::FOLDERS {
        match files::list(&archive.path(folder)) {
            Ok(names) => {
                let names = names.iter().map(|n| format!("{folder}/{n}"));
                let strange = names.filter(|n| !listed.contains(n.as_str()));
                problems.extend(strange.map(|name| Error::Stranger { path: archive.path(&name) }));
            }
            Err(error) => problems.push(error),
        }
    }
    problems
}
