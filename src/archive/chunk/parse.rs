//! Reads the body of a chunk: only the canonical form of what it says is accepted.

use std::{collections::BTreeMap, ops::Range, path::PathBuf, sync::OnceLock};

use super::{ChunkBody, Events, MAX_CHUNK_BLOCKS, Span};
use crate::archive::{
    Hash,
    bytes::{
        Cursor, EVENT_COLUMNS, EVENTS, HEADERS, KNOWN_HASHES, RUNTIME_SPANS, SLIM_TIMES, Short, TIMESTAMPS,
        section,
    },
    columns::{self, Layout},
};

/// What every chunk begins with.
struct Prelude {
    genesis: Hash,
    first: u32,
    last: u32,
    /// Number of blocks.
    n: usize,
    parent_hash: Hash,
}

fn prelude(cursor: &mut Cursor<'_>) -> Result<Prelude, String> {
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
fn event_columns(cursor: &mut Cursor<'_>, first: u32, n: usize, spans: usize) -> Result<Events, String> {
    let columns = section(cursor, EVENT_COLUMNS)?;
    let layout = Layout::parse(columns, n, spans).map_err(|e| format!("EVENT_COLUMNS: {e}"))?;
    if first == 0 && layout.events_of(0) > 0 {
        return Err("EVENT_COLUMNS: block 0 has events".into());
    }
    let end = cursor.position();
    let section = end.saturating_sub(columns.len())..end;
    Ok(Events::Columns { layout: Box::new(layout), section, raw: OnceLock::new() })
}

/// The body of a slim chunk.
pub(super) fn slim(body: Vec<u8>) -> Result<ChunkBody, String> {
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

/// The body of a chunk with headers.
pub(super) fn full(body: Vec<u8>) -> Result<ChunkBody, String> {
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
fn plain_events(cursor: &mut Cursor<'_>, first: u32, n: usize) -> Result<Vec<Range<usize>>, String> {
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
fn ranges(column: &mut Cursor<'_>, n: usize, base: usize) -> Result<Vec<Range<usize>>, String> {
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

fn spans(bytes: &[u8], first: u32, last: u32) -> Result<Vec<Span>, String> {
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
