//! A chunk: a run of consecutive blocks in canonical bytes (`archive-format.md`, section 4).

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use super::{
    Error, Hash, Result,
    bytes::{
        BodyWriter, Cursor, EVENT_COLUMNS, EVENTS, HEADERS, KNOWN_HASHES, RUNTIME_SPANS, SLIM_TIMES, Short,
        TIMESTAMPS, section,
    },
    columns::{self, Columns, EventShapes, Layout},
    header,
};

/// Most blocks a chunk may hold.
pub const MAX_CHUNK_BLOCKS: u32 = 65_536;
/// Blocks in a chunk unless asked otherwise.
pub const DEFAULT_CHUNK_BLOCKS: u32 = 16_384;

/// One block; its number, parent and hash follow from its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Root of the storage trie after the block.
    pub state_root: Hash,
    /// Root of the trie of its extrinsics.
    pub extrinsics_root: Hash,
    /// SCALE bytes of the header's digest: a compact count, then the log items.
    pub digest: Vec<u8>,
    /// `Timestamp.Now` in milliseconds; 0 for genesis, which has none.
    pub time_ms: u64,
    /// `System.Events` as the node gave it; empty for genesis, which has none.
    pub events: Vec<u8>,
}

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
    pub blocks: Vec<Block>,
    /// Ascending; the first span starts at `first`.
    pub spans: Vec<Span>,
}

