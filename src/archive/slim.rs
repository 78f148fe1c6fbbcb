//! Slim archives: only what the rules read, for sharing (`archive-format.md`, section 15).
//!
//! A slim chunk has no headers, so nothing in it binds it to the chain: it names the root of the archive it was made
//! from, which has them.

use std::{fs, path::Path};

use super::{
    Archive, BlockRef, ChunkBody, ChunkEntry, Error, Finished, Hash, Hex, MAX_CHUNK_BLOCKS, Manifest, Result,
    Span,
    bytes::{BodyWriter, EVENT_COLUMNS, KNOWN_HASHES, RUNTIME_SPANS, SLIM_TIMES},
    columns::{Builder, EventShapes, Phase, Record, put_gaps, split},
    container::{self, Kind, MAX_FILE_LEN},
    files,
};

/// Compression level: there is little to compress, and it is read often.
const LEVEL: i32 = 19;

/// A chunk of a slim archive, block by block.
#[derive(Debug)]
pub struct SlimChunk {
    genesis: Hash,
    first: u32,
    parent_hash: Hash,
    times_ms: Vec<u64>,
    spans: Vec<Span>,
    known: Vec<(u32, Hash)>,
    events: Builder,
}

impl SlimChunk {
    /// A chunk without blocks; `parent_hash` is that of its first one.
    pub fn new(genesis: Hash, first: u32, parent_hash: Hash) -> SlimChunk {
        let (times_ms, spans, known) = (Vec::new(), Vec::new(), Vec::new());
        SlimChunk { genesis, first, parent_hash, times_ms, spans, known, events: Builder::default() }
    }

    /// Whether the block at this height is the last one that goes into a chunk.
    pub fn ends_with(height: u32) -> bool {
        height % MAX_CHUNK_BLOCKS == MAX_CHUNK_BLOCKS - 1
    }

    /// Height of the block that comes next.
    fn next(&self) -> Option<u32> {
        self.first.checked_add(u32::try_from(self.times_ms.len()).ok()?)
    }

    /// Appends a block with those of its events that are `wanted`, by the indices of pallet and event. Its `hash` is
    /// given if the chunk is to know it.
    ///
    /// # Errors
    /// Events that cannot be taken apart.
    pub fn push(
        &mut self,
        block: &BlockRef<'_>,
        hash: Option<Hash>,
        metadata: Hash,
        shapes: &dyn EventShapes,
        wanted: impl Fn(u8, u8) -> bool,
    ) -> Result<()> {
        let refused =
            |what: &str| Error::Refused { item: format!("block {}", block.height), what: what.into() };
        self.times_ms.push(block.time_ms);
        self.known.extend(hash.map(|hash| (block.height, hash)));
        if self.spans.last().is_none_or(|span| span.metadata != metadata) {
            self.spans.push(Span { first: block.height, metadata });
        }
        let span = self.spans.len().checked_sub(1).and_then(|span| u8::try_from(span).ok());
        let span = span.ok_or_else(|| refused("its chunk has too many runtimes"))?;
        self.events.block();
        let value = block.events()?;
        if value.is_empty() {
            return Ok(());
        }
        let events = &mut self.events;
        split(value, span, shapes, |record, widths| {
            if !wanted(record.pallet, record.event) {
                return Some(());
            }
            // The rules read neither phases nor topics.
            events.push(&Record { phase: Phase::Initialization, topics: &[], ..*record }, widths)
        })
        .ok_or_else(|| refused("its events cannot be taken apart by its runtime"))
    }

    fn into_body(self) -> Vec<u8> {
        let count = u32::try_from(self.times_ms.len()).unwrap_or(u32::MAX);
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.first.to_le_bytes());
        body.prelude(&count.to_le_bytes());
        body.prelude(&self.parent_hash);
        body.section(RUNTIME_SPANS, |out| super::chunk::put_spans(&self.spans, out));
        body.section(EVENT_COLUMNS, |out| out.extend(self.events.finish(self.first, &self.times_ms)));
        body.section(SLIM_TIMES, |out| put_gaps(&self.times_ms, out));
        body.section(KNOWN_HASHES, |out| {
            out.extend_from_slice(&u32::try_from(self.known.len()).unwrap_or(u32::MAX).to_le_bytes());
            for (height, hash) in &self.known {
                out.extend_from_slice(&height.to_le_bytes());
                out.extend_from_slice(hash);
            }
        });
        body.finish()
    }
}

