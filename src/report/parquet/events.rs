//! Every event of archives, one a row.

use std::path::Path;

use serde_json::{Map, Value};

use super::table::{Column, Table, TableWriter, WriteError};
use crate::replay::{Error, Piece, Progress, ReadPiece, Source};

/// Name of the file.
pub const EVENTS: &str = "events.parquet";

/// Rows from which on a row group is written: enough to compress well, few enough to fit into memory.
const GROUP_ROWS: usize = 100_000;

/// Why events were not exported.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The archive.
    #[error(transparent)]
    Archive(Box<Error>),
    /// The file.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl From<Error> for EventsError {
    fn from(error: Error) -> Self {
        EventsError::Archive(Box::new(error))
    }
}

/// Writes the events of all pallets in all blocks, in the order of the chain; gives their number.
///
/// # Errors
/// A damaged archive, an event that does not decode, a file that cannot be written.
pub fn write_events(source: &Source, folder: &Path, progress: &impl Progress) -> Result<u64, EventsError> {
    let mut rows = Rows::default();
    let mut writer = TableWriter::create(&folder.join(EVENTS), &Rows::default().table())?;
    let mut written: u64 = 0;
    let mut flush = |rows: &mut Rows| {
        written = written.saturating_add(u64::try_from(rows.block.len()).unwrap_or(u64::MAX));
        writer.write(std::mem::take(rows).table())
    };
    for piece in source.pieces() {
        let ReadPiece { path, chunk, hashes } = source.read(piece)?;
        for (block, hash) in chunk.blocks().zip(&hashes) {
            if !counts(piece, block.height) {
                continue;
            }
            let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
            let (runtime, spec_version) = source.runtime_name(&metadata);
            let place = Place { block: block.height, hash, time_ms: block.time_ms, spec_version };
            let events = block.events().map_err(Error::from)?;
            let decoded = source.runtime(&metadata)?.events_json(events, |event| rows.push(&place, event));
            decoded.map_err(|source| Error::Block {
                path: path.clone(),
                block: block.height,
                runtime,
                source,
            })?;
            if rows.block.len() >= GROUP_ROWS {
                flush(&mut rows)?;
            }
        }
        progress.blocks(u64::from(piece.last.saturating_sub(piece.first)).saturating_add(1));
    }
    if !rows.block.is_empty() {
        flush(&mut rows)?;
    }
    writer.finish()?;
    Ok(written)
}

/// Whether a block of a chunk belongs to the piece; the first block of a chain has no runtime that made its events.
fn counts(piece: &Piece, height: u32) -> bool {
    height != 0 && (piece.first..=piece.last).contains(&height)
}

/// Where an event happened.
struct Place<'a> {
    block: u32,
    hash: &'a [u8; 32],
    time_ms: u64,
    spec_version: u32,
}

/// Columns of the file.
#[derive(Default)]
struct Rows {
    block: Vec<Option<u32>>,
    block_hash: Vec<Option<String>>,
    time: Vec<Option<i64>>,
    spec_version: Vec<Option<u32>>,
    index: Vec<Option<u32>>,
    pallet: Vec<Option<String>>,
    event: Vec<Option<String>>,
    phase: Vec<Option<String>>,
    fields: Vec<Option<String>>,
}

impl Rows {
    fn push(&mut self, place: &Place<'_>, mut event: Map<String, Value>) {
        let mut text = |key: &str| match event.remove(key) {
            Some(Value::String(text)) => Some(text),
            other => other.map(|value| value.to_string()),
        };
        self.pallet.push(text("pallet"));
        self.event.push(text("event"));
        self.phase.push(text("phase"));
        self.fields.push(text("fields"));
        let index = event.get("index").and_then(Value::as_u64);
        self.index.push(index.and_then(|index| u32::try_from(index).ok()));
        self.block.push(Some(place.block));
        self.block_hash.push(Some(format!("0x{}", hex::encode(place.hash))));
        self.time.push(i64::try_from(place.time_ms).ok());
        self.spec_version.push(Some(place.spec_version));
    }

    fn table(self) -> Table {
        vec![
            ("block", Column::U32(self.block)),
            ("block_hash", Column::Text(self.block_hash)),
            ("time", Column::Time(self.time)),
            ("spec_version", Column::U32(self.spec_version)),
            ("index", Column::U32(self.index)),
            ("pallet", Column::Text(self.pallet)),
            ("event", Column::Text(self.event)),
            ("phase", Column::Text(self.phase)),
            ("fields", Column::Text(self.fields)),
        ]
    }
}
