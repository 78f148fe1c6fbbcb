//! Joins archives of one chain that overlap or meet into one, and believes none of them where another one differs.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::{
    Archive, ArchiveWriter, Block, BlockProof, BlockProofs, BlockRef, Blocks, Chunk, ChunkBody,
    DEFAULT_CHUNK_BLOCKS, Error, ExportedRange, Finished, Hash, Manifest, Plan, Provenance, Result, ShapesOf,
    Span, StateProof, chunk_ranges,
};

/// What becomes of some archives when they are joined.
#[derive(Debug)]
pub struct Merge {
    sources: Vec<Source>,
    plan: Plan,
}

/// One of the archives, and the chunk of it that was read last.
#[derive(Debug)]
struct Source {
    archive: Archive,
    chunk: Option<(ChunkBody, Vec<Hash>)>,
    /// Proofs of the blocks of that chunk, if they are kept.
    proofs: Option<BlockProofs>,
}

/// A block, with what its header and its chunk say about it.
struct Found<'a> {
    block: BlockRef<'a>,
    hash: Hash,
    parent: Hash,
    runtime: Option<Hash>,
    proof: Option<&'a BlockProof>,
}

impl Merge {
    /// Opens archives and sees whether they can be joined. Chunks get `chunk_blocks` blocks; else as many as those
    /// of the archives have, or the usual number if these differ.
    ///
    /// # Errors
    /// Archives of different chains; blocks that are missing between them; archives that cannot be read.
    pub fn of(folders: &[PathBuf], chunk_blocks: Option<u32>) -> Result<Merge> {
        let open =
            |folder: &PathBuf| Ok(Source { archive: Archive::open(folder)?, chunk: None, proofs: None });
        let mut sources: Vec<Source> = folders.iter().map(open).collect::<Result<_>>()?;
        sources.sort_by_key(|source| (source.manifest().first_block, source.manifest().last_block));
        let Some(one) = sources.first() else { return Err(Error::Missing("no archive was given".into())) };
        for other in &sources {
            if other.manifest().genesis_hash != one.manifest().genesis_hash {
                return Err(disagree(one, other, "block 0: they are of different chains"));
            }
        }
        let mut last = one.manifest().last_block;
        for source in &sources {
            let first = source.manifest().first_block;
            if let Some(missing) = last.checked_add(1).filter(|missing| first > *missing) {
                let (to, count) = (first - 1, first - missing);
                return Err(Error::Missing(format!(
                    "blocks {missing} to {to} ({count} blocks) are in none of the archives; \
                     get them with `minting-fetch blocks {missing}..{to} --rpc <URL> --out <DIR>`"
                )));
            }
            last = last.max(source.manifest().last_block);
        }
        let first = one.manifest().first_block;
        let sizes = || sources.iter().map(|source| source.manifest().chunk_blocks);
        let common = Some(one.manifest().chunk_blocks).filter(|size| sizes().all(|other| other == *size));
        let heights = sources.iter().flat_map(|source| &source.manifest().state).map(|state| state.height);
        let range = range_of(&sources, first, last);
        let proofs = proofs_of(&sources, first, last);
        let plan = Plan {
            chunk_blocks: chunk_blocks.or(common).unwrap_or(DEFAULT_CHUNK_BLOCKS),
            first,
            genesis: one.manifest().genesis_hash.0,
            last,
            period: range.as_ref().and_then(|range| range.period),
            proofs,
            range,
            state_at: heights.collect(),
        };
        Ok(Merge { sources, plan })
    }

    /// What the joined archive will hold.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Writes the joined archive; `advance` is told how many more blocks were written.
    ///
    /// # Errors
    /// Archives that disagree, with the first block about which they do; damaged archives; I/O errors.
    pub fn write(
        mut self,
        out: &Path,
        provenance: &Provenance,
        shapes_of: ShapesOf,
        mut advance: impl FnMut(u64),
    ) -> Result<Finished> {
        let mut writer = ArchiveWriter::open(out, self.plan.clone(), shapes_of)?;
        self.put_metadata(&mut writer)?;
        let mut before = None;
        for (first, last) in chunk_ranges(self.plan.first, self.plan.last, self.plan.chunk_blocks) {
            let (chunk, proofs) = self.chunk(first, last, &mut before)?;
            writer.put_chunk(&chunk)?;
            if self.plan.proofs.is_some() {
                writer.put_block_proofs(&proofs)?;
            }
            advance(u64::from(last - first) + 1);
        }
        self.put_states(&mut writer)?;
        self.put_finality(&mut writer)?;
        writer.finish(provenance)
    }