impl Chunk {
    /// Its events in columns, by the shapes of each of its spans; none if they cannot be taken apart.
    pub fn columns(&self, shapes: &[Arc<dyn EventShapes>]) -> Option<Vec<u8>> {
        let start =
            |span: &Span| usize::try_from(span.first.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let spans: Vec<_> = self.spans.iter().map(start).zip(shapes.iter().cloned()).collect();
        columns::encode(self.first, &self.blocks, &spans)
    }

    /// The canonical bytes, with events as they are, or in columns if these are given. Lengths above `u32::MAX` cannot
    /// occur in a body of at most 256 MiB; they are written saturated, and reading the body back refuses them.
    pub fn to_body(&self, columns: Option<&[u8]>) -> Vec<u8> {
        let count = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let mut body = BodyWriter::new();
        body.prelude(&self.genesis);
        body.prelude(&self.first.to_le_bytes());
        body.prelude(&count.to_le_bytes());
        body.prelude(&self.parent_hash);
        body.section(HEADERS, |out| {
            self.blocks.iter().for_each(|b| out.extend_from_slice(&b.state_root));
            self.blocks.iter().for_each(|b| out.extend_from_slice(&b.extrinsics_root));
            self.blocks.iter().for_each(|b| push_len(out, b.digest.len()));
            self.blocks.iter().for_each(|b| out.extend_from_slice(&b.digest));
        });
        body.section(TIMESTAMPS, |out| {
            self.blocks.iter().for_each(|b| out.extend_from_slice(&b.time_ms.to_le_bytes()));
        });
        if columns.is_none() {
            body.section(EVENTS, |out| {
                self.blocks.iter().for_each(|b| push_len(out, b.events.len()));
                self.blocks.iter().for_each(|b| out.extend_from_slice(&b.events));
            });
        }
        body.section(RUNTIME_SPANS, |out| {
            put_spans(&self.spans, out);
        });
        if let Some(columns) = columns {
            body.section(EVENT_COLUMNS, |out| out.extend_from_slice(columns));
        }
        body.finish()
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
        let mut chunk = parse(body).map_err(|what| Error::damaged(path, what))?;
        chunk.path = path.to_path_buf();
        Ok(chunk)
    }

    /// As [`ChunkBody::parse`], for the body of a slim chunk.
    ///
    /// # Errors
    /// Names the section and what is wrong with it.
    pub fn parse_slim(body: Vec<u8>, path: &Path) -> Result<ChunkBody> {
        let mut chunk = parse_slim(body).map_err(|what| Error::damaged(path, what))?;
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

    /// Lets go of the raw events of columns, which take some times the memory of the body. Whoever asks for them
    /// again has them made again.
    pub(super) fn forget_events(&mut self) {
        if let Events::Columns { raw, .. } = &mut self.events {
            raw.take();
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
        if let Some(known) = &self.known {
            let hash = |b: BlockRef<'_>| known.get(&b.height).copied().unwrap_or_default();
            return self.blocks().map(hash).collect();
        }
        let mut parent = self.parent_hash;
        self.blocks()
            .map(|b| {
                parent = header::hash(&parent, b.height, b.state_root, b.extrinsics_root, b.digest);
                parent
            })
            .collect()
    }

    /// Metadata hash of the runtime that produced the events of the block at `height`.
    pub fn runtime_at(&self, height: u32) -> Option<&Hash> {
        self.spans.iter().rev().find(|s| s.first <= height).map(|s| &s.metadata)
    }
}

fn root<'a>(body: &'a [u8], column: &Range<usize>, i: usize) -> Option<&'a Hash> {
    let start = column.start.checked_add(i.checked_mul(32)?)?;
    body.get(column.clone())?;
    body.get(start..start.checked_add(32)?)?.try_into().ok()
}

/// What every chunk begins with.
struct Prelude {
    genesis: Hash,
    first: u32,
    last: u32,
    /// Number of blocks.
    n: usize,
    parent_hash: Hash,
}

fn prelude(cursor: &mut Cursor<'_>) -> std::result::Result<Prelude, String> {
    let short = |e: Short| format!("prelude: {e}");
    let genesis = cursor.hash().map_err(short)?;
    let first = cursor.u32().map_err(short)?;
    let count = cursor.u32().map_err(short)?;
    let parent_hash = cursor.hash().map_err(short)?;
    if count == 0 || count > MAX_CHUNK_BLOCKS {
        return Err(format!("prelude: {count} blocks; a chunk has 1 to {MAX_CHUNK_BLOCKS}"));
    }
    let last = first.checked_add(count - 1).ok_or("prelude: heights run past the largest block number")?;
    let n = usize::try_from(count).map_err(|_| "prelude: too many blocks")?;
    Ok(Prelude { genesis, first, last, n, parent_hash })
}

/// Reads the section of columns; its reading goes on when somebody asks for events.
fn event_columns(
    cursor: &mut Cursor<'_>,
    first: u32,
    n: usize,
    spans: usize,
) -> std::result::Result<Events, String> {
    let columns = section(cursor, EVENT_COLUMNS)?;
    let layout = Layout::parse(columns, n, spans).map_err(|e| format!("EVENT_COLUMNS: {e}"))?;
    if first == 0 && layout.events_of(0) > 0 {
        return Err("EVENT_COLUMNS: block 0 has events".into());
    }
    let end = cursor.position();
    let section = end.saturating_sub(columns.len())..end;
    Ok(Events::Columns { layout: Box::new(layout), section, raw: OnceLock::new() })
}

fn parse_slim(body: Vec<u8>) -> std::result::Result<ChunkBody, String> {
    let mut cursor = Cursor::new(&body);
    let Prelude { genesis, first, last, n, parent_hash } = prelude(&mut cursor)?;
    let spans = spans(section(&mut cursor, RUNTIME_SPANS)?, first, last)?;
    let events = event_columns(&mut cursor, first, n, spans.len())?;
    let times_ms =
        columns::gaps(section(&mut cursor, SLIM_TIMES)?, n).map_err(|e| format!("SLIM_TIMES: {e}"))?;
    let mut hashes = Cursor::new(section(&mut cursor, KNOWN_HASHES)?);
    let error = |e: Short| format!("KNOWN_HASHES: {e}");
    let mut known: BTreeMap<u32, Hash> = BTreeMap::new();
    for _ in 0..hashes.u32().map_err(error)? {
        let (height, hash) = (hashes.u32().map_err(error)?, hashes.hash().map_err(error)?);
        if height < first
            || height > last
            || known.last_key_value().is_some_and(|(before, _)| *before >= height)
        {
            return Err(format!("KNOWN_HASHES: block {height} is out of place"));
        }
        if hash == [0; 32] {
            return Err(format!("KNOWN_HASHES: block {height} has no hash"));
        }
        known.insert(height, hash);
    }
    if !known.contains_key(&last) || !hashes.rest().is_empty() {
        return Err("KNOWN_HASHES: the last block is not among them, or bytes follow".into());
    }
    if !cursor.rest().is_empty() {
        return Err(format!("{} bytes follow the last section", cursor.rest().len()));
    }
    Ok(ChunkBody {
        path: PathBuf::new(),
        body,
        genesis,
        first,
        parent_hash,
        state_roots: 0..0,
        extrinsics_roots: 0..0,
        digests: Vec::new(),
        times_ms,
        events,
        spans,
        known: Some(known),
    })
}

fn parse(body: Vec<u8>) -> std::result::Result<ChunkBody, String> {
    let mut cursor = Cursor::new(&body);
    let Prelude { genesis, first, last, n, parent_hash } = prelude(&mut cursor)?;

    let headers = section(&mut cursor, HEADERS)?;
    let headers_at = cursor.position() - headers.len();
    let roots = n.checked_mul(32).ok_or("HEADERS: too many blocks")?;
    let mut column = Cursor::new(headers);
    column.take(roots).and_then(|_| column.take(roots)).map_err(|e| format!("HEADERS: {e}"))?;
    let digests = ranges(&mut column, n, headers_at).map_err(|e| format!("HEADERS: {e}"))?;

    let timestamps = section(&mut cursor, TIMESTAMPS)?;
    let mut column = Cursor::new(timestamps);
    let mut times_ms = Vec::with_capacity(n);
    for _ in 0..n {
        times_ms.push(column.u64().map_err(|e| format!("TIMESTAMPS: {e}"))?);
    }
    if !column.rest().is_empty() {
        return Err(format!("TIMESTAMPS: {} bytes follow the last one", column.rest().len()));
    }

    if first == 0 && times_ms.first().is_some_and(|time_ms| *time_ms != 0) {
        return Err("TIMESTAMPS: block 0 has a time; genesis has none and is stored as 0".into());
    }

    let plain =
        if next_section(&cursor) == Some(EVENTS) { Some(plain_events(&mut cursor, first, n)?) } else { None };
    let spans = spans(section(&mut cursor, RUNTIME_SPANS)?, first, last)?;
    let events = match plain {
        Some(events) => Events::Plain(events),
        None => event_columns(&mut cursor, first, n, spans.len())?,
    };
    if !cursor.rest().is_empty() {
        return Err(format!("{} bytes follow the last section", cursor.rest().len()));
    }
    let state_roots = headers_at..headers_at.saturating_add(roots);
    let extrinsics_roots = state_roots.end..state_roots.end.saturating_add(roots);
    Ok(ChunkBody {
        path: PathBuf::new(),
        body,
        genesis,
        first,
        parent_hash,
        state_roots,
        extrinsics_roots,
        digests,
        times_ms,
        events,
        spans,
        known: None,
    })
}

/// The kind of the section that follows.
fn next_section(cursor: &Cursor<'_>) -> Option<u16> {
    cursor.clone().u16().ok()
}

/// Where the values of the blocks lie.
fn plain_events(
    cursor: &mut Cursor<'_>,
    first: u32,
    n: usize,
) -> std::result::Result<Vec<Range<usize>>, String> {
    let values = section(cursor, EVENTS)?;
    let values_at = cursor.position() - values.len();
    let events = ranges(&mut Cursor::new(values), n, values_at).map_err(|e| format!("EVENTS: {e}"))?;
    for (height, value) in (u64::from(first)..).zip(&events) {
        if (height == 0) != value.is_empty() {
            let problem = if height == 0 { "has events" } else { "has no System.Events value" };
            return Err(format!("EVENTS: block {height} {problem}"));
        }
    }
    Ok(events)
}

/// Reads `n` lengths and gives the ranges of the `n` byte strings after them, which must fill the column.
fn ranges(column: &mut Cursor<'_>, n: usize, base: usize) -> std::result::Result<Vec<Range<usize>>, String> {
    let mut lengths = Vec::with_capacity(n);
    for _ in 0..n {
        let length = column.u32().map_err(|e| e.to_string())?;
        lengths.push(usize::try_from(length).map_err(|_| format!("a value of {length} bytes"))?);
    }
    let mut ranges = Vec::with_capacity(n);
    for length in lengths {
        let start = base.saturating_add(column.position());
        column.take(length).map_err(|e| e.to_string())?;
        ranges.push(start..start.saturating_add(length));
    }
    if !column.rest().is_empty() {
        return Err(format!("{} bytes follow the last value", column.rest().len()));
    }
    Ok(ranges)
}

fn spans(bytes: &[u8], first: u32, last: u32) -> std::result::Result<Vec<Span>, String> {
    let mut column = Cursor::new(bytes);
    let error = |e: Short| format!("RUNTIME_SPANS: {e}");
    let count = column.u32().map_err(error)?;
    let mut spans: Vec<Span> = Vec::new();
    for _ in 0..count {
        let span = Span { first: column.u32().map_err(error)?, metadata: column.hash().map_err(error)? };
        match spans.last() {
            None if span.first != first => {
                return Err(format!(
                    "RUNTIME_SPANS: the first starts at {}, the chunk at {first}",
                    span.first
                ));
            }
            Some(before) if span.first <= before.first || span.first > last => {
                return Err(format!("RUNTIME_SPANS: a span at {} after one at {}", span.first, before.first));
            }
            Some(before) if span.metadata == before.metadata => {
                return Err(format!(
                    "RUNTIME_SPANS: the span at {} goes on with the same runtime",
                    span.first
                ));
            }
            _ => spans.push(span),
        }
    }
    if spans.is_empty() || !column.rest().is_empty() {
        return Err("RUNTIME_SPANS: no span, or bytes after the last one".into());
    }
    Ok(spans)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(first: u32, n: u32) -> Chunk {
        let block = |h: u32| Block {
            state_root: [1; 32],
            extrinsics_root: [2; 32],
            digest: vec![4, 6, 0],
            time_ms: if h == 0 { 0 } else { 6_000 * u64::from(h) },
            events: if h == 0 { vec![] } else { vec![0; usize::try_from(h % 5 + 1).unwrap()] },
        };
        Chunk {
            genesis: [9; 32],
            first,
            parent_hash: [8; 32],
            blocks: (first..first + n).map(block).collect(),
            spans: vec![Span { first, metadata: [7; 32] }, Span { first: first + 1, metadata: [6; 32] }],
        }
    }

    #[test]
    fn blocks_come_back_as_they_went_in() {
        for first in [0, 4_090] {
            let chunk = sample(first, 7);
            let read = parse(chunk.to_body(None)).unwrap();
            assert_eq!((read.first(), read.last(), read.len()), (first, first + 6, 7));
            for (stored, block) in read.blocks().zip(&chunk.blocks) {
                assert_eq!(stored.state_root, &block.state_root);
                assert_eq!(stored.extrinsics_root, &block.extrinsics_root);
                assert_eq!(stored.digest, block.digest);
                assert_eq!(stored.time_ms, block.time_ms);
                assert_eq!(stored.events().unwrap(), block.events);
            }
            assert_eq!(read.runtime_at(first), Some(&[7; 32]));
            assert_eq!(read.runtime_at(first + 3), Some(&[6; 32]));
            let first_hash = header::hash(&[8; 32], first, &[1; 32], &[2; 32], &[4, 6, 0]);
            assert_eq!(read.hashes()[0], first_hash);
            assert_eq!(
                read.hashes()[1],
                header::hash(&first_hash, first + 1, &[1; 32], &[2; 32], &[4, 6, 0])
            );
        }
    }

    #[test]
    fn only_the_canonical_form_is_accepted() {
        let refused = |change: fn(&mut Chunk)| {
            let mut chunk = sample(10, 4);
            change(&mut chunk);
            parse(chunk.to_body(None)).unwrap_err()
        };
        assert!(refused(|c| c.blocks.clear()).contains("0 blocks"));
        assert!(refused(|c| c.blocks[2].events.clear()).contains("block 12 has no System.Events"));
        assert!(refused(|c| c.spans.clear()).contains("no span"));
        assert!(refused(|c| c.spans[0].first = 9).contains("starts at 9"));
        assert!(refused(|c| c.spans[1].first = 10).contains("a span at 10"));
        assert!(refused(|c| c.spans[1].first = 14).contains("a span at 14"));
        assert!(refused(|c| c.spans[1].metadata = [7; 32]).contains("same runtime"));
        let mut body = sample(10, 4).to_body(None);
        body.push(0);
        assert!(parse(body).unwrap_err().contains("1 bytes follow"));
        let mut genesis = sample(0, 2);
        genesis.blocks[0].time_ms = 1;
        assert!(parse(genesis.to_body(None)).unwrap_err().contains("block 0 has a time"));
    }

    #[test]
    fn a_truncated_body_is_refused_at_every_length() {
        let body = sample(10, 4).to_body(None);
        for len in 0..body.len() {
            assert!(parse(body[..len].to_vec()).is_err(), "{len}");
        }
    }
}
