//! Writes an archive file by file, so that whatever is there is whole, and a later run can go on.

mod lock;
mod proofs;
mod take_over;

pub use lock::FolderLock;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{
    Chunk, ChunkBody, ChunkEntry, Error, EventShapes, ExportedRange, Hash, Hex, Manifest, MetadataEntry,
    Provenance, Result, RuntimeMetadata, ShapesOf, StateEntry, StateSnapshot, chunk_ranges,
    container::{self, Kind, Sealed},
    files,
};

/// Compression level: size against time, without influence on any content digest.
const LEVEL: i32 = 12;

/// What an archive is to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Blocks of a chunk.
    pub chunk_blocks: u32,
    /// Height of the first block.
    pub first: u32,
    /// Hash of block 0 of the chain.
    #[serde(with = "hex_hash")]
    pub genesis: Hash,
    /// Height of the last block.
    pub last: u32,
    /// Number of the minting period of the range.
    pub period: Option<u32>,
    /// One of so many blocks has a proof, and every snapshot has one; no proofs if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs: Option<NonZeroU32>,
    /// The time range, when blocks are exported for one.
    pub range: Option<ExportedRange>,
    /// Heights of the state snapshots.
    pub state_at: Vec<u32>,
}

mod hex_hash {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Hash, Hex};

    pub(super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        Hex(*hash).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        Hex::deserialize(deserializer).map(|hex| hex.0)
    }
}

/// A finished archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The archive root digest.
    pub root: Hash,
    /// Hash of the last block.
    pub last_hash: Hash,
    /// Files that the manifest lists.
    pub files: u64,
    /// Bytes of all files that the manifest lists.
    pub file_bytes: u64,
    /// Bytes of their bodies.
    pub body_bytes: u64,
}

/// A chunk that is on disk.
#[derive(Clone, Debug)]
struct Present {
    entry: ChunkEntry,
    parent_hash: Hash,
    metadata: BTreeSet<Hash>,
    /// Hashes of those blocks at which a snapshot is planned.
    snapshot_hashes: BTreeMap<u32, Hash>,
}

/// What an earlier run left in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// First and last height of the chunks that are whole.
    pub chunks: Vec<(u32, u32)>,
    /// Heights of the state snapshots that are whole.
    pub states: Vec<u32>,
    /// Files that are not whole or do not belong to the export, each with what is wrong with it.
    pub damaged: Vec<String>,
}

/// Writes one archive.
#[derive(Debug)]
pub struct ArchiveWriter {
    folder: PathBuf,
    plan: Plan,
    chunks: BTreeMap<u32, Present>,
    states: BTreeMap<u32, (StateEntry, Hash)>,
    metadata: BTreeMap<Hash, MetadataEntry>,
    proofs: proofs::Present,
    /// Files of an earlier run that were not taken over, and why.
    damaged: Vec<String>,
    shapes_of: ShapesOf,
    /// How the events of each runtime are laid out, as far as that can be known.
    shapes: BTreeMap<Hash, Option<Arc<dyn EventShapes>>>,
    level: i32,
    /// Nobody else writes here as long as this lives.
    _lock: Option<FolderLock>,
}

impl ArchiveWriter {
    /// Makes the folder, or goes on with an interrupted export of the same plan: files that are whole and belong to
    /// it are taken over, after their digests were computed anew; damaged ones are written again. `shapes_of` finds out
    /// how events are laid out, so that they can be stored in columns.
    ///
    /// # Errors
    /// The folder holds a finished archive, an export of another plan, or something else.
    pub fn open(folder: &Path, plan: Plan, shapes_of: ShapesOf) -> Result<ArchiveWriter> {
        refuse_finished(folder)?;
        ArchiveWriter::open_locked(FolderLock::take(folder)?, plan, shapes_of)
    }

