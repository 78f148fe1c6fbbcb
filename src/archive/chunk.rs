//! A chunk: a run of consecutive blocks in canonical bytes (`archive-format.md`, section 4).

mod parse;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    Blocks, Error, Hash, Result,
    bytes::{BodyWriter, EVENT_COLUMNS, EVENTS, HEADERS, RUNTIME_SPANS, TIMESTAMPS},
    columns::{self, Columns, EventShapes, Layout},
    header::{self, Header},
};

/// Most blocks a chunk may hold.
pub const MAX_CHUNK_BLOCKS: u32 = 65_536;
/// Blocks in a chunk unless asked otherwise.
pub const DEFAULT_CHUNK_BLOCKS: u32 = 16_384;

/// From block `first` on, events were produced by the runtime with this metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Height of the first block.
    pub first: u32,
    /// SHA-256 of the raw metadata.
    pub metadata: Hash,
}

/// A run of consecutive blocks, as it is handed to the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Hash of block 0 of the chain.
    pub genesis: Hash,
    /// Height of the first block.
    pub first: u32,
    /// Parent hash of the first block; zero for genesis.
    pub parent_hash: Hash,
    /// The blocks in order.
    pub blocks: Blocks,
    /// Ascending; the first span starts at `first`.
    pub spans: Vec<Span>,
}

impl Chunk {
    /// Its events in columns, by the shapes of each of its spans; none if they cannot be taken apart.
    ///
    /// # Errors
    /// Events that do not come back out of memory.
    pub fn columns(&self, shapes: &[Arc<dyn EventShapes>]) -> Result<Option<Vec<u8>>> {
        let start =
            |span: &Span| usize::try_from(span.first.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let spans: Vec<_> = self.spans.iter().map(start).zip(shapes.iter().cloned()).collect();
        columns::encode(self.first, &self.blocks, &spans)
    }

    /// The canonical bytes, with events as they are, or in columns if these are given. Lengths above `u32::MAX` cannot
    /// occur in a body of at most 256 MiB; they are written saturated, and reading the body back refuses them.
    ///
    /// # Errors
    /// Events that do not come back out of memory.
    pub fn to_body(&self, columns: Option<&[u8]>) -> Result<Vec<u8>> {
        let count = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let heads = || self.blocks.heads();
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.first.to_le_bytes());
        body.prelude(&count.to_le_bytes());
        body.prelude(&self.parent_hash);
        body.section(HEADERS, |out| {
            heads().for_each(|b| out.extend_from_slice(&b.state_root));
            heads().for_each(|b| out.extend_from_slice(&b.extrinsics_root));
            heads().for_each(|b| push_len(out, b.digest.len()));
            heads().for_each(|b| out.extend_from_slice(&b.digest));
        });
        body.section(TIMESTAMPS, |out| {
            heads().for_each(|b| out.extend_from_slice(&b.time_ms.to_le_bytes()));
        });
        if columns.is_none() {
            let mut events = Ok(());
            body.section(EVENTS, |out| {
                heads().for_each(|b| push_len(out, b.events_len));
                events = self.push_events(out);
            });
            events?;
        }
        body.section(RUNTIME_SPANS, |out| {
            put_spans(&self.spans, out);
        });
        if let Some(columns) = columns {
            body.section(EVENT_COLUMNS, |out| out.extend_from_slice(columns));
        }
        Ok(body.finish())
    }

    fn push_events(&self, out: &mut Vec<u8>) -> Result<()> {
        let mut events = self.blocks.events();
        while let Some(value) = events.next_value()? {
            out.extend_from_slice(value);
        }
        Ok(())
    }
}

/// The payload of RUNTIME_SPANS.
pub(super) fn put_spans(spans: &[Span], out: &mut Vec<u8>) {
    push_len(out, spans.len());
    for span in spans {
        out.extend_from_slice(&span.first.to_le_bytes());
        out.extend_from_slice(&span.metadata);
    }
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
}

/// A block inside the body of its chunk.
#[derive(Clone, Copy, Debug)]
pub struct BlockRef<'a> {
    /// Its height.
    pub height: u32,
    /// Root of the storage trie after the block; zero in a slim chunk.
    pub state_root: &'a Hash,
    /// Root of the trie of its extrinsics; zero in a slim chunk.
    pub extrinsics_root: &'a Hash,
    /// SCALE bytes of the header's digest; nothing in a slim chunk.
    pub digest: &'a [u8],
    /// `Timestamp.Now` in milliseconds.
    pub time_ms: u64,
    chunk: &'a ChunkBody,
    place: usize,
}

