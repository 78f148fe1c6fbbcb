//! One or several archives that follow each other, as one run of chunks.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Error, Result};
use crate::{
    archive::{Archive, ChunkBody, ChunkEntry, ExportedRange, Hash, StateSnapshot, Workspace},
    chain::{self, Runtime},
};

/// A chunk and which of its blocks count.
#[derive(Clone, Debug)]
pub struct Piece {
    archive: usize,
    entry: ChunkEntry,
    /// First block that counts.
    pub first: u32,
    /// Last block that counts.
    pub last: u32,
}

impl Piece {
    /// The part of it between two heights, both included; none if there is none.
    pub fn clip(&self, first: u32, last: u32) -> Option<Piece> {
        let (first, last) = (self.first.max(first), self.last.min(last));
        (first <= last).then(|| Piece { first, last, ..self.clone() })
    }

    /// Bytes that its chunk takes in memory, compressed and not, as the manifest says.
    pub fn bytes(&self) -> u64 {
        self.entry.body_bytes.saturating_add(self.entry.file_bytes)
    }
}

/// A chunk that was read and verified.
#[derive(Debug)]
pub struct ReadPiece {
    /// Its path, for messages.
    pub path: PathBuf,
    /// Its blocks; those from [`Piece::first`] to [`Piece::last`] count.
    pub chunk: ChunkBody,
    /// Hashes of its blocks.
    pub hashes: Vec<Hash>,
}

/// A runtime that was compiled, or why it could not be; only those that are used have to compile.
#[derive(Debug)]
struct KnownRuntime {
    path: PathBuf,
    spec_version: u32,
    compiled: std::result::Result<Runtime, chain::Error>,
}

/// Archives that follow each other without a gap.
#[derive(Debug)]
pub struct Source {
    archives: Vec<Archive>,
    pieces: Vec<Piece>,
    runtimes: BTreeMap<Hash, KnownRuntime>,
}

impl Source {
    /// Opens archives, in any order. Where two overlap, the blocks of the one that starts first count, and both must
    /// have the same hash where they meet.
    ///
    /// # Errors
    /// Archives of different chains, gaps between them, different hashes.
    pub fn open(folders: &[PathBuf]) -> Result<Source> {
        let mut archives =
            folders.iter().map(|f| Archive::open(f)).collect::<std::result::Result<Vec<_>, _>>()?;
        archives.sort_by_key(|a| (a.manifest().first_block, a.manifest().last_block));
        let mut pieces: Vec<Piece> = Vec::new();
        for (index, archive) in archives.iter().enumerate() {
            let manifest = archive.manifest();
            let next = match pieces.last().and_then(|p| archives.get(p.archive)) {
                None => manifest.first_block,
                Some(before) => next_block(before, archive, pieces.last().map_or(0, |p| p.last))?,
            };
            pieces.extend(manifest.chunks.iter().filter(|c| c.last >= next).map(|entry| Piece {
                archive: index,
                first: entry.first.max(next),
                last: entry.last,
                entry: entry.clone(),
            }));
        }
        let mut source = Source { archives, pieces, runtimes: BTreeMap::new() };
        source.compile()?;
        source.check_seams()?;
        Ok(source)
    }

    /// Height of the first block.
    pub fn first(&self) -> u32 {
        self.pieces.first().map_or(0, |p| p.first)
    }

    /// Height of the last block.
    pub fn last(&self) -> u32 {
        self.pieces.last().map_or(0, |p| p.last)
    }

    /// The archives in the order of their blocks.
    pub fn archives(&self) -> &[Archive] {
        &self.archives
    }

    /// Chunks in the order of their blocks.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The archive that a chunk is of.
    pub fn archive_of(&self, piece: &Piece) -> Option<&Archive> {
        self.archives.get(piece.archive)
    }

    /// The archive from which [`Source::state`] takes the state after a block.
    pub fn archive_with_state(&self, height: u32) -> Option<&Archive> {
        self.archives.iter().find(|archive| archive.state_entry(height).is_some())
    }