    fn put_metadata(&self, writer: &mut ArchiveWriter) -> Result<()> {
        let mut seen: BTreeMap<Hash, (Hash, &Source)> = BTreeMap::new();
        for source in &self.sources {
            for entry in &source.manifest().metadata {
                let (name, content) = (entry.metadata_sha256.0, entry.content_sha256.0);
                match seen.get(&name) {
                    Some((known, _)) if *known == content => {}
                    Some((_, other)) => {
                        let what = format!("the runtime with spec version {}", entry.spec_version);
                        return Err(disagree(other, source, what));
                    }
                    None => {
                        writer.put_metadata(&source.archive.metadata(&name)?)?;
                        seen.insert(name, (content, source));
                    }
                }
            }
        }
        Ok(())
    }

    fn put_states(&self, writer: &mut ArchiveWriter) -> Result<()> {
        let mut seen: BTreeMap<u32, (Hash, &Source)> = BTreeMap::new();
        for source in &self.sources {
            for entry in &source.manifest().state {
                match seen.get(&entry.height) {
                    Some((known, _)) if *known == entry.content_sha256.0 => {}
                    Some((_, other)) => {
                        return Err(disagree(other, source, format!("the state of block {}", entry.height)));
                    }
                    None => {
                        writer.put_state(&source.archive.state(entry)?)?;
                        if self.plan.proofs.is_some() {
                            writer.put_state_proof(&source.state_proof(entry.height)?)?;
                        }
                        seen.insert(entry.height, (entry.content_sha256.0, source));
                    }
                }
            }
        }
        Ok(())
    }

    /// The word of the validators for the end of the joined archive, from the first archive that has it: nodes keep
    /// signatures of different validators.
    fn put_finality(&self, writer: &mut ArchiveWriter) -> Result<()> {
        if self.plan.proofs.is_none() {
            return Ok(());
        }
        let at_the_end = self.sources.iter().filter(|source| source.manifest().last_block == self.plan.last);
        for source in at_the_end {
            let proofs = source.manifest().proofs.as_ref();
            if let Some(entry) = proofs.and_then(|proofs| proofs.finality.as_ref()) {
                return writer.put_finality(&source.archive.finality(entry)?);
            }
        }
        Ok(())
    }

    /// The blocks from `first` to `last`, from every archive that has them. `before` is the hash of the block
    /// before, with the place of the archive that gave it.
    fn chunk(
        &mut self,
        first: u32,
        last: u32,
        before: &mut Option<(Hash, usize)>,
    ) -> Result<(Chunk, BlockProofs)> {
        let mut proofs = Vec::new();
        let mut chunk = Chunk {
            genesis: self.plan.genesis,
            first,
            parent_hash: Hash::default(),
            blocks: Blocks::default(),
            spans: Vec::new(),
        };
        for height in first..=last {
            for source in &mut self.sources {
                source.turn_to(height, self.plan.proofs.is_some())?;
            }
            let mut found = self.sources.iter().enumerate().filter_map(|(i, s)| Some((i, s, s.at(height)?)));
            let Some((giver, source, one)) = found.next() else {
                return Err(Error::Missing(format!("block {height} is in none of the archives")));
            };
            for (_, other_source, other) in found {
                if let Some(what) = one.differs(&other)? {
                    return Err(disagree(source, other_source, format!("block {height}: {what}")));
                }
            }
            if let Some((hash, earlier)) = *before
                && hash != one.parent
                && let Some(earlier) = self.sources.get(earlier)
            {
                let what = format!("block {height}: it does not follow block {}", height.saturating_sub(1));
                return Err(disagree(earlier, source, what));
            }
            if height == first {
                chunk.parent_hash = one.parent;
            }
            if let Some(metadata) = one.runtime
                && chunk.spans.last().is_none_or(|span| span.metadata != metadata)
            {
                chunk.spans.push(Span { first: height, metadata });
            }
            chunk.blocks.push(Block {
                state_root: *one.block.state_root,
                extrinsics_root: *one.block.extrinsics_root,
                digest: one.block.digest.to_vec(),
                time_ms: one.block.time_ms,
                events: one.block.events()?.to_vec(),
            });
            proofs.extend(one.proof.cloned());
            *before = Some((one.hash, giver));
        }
        let last_hash = before.map(|(hash, _)| hash).unwrap_or_default();
        let genesis = self.plan.genesis;
        Ok((chunk, BlockProofs { genesis, first, last, last_hash, proofs }))
    }
}

impl Source {
    fn manifest(&self) -> &Manifest {
        self.archive.manifest()
    }