    /// As [`ArchiveWriter::open`], in a folder that was locked before.
    ///
    /// # Errors
    /// As [`ArchiveWriter::open`].
    pub fn open_locked(lock: FolderLock, plan: Plan, shapes_of: ShapesOf) -> Result<ArchiveWriter> {
        let mut writer = ArchiveWriter::new(lock.folder(), plan, shapes_of)?;
        occupy(lock.folder(), &writer.plan)?;
        writer._lock = Some(lock);
        writer.take_over()?;
        Ok(writer)
    }

    /// What [`ArchiveWriter::open`] would take over; changes nothing.
    ///
    /// # Errors
    /// As [`ArchiveWriter::open`].
    pub fn look(folder: &Path, plan: Plan, shapes_of: ShapesOf) -> Result<Left> {
        let mut writer = ArchiveWriter::new(folder, plan, shapes_of)?;
        vacant(folder, &plan_bytes(&writer.plan))?;
        writer.take_over()?;
        let chunks = writer.chunks.values().map(|c| (c.entry.first, c.entry.last));
        Ok(Left {
            chunks: chunks.filter(|(first, _)| writer.has_chunk(*first)).collect(),
            states: writer.states.keys().copied().filter(|height| writer.has_state(*height)).collect(),
            damaged: writer.damaged,
        })
    }

    fn new(folder: &Path, mut plan: Plan, shapes_of: ShapesOf) -> Result<ArchiveWriter> {
        plan.state_at.sort_unstable();
        plan.state_at.dedup();
        plan.period = plan.range.as_ref().and_then(|r| r.period);
        check_plan(&plan)?;
        Ok(ArchiveWriter {
            folder: folder.to_path_buf(),
            plan,
            chunks: BTreeMap::new(),
            states: BTreeMap::new(),
            metadata: BTreeMap::new(),
            proofs: proofs::Present::default(),
            damaged: Vec::new(),
            shapes_of,
            shapes: BTreeMap::new(),
            level: LEVEL,
            _lock: None,
        })
    }

    /// Chooses another level of zstd than the usual one.
    pub fn set_level(&mut self, level: i32) {
        self.level = level;
    }

    /// What is being written.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a chunk is there, with its proofs if there are to be any.
    fn has_chunk(&self, first: u32) -> bool {
        self.chunks.get(&first).is_some_and(|chunk| {
            self.plan.proofs.is_none() || self.proofs.has_chunk(first, &chunk.entry.last_hash.0)
        })
    }

    /// First and last height of the chunks that are not there yet, or lack their proofs, ascending.
    pub fn missing_chunks(&self) -> Vec<(u32, u32)> {
        let planned = chunk_ranges(self.plan.first, self.plan.last, self.plan.chunk_blocks);
        planned.filter(|(first, _)| !self.has_chunk(*first)).collect()
    }

    /// First and last height and last hash of the chunks that are there, ascending.
    pub fn present_chunks(&self) -> Vec<(u32, u32, Hash)> {
        self.chunks.values().map(|c| (c.entry.first, c.entry.last, c.entry.last_hash.0)).collect()
    }

    /// Takes a chunk out again, because the chain went another way: it will be missing.
    ///
    /// # Errors
    /// I/O errors.
    pub fn discard_chunk(&mut self, first: u32) -> Result<()> {
        if let Some(present) = self.chunks.remove(&first) {
            let path = self.folder.join(&present.entry.file);
            fs::remove_file(&path).map_err(Error::io("remove", path))?;
        }
        self.discard_block_proofs(first)
    }

    /// Height and block hash of the state snapshots that are there, ascending.
    pub fn present_states(&self) -> Vec<(u32, Hash)> {
        self.states.iter().map(|(height, (entry, _))| (*height, entry.block_hash.0)).collect()
    }

    /// Takes a state snapshot out again, because the chain went another way: it will be missing.
    ///
    /// # Errors
    /// I/O errors.
    pub fn discard_state(&mut self, height: u32) -> Result<()> {
        if let Some((entry, _)) = self.states.remove(&height) {
            let path = self.folder.join(&entry.file);
            fs::remove_file(&path).map_err(Error::io("remove", path))?;
        }
        self.discard_state_proof(height)
    }