    /// Time ranges for which the archives were exported.
    pub fn exported_ranges(&self) -> impl Iterator<Item = ExportedRange> + '_ {
        self.archives.iter().filter_map(|a| a.manifest().exported_range())
    }

    /// Reads and verifies a chunk.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn read(&self, piece: &Piece) -> Result<ReadPiece> {
        let archive = self.archive(piece.archive)?;
        let (chunk, hashes) = archive.chunk(&piece.entry)?;
        Ok(ReadPiece { path: self.path(piece)?, chunk, hashes })
    }

    /// As [`Source::read`], with the memory of a workspace, but leaves the hashes of headers to [`Source::link`], and how the
    /// file was packed to a check.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn read_unlinked(&self, workspace: &mut Workspace, piece: &Piece) -> Result<ChunkBody> {
        Ok(self.archive(piece.archive)?.unlinked_chunk(workspace, &piece.entry)?)
    }

    /// The hashes of the blocks of chunks that were read, each checked against the manifest of its archive.
    pub fn link(&self, pieces: &[(&Piece, &ChunkBody)]) -> Vec<Result<Vec<Hash>>> {
        let chunks: Vec<&ChunkBody> = pieces.iter().map(|(_, chunk)| *chunk).collect();
        let check = |((piece, chunk), hashes): (&(&Piece, &ChunkBody), Vec<Hash>)| {
            self.archive(piece.archive)?.check_hashes(&piece.entry, chunk, &hashes)?;
            Ok(hashes)
        };
        pieces.iter().zip(crate::archive::hashes(&chunks)).map(check).collect()
    }

    /// Path of a chunk, for messages.
    ///
    /// # Errors
    /// None: pieces are of archives that are there.
    pub fn path(&self, piece: &Piece) -> Result<PathBuf> {
        Ok(self.archive(piece.archive)?.path(&piece.entry.file))
    }

    /// The snapshot at `height`, its path and the runtime of its state; none if no archive has it.
    ///
    /// # Errors
    /// A snapshot or a runtime that cannot be used.
    pub fn state(&self, height: u32) -> Result<Option<(PathBuf, StateSnapshot, &Runtime)>> {
        let found = self.archive_with_state(height);
        let Some((archive, entry)) = found.and_then(|a| a.state_entry(height).map(|entry| (a, entry))) else {
            return Ok(None);
        };
        let state = archive.state(entry)?;
        let runtime = self.runtime(&state.metadata)?;
        let path = archive.path(&entry.file);
        if let Some(prefix) = runtime.snapshot_prefixes().iter().find(|p| !state.covers(&p[..])) {
            let what = format!(
                "it lacks storage under the prefix 0x{}, which this runtime has",
                hex::encode(prefix)
            );
            return Err(crate::archive::Error::Damaged { path, what }.into());
        }
        Ok(Some((path, state, runtime)))
    }

    /// The compiled runtime with this metadata.
    ///
    /// # Errors
    /// Metadata that no archive holds or that this program does not know.
    pub fn runtime(&self, metadata: &Hash) -> Result<&Runtime> {
        let known = self.runtimes.get(metadata).ok_or_else(|| {
            Error::Apart(format!("no archive holds the runtime metadata {}", hex::encode(metadata)))
        })?;
        known
            .compiled
            .as_ref()
            .map_err(|source| Error::Runtime { path: known.path.clone(), source: source.clone() })
    }

    /// Name of a runtime for messages, and its spec version.
    pub fn runtime_name(&self, metadata: &Hash) -> (String, u32) {
        let short: String = hex::encode(metadata).chars().take(8).collect();
        match self.runtimes.get(metadata) {
            Some(known) => (format!("{} (metadata {short}…)", known.spec_version), known.spec_version),
            None => (format!("with metadata {short}…"), 0),
        }
    }

    fn archive(&self, index: usize) -> Result<&Archive> {
        self.archives.get(index).ok_or_else(|| Error::Apart("an archive went missing".into()))
    }

    fn compile(&mut self) -> Result<()> {
        for archive in &self.archives {
            for entry in &archive.manifest().metadata {
                if self.runtimes.contains_key(&entry.metadata_sha256.0) {
                    continue;
                }
                let metadata = archive.metadata(&entry.metadata_sha256.0)?;
                let known = KnownRuntime {
                    path: archive.path(&entry.file),
                    spec_version: metadata.spec_version,
                    compiled: Runtime::compile(&metadata.bytes),
                };
                self.runtimes.insert(entry.metadata_sha256.0, known);
            }
        }
        Ok(())
    }

    /// Checks that the headers of neighbouring archives are one chain.
    fn check_seams(&self) -> Result<()> {
        for (before, after) in self.pieces.iter().zip(self.pieces.iter().skip(1)) {
            if before.archive == after.archive {
                continue;
            }
            let read = self.read(after)?;
            let parent = match after.first.checked_sub(read.chunk.first()).map(usize::try_from) {
                Some(Ok(0)) => Some(*read.chunk.parent_hash()),
                Some(Ok(offset)) => read.hashes.get(offset - 1).copied(),
                _ => None,
            };
            if parent != Some(before.entry.last_hash.0) {
                return Err(Error::Apart(format!(
                    "block {} of `{}` does not follow block {} of `{}`",
                    after.first,
                    self.archive(after.archive)?.folder().display(),
                    before.last,
                    self.archive(before.archive)?.folder().display(),
                )));
            }
        }
        Ok(())
    }
}

/// The first block of `after` that counts behind `before`, whose blocks count up to `last`.
fn next_block(before: &Archive, after: &Archive, last: u32) -> Result<u32> {
    let name = |archive: &Archive| archive.folder().display().to_string();
    if before.manifest().genesis_hash != after.manifest().genesis_hash {
        return Err(Error::Apart(format!(
            "`{}` and `{}` are of different chains",
            name(before),
            name(after)
        )));
    }
    let next = last.saturating_add(1);
    if after.manifest().first_block > next {
        let missing_to = after.manifest().first_block.saturating_sub(1);
        return Err(Error::NotCovered {
            what: format!(
                "blocks {next} to {missing_to} are missing between `{}` and `{}`",
                name(before),
                name(after)
            ),
            command: format!("minting-fetch blocks {next}..{missing_to} --rpc <URL> --out <DIR>"),
            ends_early: false,
        });
    }
    Ok(next)
}