impl<'a> BlockRef<'a> {
    /// `System.Events` as the chain has it; empty for genesis, which has none. In a chunk with columns the first call
    /// for any of its blocks puts the values of all of them together.
    ///
    /// # Errors
    /// Columns that contradict themselves.
    pub fn events(&self) -> Result<&'a [u8]> {
        self.chunk.events(self.place)
    }
}

/// Where the events of a chunk lie.
#[derive(Debug)]
enum Events {
    /// The value of each block.
    Plain(Vec<Range<usize>>),
    /// The section of columns, and the values that it gives once somebody wanted them.
    Columns { layout: Box<Layout>, section: Range<usize>, raw: OnceLock<std::result::Result<Raw, String>> },
}

/// Values of `System.Events` one after the other, and where each ends.
type Raw = (Vec<u8>, Vec<usize>);

/// A chunk that was read: the body and where everything lies in it.
#[derive(Debug)]
pub struct ChunkBody {
    path: PathBuf,
    body: Vec<u8>,
    genesis: Hash,
    first: u32,
    parent_hash: Hash,
    state_roots: Range<usize>,
    extrinsics_roots: Range<usize>,
    digests: Vec<Range<usize>>,
    times_ms: Vec<u64>,
    events: Events,
    spans: Vec<Span>,
    /// Hashes of some blocks by their height, in a slim chunk, which has no headers.
    known: Option<BTreeMap<u32, Hash>>,
}

impl ChunkBody {
    /// Reads a body and checks that it is the canonical form of what it says; links are checked by
    /// [`ChunkBody::hashes`].
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse(body: Vec<u8>, path: &Path) -> Result<ChunkBody> {
        let mut chunk = parse::full(body).map_err(|what| Error::damaged(path, what))?;
        chunk.path = path.to_path_buf();
        Ok(chunk)
    }