    /// Where a chunk lies that is there.
    pub fn chunk_path(&self, first: u32) -> Option<PathBuf> {
        self.chunks.get(&first).map(|chunk| self.folder.join(&chunk.entry.file))
    }

    /// Files of an earlier run that were not taken over, each with what is wrong with it. They are replaced, or
    /// removed when the archive is finished.
    pub fn damaged(&self) -> &[String] {
        &self.damaged
    }

    /// Whether the state snapshot at `height` is there, with its proof if there is to be one.
    pub fn has_state(&self, height: u32) -> bool {
        self.states.get(&height).is_some_and(|(state, _)| {
            self.plan.proofs.is_none() || self.proofs.has_state(height, &state.block_hash.0)
        })
    }

    /// Writes metadata, unless it is there, and gives the hash that spans and snapshots name it by.
    ///
    /// # Errors
    /// I/O errors.
    pub fn put_metadata(&mut self, metadata: &RuntimeMetadata) -> Result<Hash> {
        let hash = metadata.hash();
        if self.metadata.contains_key(&hash) {
            return Ok(hash);
        }
        let file = files::metadata_name(metadata.spec_version, &hash);
        let path = self.folder.join(&file);
        let body = metadata.to_body();
        RuntimeMetadata::parse(&body, &path)
            .map_err(|e| refused(format!("metadata of {}", metadata.spec_version), &e))?;
        let sealed = self.write(Kind::Metadata, 0, &file, &body)?;
        self.metadata.insert(hash, metadata_entry(metadata, file, &sealed));
        self.shapes.insert(hash, (self.shapes_of)(&metadata.bytes));
        Ok(hash)
    }

    /// Writes a state snapshot.
    ///
    /// # Errors
    /// A snapshot that the plan does not ask for or that is not canonical; I/O errors.
    pub fn put_state(&mut self, state: &StateSnapshot) -> Result<()> {
        let file = files::state_name(state.height, &state.block_hash);
        let item = format!("the state of block {}", state.height);
        if state.genesis != self.plan.genesis || !self.plan.state_at.contains(&state.height) {
            return Err(Error::Refused { item, what: "it was not planned".into() });
        }
        let body = state.to_body();
        let read =
            StateSnapshot::parse(&body, &self.folder.join(&file)).map_err(|e| refused(item.clone(), &e))?;
        if read != *state {
            return Err(Error::Refused { item, what: "it does not read back the same".into() });
        }
        let sealed = self.write(Kind::State, 0, &file, &body)?;
        self.states.insert(state.height, (state_entry(state, file, &sealed), state.metadata));
        Ok(())
    }

    /// Writes a chunk, with its events in columns if they can be taken apart and come out of the columns as they went in.
    ///
    /// # Errors
    /// A chunk that the plan does not ask for or that is not canonical, or whose metadata was not put before; I/O
    /// errors.
    pub fn put_chunk(&mut self, chunk: &Chunk) -> Result<()> {
        let item = format!("the chunk at block {}", chunk.first);
        let read_back = |columns: Option<&[u8]>| -> Result<ChunkBody> {
            let read = ChunkBody::parse(chunk.to_body(columns)?, &self.folder.join(&item))?;
            match is_same(chunk, &read)? {
                true => Ok(read),
                false => {
                    Err(Error::Refused { item: item.clone(), what: "it does not read back the same".into() })
                }
            }
        };
        let in_columns = self.columns(chunk)?.and_then(|columns| read_back(Some(&columns)).ok());
        let read = match in_columns {
            Some(read) => read,
            None => read_back(None).map_err(|e| refused(item.clone(), &e))?,
        };
        let mut planned = chunk_ranges(self.plan.first, self.plan.last, self.plan.chunk_blocks);
        if !planned.any(|range| range == (read.first(), read.last())) || read.genesis() != &self.plan.genesis
        {
            let what = format!("blocks {} to {} are no chunk of the plan", read.first(), read.last());
            return Err(Error::Refused { item, what });
        }
        let hashes = read.hashes();
        let last_hash = hashes.last().copied().unwrap_or_default();
        let file = files::chunk_name(read.first(), read.last(), &last_hash);
        let sealed = self.write(Kind::Chunk, read.minor(), &file, read.bytes())?;
        let present = self.present(&read, &hashes, file, &sealed);
        self.chunks.insert(read.first(), present);
        Ok(())
    }