/// Writes a slim archive into a folder of its own.
#[derive(Debug)]
pub struct SlimWriter<'a> {
    full: &'a Archive,
    folder: &'a Path,
    chunks: Vec<ChunkEntry>,
}

impl<'a> SlimWriter<'a> {
    /// Makes the folder, and copies state and metadata of the full archive.
    ///
    /// # Errors
    /// The folder is not empty; the archive is slim itself; I/O errors.
    pub fn create(full: &'a Archive, folder: &'a Path) -> Result<SlimWriter<'a>> {
        let occupied = |what: &str| Err(Error::Occupied { path: folder.to_path_buf(), what: what.into() });
        if folder.exists() && !files::list_all(folder)?.is_empty() {
            return occupied("is not empty; choose another folder");
        }
        if full.manifest().slim_of.is_some() {
            let what = "it is a slim archive already".to_string();
            return Err(Error::Refused { item: full.folder().display().to_string(), what });
        }
        for part in files::FOLDERS.iter().filter(|part| **part != files::PROOFS) {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(Error::io("create", path))?;
        }
        let manifest = full.manifest();
        for entry in &manifest.state {
            full.state(entry)?;
        }
        for entry in &manifest.metadata {
            full.metadata(&entry.metadata_sha256.0)?;
        }
        let state = manifest.state.iter().map(|entry| &entry.file);
        for file in state.chain(manifest.metadata.iter().map(|entry| &entry.file)) {
            files::write(&folder.join(file), &files::read(&full.path(file), MAX_FILE_LEN)?)?;
        }
        Ok(SlimWriter { full, folder, chunks: Vec::new() })
    }

    /// Writes a chunk; chunks come in order.
    ///
    /// # Errors
    /// A chunk that does not read back; I/O errors.
    pub fn put_chunk(&mut self, chunk: SlimChunk) -> Result<()> {
        let last_hash = chunk.known.last().map(|(_, hash)| *hash).unwrap_or_default();
        let last = chunk.next().and_then(|next| next.checked_sub(1)).unwrap_or(chunk.first);
        let file = files::slim_name(chunk.first, last, &last_hash);
        let path = self.folder.join(&file);
        let body = chunk.into_body();
        let read = ChunkBody::parse_slim(body, &path)?;
        if let Some(Err(what)) = read.columns().map(|columns| columns.check()) {
            return Err(Error::damaged(path, format!("EVENT_COLUMNS: {what}")));
        }
        let sealed = container::seal(Kind::SlimChunk, read.minor(), read.bytes(), LEVEL, &path)?;
        files::write(&path, &sealed.file)?;
        self.chunks.push(ChunkEntry {
            body_bytes: sealed.body_len,
            content_sha256: Hex(sealed.content_sha256),
            file,
            file_bytes: u64::try_from(sealed.file.len()).unwrap_or(u64::MAX),
            file_sha256: Hex(sealed.file_sha256),
            first: read.first(),
            last: read.last(),
            last_hash: Hex(last_hash),
        });
        Ok(())
    }

    /// Writes the manifest.
    ///
    /// # Errors
    /// I/O errors.
    pub fn finish(self) -> Result<Finished> {
        let full = self.full.manifest();
        let mut manifest = Manifest {
            chunk_blocks: MAX_CHUNK_BLOCKS,
            chunks: self.chunks,
            format: Manifest::format_of_slim(),
            proofs: None,
            slim_of: Some(full.archive_root),
            ..full.clone()
        };
        manifest.archive_root = Hex(manifest.root());
        files::write(&self.folder.join(files::MANIFEST), &manifest.to_bytes())?;
        Ok(Finished {
            root: manifest.archive_root.0,
            last_hash: manifest.last_hash.0,
            files: u64::try_from(manifest.files().count()).unwrap_or(u64::MAX),
            file_bytes: manifest.files().fold(0, |sum, f| sum.saturating_add(f.file_bytes)),
            body_bytes: manifest.files().fold(0, |sum, f| sum.saturating_add(f.body_bytes)),
        })
    }
}