    /// As [`ChunkBody::parse`], for the body of a slim chunk.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse_slim(body: Vec<u8>, path: &Path) -> Result<ChunkBody> {
        let mut chunk = parse::slim(body).map_err(|what| Error::damaged(path, what))?;
        chunk.path = path.to_path_buf();
        Ok(chunk)
    }

    /// The canonical bytes it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// Gives the canonical bytes back, so that their memory can be used again.
    pub fn into_bytes(self) -> Vec<u8> {
        self.body
    }

    /// Hash of block 0 of the chain.
    pub fn genesis(&self) -> &Hash {
        &self.genesis
    }

    /// Height of the first block.
    pub fn first(&self) -> u32 {
        self.first
    }

    /// Number of blocks, at least 1.
    pub fn len(&self) -> usize {
        self.times_ms.len()
    }

    /// Never true: a chunk has at least one block.
    pub fn is_empty(&self) -> bool {
        self.times_ms.is_empty()
    }

    /// Height of the last block.
    pub fn last(&self) -> u32 {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.first.saturating_add(count.saturating_sub(1))
    }

    /// Parent hash of the first block.
    pub fn parent_hash(&self) -> &Hash {
        &self.parent_hash
    }

    /// Which runtime produced the events from which block on.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The blocks in order.
    pub fn blocks(&self) -> impl Iterator<Item = BlockRef<'_>> {
        (0..self.len()).filter_map(|i| self.block(i))
    }

    /// The block at height `height`.
    pub fn at(&self, height: u32) -> Option<BlockRef<'_>> {
        self.block(usize::try_from(height.checked_sub(self.first)?).ok()?)
    }

    /// The block at place `i`.
    fn block(&self, i: usize) -> Option<BlockRef<'_>> {
        Some(BlockRef {
            height: self.first.checked_add(u32::try_from(i).ok()?)?,
            state_root: self.root(&self.state_roots, i)?,
            extrinsics_root: self.root(&self.extrinsics_roots, i)?,
            digest: match self.known {
                Some(_) => &[],
                None => self.body.get(self.digests.get(i)?.clone())?,
            },
            time_ms: *self.times_ms.get(i)?,
            chunk: self,
            place: i,
        })
    }

    /// The lowest minor version of the format that knows everything in the body.
    pub fn minor(&self) -> u16 {
        match self.events {
            Events::Plain(_) => 0,
            Events::Columns { .. } => 1,
        }
    }

    /// The events in columns, if that is how they are stored.
    pub fn columns(&self) -> Option<Columns<'_>> {
        match &self.events {
            Events::Plain(_) => None,
            Events::Columns { layout, section, .. } => Some(Columns {
                layout,
                section: self.body.get(section.clone()).unwrap_or_default(),
                first: self.first,
                times_ms: &self.times_ms,
                spans: &self.spans,
            }),
        }
    }

    /// The value of `System.Events` of the block at a place.
    fn events(&self, place: usize) -> Result<&[u8]> {
        let outside =
            || Error::damaged(&self.path, format!("it has no events for the block at place {place}"));
        let Events::Columns { raw, .. } = &self.events else {
            let Events::Plain(ranges) = &self.events else { return Err(outside()) };
            return ranges.get(place).and_then(|range| self.body.get(range.clone())).ok_or_else(outside);
        };
        let raw = raw.get_or_init(|| self.columns().map_or(Ok(Raw::default()), |columns| columns.raw()));
        let (bytes, ends) =
            raw.as_ref().map_err(|what| Error::damaged(&self.path, format!("EVENT_COLUMNS: {what}")))?;
        let start = match place.checked_sub(1) {
            None => 0,
            Some(before) => *ends.get(before).ok_or_else(outside)?,
        };
        ends.get(place).and_then(|end| bytes.get(start..*end)).ok_or_else(outside)
    }

    /// `System.Events` of some of the blocks, whose numbers ascend strictly, without putting together those of all.
    ///
    /// # Errors
    /// Columns that contradict themselves; a number that is not of this chunk, or out of order.
    pub fn events_of(&self, heights: &[u32]) -> Result<Vec<Vec<u8>>> {
        let place =
            |height: &u32| height.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let wanted = || heights.iter().map(place);
        let mut found = Vec::new();
        match self.columns() {
            None => {
                for place in wanted() {
                    found.push(self.events(place.unwrap_or(usize::MAX))?.to_vec());
                }
            }
            Some(columns) => {
                let mut next = wanted().peekable();
                let taken = columns.values(|place, value| {
                    if next.next_if_eq(&Some(place)).is_some() {
                        found.push(value.to_vec());
                    }
                    Ok(())
                });
                taken.map_err(|what| Error::damaged(&self.path, format!("EVENT_COLUMNS: {what}")))?;
            }
        }
        match heights.get(found.len()) {
            None => Ok(found),
            Some(height) => Err(Error::damaged(&self.path, format!("it has no events for block {height}"))),
        }
    }

    /// A root of the block at place `i`; zero in a slim chunk.
    fn root(&self, column: &Range<usize>, i: usize) -> Option<&Hash> {
        match self.known {
            Some(_) => Some(&[0; 32]),
            None => root(&self.body, column, i),
        }
    }

    /// The hash of every block, each computed from its header with the hash before it as parent. In a slim chunk those
    /// it knows, and 32 zero bytes for the others.
    pub fn hashes(&self) -> Vec<Hash> {
        hashes(&[self]).into_iter().next().unwrap_or_default()
    }

    /// Its headers, without parents; nothing in a slim chunk.
    fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.blocks().filter(|_| self.known.is_none()).map(|block| Header {
            number: block.height,
            state_root: block.state_root,
            extrinsics_root: block.extrinsics_root,
            digest: block.digest,
        })
    }

    /// Metadata hash of the runtime that produced the events of the block at `height`.
    pub fn runtime_at(&self, height: u32) -> Option<&Hash> {
        self.spans.iter().rev().find(|s| s.first <= height).map(|s| &s.metadata)
    }
}

/// [`ChunkBody::hashes`] of several chunks, which takes less time than of one after the other.
pub fn hashes(chunks: &[&ChunkBody]) -> Vec<Vec<Hash>> {
    let mut hashes =
        header::hash_runs(chunks.iter().map(|chunk| (chunk.parent_hash, chunk.headers())).collect());
    for (chunk, hashes) in chunks.iter().zip(&mut hashes) {
        if let Some(known) = &chunk.known {
            let hash = |block: BlockRef<'_>| known.get(&block.height).copied().unwrap_or_default();
            *hashes = chunk.blocks().map(hash).collect();
        }
    }
    hashes
}

fn root<'a>(body: &'a [u8], column: &Range<usize>, i: usize) -> Option<&'a Hash> {
    let start = column.start.checked_add(i.checked_mul(32)?)?;
    body.get(column.clone())?;
    body.get(start..start.checked_add(32)?)?.try_into().ok()
}

#[cfg(test)]
mod tests;