    /// The events of a chunk in columns; none if they cannot be taken apart.
    fn columns(&self, chunk: &Chunk) -> Result<Option<Vec<u8>>> {
        let mut shapes = Vec::new();
        for span in &chunk.spans {
            let known = self.shapes.get(&span.metadata).ok_or_else(|| {
                let what = format!("metadata {} was not put before it", hex::encode(span.metadata));
                Error::Refused { item: format!("the chunk at block {}", chunk.first), what }
            })?;
            let Some(known) = known else { return Ok(None) };
            shapes.push(Arc::clone(known));
        }
        chunk.columns(&shapes)
    }

    /// Checks that everything planned is there and belongs together, then writes `provenance.json` and, last,
    /// `manifest.json`.
    ///
    /// # Errors
    /// Names what is missing or does not link; I/O errors.
    pub fn finish(self, provenance: &Provenance) -> Result<Finished> {
        let manifest = self.manifest()?;
        self.sweep(&manifest)?;
        files::write(&self.folder.join(files::PROVENANCE), &provenance.to_bytes())?;
        files::write(&self.folder.join(files::MANIFEST), &manifest.to_bytes())?;
        let plan = self.folder.join(files::PLAN);
        fs::remove_file(&plan).map_err(Error::io("remove", plan))?;
        Ok(Finished {
            root: manifest.archive_root.0,
            last_hash: manifest.last_hash.0,
            files: u64::try_from(manifest.files().count()).unwrap_or(u64::MAX),
            file_bytes: manifest.files().fold(0, |sum, f| sum.saturating_add(f.file_bytes)),
            body_bytes: manifest.files().fold(0, |sum, f| sum.saturating_add(f.body_bytes)),
        })
    }

    /// Removes what the export left behind and nothing names: temporary files, metadata of a runtime that no block
    /// was run by, parts of a chain that went another way.
    fn sweep(&self, manifest: &Manifest) -> Result<()> {
        let listed: BTreeSet<&str> = manifest.files().map(|f| f.file).collect();
        for folder in files::FOLDERS {
            for name in files::list_all(&self.folder.join(folder))? {
                let file = format!("{folder}/{name}");
                if !listed.contains(file.as_str()) {
                    let path = self.folder.join(file);
                    fs::remove_file(&path).map_err(Error::io("remove", path))?;
                }
            }
        }
        Ok(())
    }

    fn manifest(&self) -> Result<Manifest> {
        if let Some((first, last)) = self.missing_chunks().first() {
            return Err(Error::Missing(format!("blocks {first} to {last} are missing")));
        }
        let mut parent: Option<Hash> = None;
        let mut needed: BTreeSet<Hash> = BTreeSet::new();
        for present in self.chunks.values() {
            if parent.is_some_and(|p| p != present.parent_hash) {
                let what = format!("block {} does not follow the chunk before it", present.entry.first);
                return Err(Error::damaged(self.folder.join(&present.entry.file), what));
            }
            parent = Some(present.entry.last_hash.0);
            needed.extend(&present.metadata);
        }
        for height in &self.plan.state_at {
            let Some((entry, metadata)) = self.states.get(height) else {
                return Err(Error::Missing(format!("the state of block {height} is missing")));
            };
            needed.insert(*metadata);
            let in_chunk = self.chunks.values().find_map(|c| c.snapshot_hashes.get(height));
            if in_chunk != Some(&entry.block_hash.0) {
                let what = format!("its block hash is not that of block {height} in the chunks");
                return Err(Error::damaged(self.folder.join(&entry.file), what));
            }
        }
        let mut metadata = Vec::new();
        for hash in &needed {
            let entry = self
                .metadata
                .get(hash)
                .ok_or_else(|| Error::Missing(format!("metadata {} is missing", hex::encode(hash))))?;
            metadata.push(entry.clone());
        }
        let first_parent = self.chunks.values().next().map(|c| c.parent_hash).unwrap_or_default();
        let mut manifest = Manifest {
            archive_root: Hex([0; 32]),
            chunk_blocks: self.plan.chunk_blocks,
            chunks: self.chunks.values().map(|c| c.entry.clone()).collect(),
            first_block: self.plan.first,
            first_parent_hash: Hex(first_parent),
            format: match self.plan.proofs {
                None => Manifest::current_format(),
                Some(_) => Manifest::format_with_proofs(),
            },
            genesis_hash: Hex(self.plan.genesis),
            last_block: self.plan.last,
            last_hash: Hex(parent.unwrap_or_default()),
            metadata,
            period: self.plan.period,
            proofs: None,
            range: self.plan.range.clone().map(|range| ExportedRange { period: None, ..range }),
            slim_of: None,
            state: self.states.values().map(|(entry, _)| entry.clone()).collect(),
        };
        manifest.archive_root = Hex(manifest.root());
        manifest.proofs = self.listed_proofs(&manifest)?;
        Ok(manifest)
    }