    /// Reads the chunk of a block, unless it is the one that was read last; lets go of one that is past.
    fn turn_to(&mut self, height: u32, with_proofs: bool) -> Result<()> {
        if self.chunk.as_ref().is_some_and(|(chunk, _)| (chunk.first()..=chunk.last()).contains(&height)) {
            return Ok(());
        }
        (self.chunk, self.proofs) = (None, None);
        let manifest = self.archive.manifest();
        let has = |first: u32, last: u32| (first..=last).contains(&height);
        if let Some(entry) = manifest.chunks.iter().find(|entry| has(entry.first, entry.last)) {
            self.chunk = Some(self.archive.chunk(entry)?);
        }
        let proofs = manifest.proofs.iter().flat_map(|proofs| &proofs.blocks);
        if let Some(entry) = proofs.filter(|_| with_proofs).find(|entry| has(entry.first, entry.last)) {
            self.proofs = Some(self.archive.block_proofs(entry)?);
        }
        Ok(())
    }

    /// The proof of the state snapshot at `height`.
    fn state_proof(&self, height: u32) -> Result<StateProof> {
        let mut proofs = self.manifest().proofs.iter().flat_map(|proofs| &proofs.state);
        let entry = proofs.find(|entry| entry.height == height);
        self.archive.state_proof(
            entry.ok_or_else(|| {
                Error::Missing(format!("the proof of the state of block {height} is missing"))
            })?,
        )
    }

    /// A block of the chunk that was read last.
    fn at(&self, height: u32) -> Option<Found<'_>> {
        let (chunk, hashes) = self.chunk.as_ref()?;
        let place = usize::try_from(height.checked_sub(chunk.first())?).ok()?;
        let parent = match place.checked_sub(1) {
            Some(before) => *hashes.get(before)?,
            None => *chunk.parent_hash(),
        };
        let (block, hash) = (chunk.at(height)?, *hashes.get(place)?);
        let proofs = self.proofs.as_ref().map_or(&[][..], |proofs| &proofs.proofs);
        let proof = proofs.binary_search_by_key(&height, |proof| proof.height).ok();
        let proof = proof.and_then(|at| proofs.get(at));
        Some(Found { block, hash, parent, runtime: chunk.runtime_at(height).copied(), proof })
    }
}

impl Found<'_> {
    /// What another archive says otherwise about the same block.
    fn differs(&self, other: &Found<'_>) -> Result<Option<String>> {
        Ok(if self.hash != other.hash {
            let (one, two) = (hex::encode(self.hash), hex::encode(other.hash));
            Some(format!("its hash is 0x{one} and 0x{two}"))
        } else if self.block.events()? != other.block.events()? {
            Some("its events differ".into())
        } else if self.block.time_ms != other.block.time_ms {
            Some(format!("its time is {} ms and {} ms", self.block.time_ms, other.block.time_ms))
        } else {
            let apart = self.runtime != other.runtime;
            let unlike = self.proof.zip(other.proof).is_some_and(|(one, two)| one != two);
            match (apart, unlike) {
                (true, _) => Some("its events are of different runtimes".into()),
                (false, true) => Some("its proofs differ".into()),
                (false, false) => None,
            }
        })
    }
}

/// The time range of the joined archive: that of the archives that have all of its blocks, if they agree. A range
/// stands for all blocks of its archive, so none is left when there are more blocks than it stands for.
fn range_of(sources: &[Source], first: u32, last: u32) -> Option<ExportedRange> {
    let whole = |source: &&Source| {
        (source.manifest().first_block, source.manifest().last_block) == (first, last)
            && source.manifest().range.is_some()
    };
    let mut ranges = sources.iter().filter(whole).map(|source| source.manifest().exported_range());
    let range = ranges.next()?;
    ranges.all(|other| other == range).then_some(range)?
}

/// Which proofs the joined archive has: those of all blocks if every archive has all of its own, and those of a sample
/// only if every archive has that sample of all blocks, as its last block chose it.
fn proofs_of(sources: &[Source], first: u32, last: u32) -> Option<NonZeroU32> {
    let one_in = |source: &Source| source.manifest().proofs.as_ref().map(|proofs| proofs.one_in);
    let is_whole =
        |source: &Source| (source.manifest().first_block, source.manifest().last_block) == (first, last);
    let common = sources.first().and_then(one_in)?;
    let agree = sources
        .iter()
        .all(|source| one_in(source) == Some(common) && (common == NonZeroU32::MIN || is_whole(source)));
    agree.then_some(common)
}

fn disagree(one: &Source, other: &Source, what: impl Into<String>) -> Error {
    let folder = |source: &Source| source.archive.folder().to_path_buf();
    Error::Disagree { one: folder(one), other: folder(other), what: what.into() }
}

#[cfg(test)]
mod tests;