    fn write(&self, kind: Kind, minor: u16, file: &str, body: &[u8]) -> Result<Sealed> {
        let path = self.folder.join(file);
        let sealed = container::seal(kind, minor, body, self.level, &path)?;
        if container::open(kind, &sealed.file, &path)?.body != body {
            return Err(Error::damaged(path, "it does not decompress to what was compressed"));
        }
        files::write(&path, &sealed.file)?;
        Ok(sealed)
    }

    fn present(&self, chunk: &ChunkBody, hashes: &[Hash], file: String, sealed: &Sealed) -> Present {
        let hash_at = |height: u32| {
            let i = usize::try_from(height.checked_sub(chunk.first())?).ok()?;
            hashes.get(i).map(|hash| (height, *hash))
        };
        Present {
            entry: ChunkEntry {
                body_bytes: sealed.body_len,
                content_sha256: Hex(sealed.content_sha256),
                file,
                file_bytes: length(&sealed.file),
                file_sha256: Hex(sealed.file_sha256),
                first: chunk.first(),
                last: chunk.last(),
                last_hash: Hex(hashes.last().copied().unwrap_or_default()),
            },
            parent_hash: *chunk.parent_hash(),
            metadata: chunk.spans().iter().map(|s| s.metadata).collect(),
            snapshot_hashes: self.plan.state_at.iter().filter_map(|h| hash_at(*h)).collect(),
        }
    }
}

/// Whether a chunk that was read says what the one that was written did.
fn is_same(chunk: &Chunk, read: &ChunkBody) -> Result<bool> {
    if (&chunk.parent_hash, &chunk.spans[..]) != (read.parent_hash(), read.spans())
        || chunk.blocks.len() != read.len()
    {
        return Ok(false);
    }
    for (written, read) in chunk.blocks.heads().zip(read.blocks()) {
        let same = (&written.state_root, &written.extrinsics_root, &written.digest[..], written.time_ms)
            == (read.state_root, read.extrinsics_root, read.digest, read.time_ms);
        if !same {
            return Ok(false);
        }
    }
    let mut written = chunk.blocks.events();
    if let Some(columns) = read.columns() {
        let same = |_, value: &[u8]| match written.next_value() {
            Ok(Some(written)) if written == value => Ok(()),
            _ => Err("another value".into()),
        };
        return Ok(columns.values(same).is_ok());
    }
    for block in read.blocks() {
        if written.next_value()? != Some(block.events()?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check_plan(plan: &Plan) -> Result<()> {
    let refused = |what: String| Err(Error::Refused { item: "the plan".into(), what });
    if plan.first > plan.last {
        return refused(format!("block {} lies after block {}", plan.first, plan.last));
    }
    if plan.chunk_blocks == 0 || plan.chunk_blocks > super::MAX_CHUNK_BLOCKS {
        return refused(format!(
            "{} blocks in a chunk; 1 to {} are possible",
            plan.chunk_blocks,
            super::MAX_CHUNK_BLOCKS
        ));
    }
    if let Some(Err(what)) = plan.range.as_ref().map(|r| r.consistent(plan.first, plan.last, &plan.state_at))
    {
        return refused(what);
    }
    match plan.state_at.iter().find(|h| **h < plan.first || **h > plan.last) {
        Some(height) => {
            refused(format!("state at block {height} lies outside of blocks {} to {}", plan.first, plan.last))
        }
        None => Ok(()),
    }
}

/// The bytes of `export.json`. Canonical bytes make comparing easy.
fn plan_bytes(plan: &Plan) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(plan).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn occupied<T>(folder: &Path, what: impl Into<String>) -> Result<T> {
    Err(Error::Occupied { path: folder.to_path_buf(), what: what.into() })
}

/// A finished archive is never written again; the message says what it holds.
fn refuse_finished(folder: &Path) -> Result<()> {
    if !folder.join(files::MANIFEST).exists() {
        return Ok(());
    }
    let holds = match Manifest::read(folder) {
        Ok(Manifest { first_block, last_block, period, .. }) => {
            let period = period.map_or_else(String::new, |number| format!(" of period {number}"));
            let count = u64::from(last_block.saturating_sub(first_block)) + 1;
            format!("{period} with blocks {first_block} to {last_block} ({count} blocks)")
        }
        Err(error) => format!(", which cannot be read ({error})"),
    };
    occupied(folder, format!("holds a finished archive{holds}; choose another folder"))
}

/// Whether the folder is free, or holds an unfinished export of the plan with these bytes.
fn vacant(folder: &Path, plan: &[u8]) -> Result<()> {
    refuse_finished(folder)?;
    let plan_path = folder.join(files::PLAN);
    if plan_path.exists() {
        if files::read(&plan_path, 1 << 20)? != plan {
            return occupied(
                folder,
                "holds an unfinished export of other blocks, options or chain; \
                 finish it with its own command, or choose another folder",
            );
        }
    } else if folder.exists() && !lock::is_unused(folder)? {
        return occupied(folder, "is not empty and not an unfinished export; choose another folder");
    }
    Ok(())
}

/// Makes the folder ours, or says why it cannot be.
fn occupy(folder: &Path, plan: &Plan) -> Result<()> {
    let (bytes, has_proofs) = (plan_bytes(plan), plan.proofs.is_some());
    vacant(folder, &bytes)?;
    let parts = files::FOLDERS.iter().filter(|part| has_proofs || **part != files::PROOFS);
    for part in parts {
        let path = folder.join(part);
        fs::create_dir_all(&path).map_err(Error::io("create", path))?;
    }
    let plan_path = folder.join(files::PLAN);
    if !plan_path.exists() {
        // This flushes the folder, and with it the names of the folders in it.
        files::write(&plan_path, &bytes)?;
    }
    Ok(())
}

fn refused(item: String, error: &Error) -> Error {
    let what = match error {
        Error::Damaged { what, .. } => what.clone(),
        other => other.to_string(),
    };
    Error::Refused { item, what }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn state_entry(state: &StateSnapshot, file: String, sealed: &Sealed) -> StateEntry {
    StateEntry {
        block_hash: Hex(state.block_hash),
        body_bytes: sealed.body_len,
        content_sha256: Hex(sealed.content_sha256),
        file,
        file_bytes: length(&sealed.file),
        file_sha256: Hex(sealed.file_sha256),
        height: state.height,
    }
}

fn metadata_entry(metadata: &RuntimeMetadata, file: String, sealed: &Sealed) -> MetadataEntry {
    MetadataEntry {
        body_bytes: sealed.body_len,
        content_sha256: Hex(sealed.content_sha256),
        file,
        file_bytes: length(&sealed.file),
        file_sha256: Hex(sealed.file_sha256),
        metadata_sha256: Hex(metadata.hash()),
        spec_version: metadata.spec_version,
    }
}

#[cfg(test)]
mod tests;
