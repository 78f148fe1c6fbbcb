//! A chunk becomes small typed events: what a worker does without knowing any other chunk.

use std::time::Instant;

use super::{Error, Located, Piece, ReadPiece, Result, Source, Timings, columns, state::seconds};
use crate::{
    archive::{Hash, ReadTimes, Workspace},
    chain::types::{Event, NodeId},
};

/// An uptime report; nearly all events that the rules read are one.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Place among the events of the chunk that the rules read.
    pub order: u32,
    /// Height.
    pub block: u32,
    /// The node.
    pub node: NodeId,
    /// Time of the block as the event has it, unix seconds.
    pub now: u64,
    /// Uptime the node claims, seconds.
    pub uptime: u64,
}

/// Any other event.
#[derive(Clone, Debug)]
pub struct Other {
    /// Place among the events of the chunk that the rules read.
    pub order: u32,
    /// Height.
    pub block: u32,
    /// Time of the block, unix seconds.
    pub time: i64,
    /// The event.
    pub event: Event,
}

/// What is left of a chunk after decoding.
#[derive(Debug, Default)]
pub struct Decoded {
    /// First block that counts.
    pub first_block: u32,
    /// Its time, unix seconds.
    pub first_time: i64,
    /// Hash of the block before it.
    pub parent: Hash,
    /// Hash of the last block that counts.
    pub last_hash: Hash,
    /// Height and hash of the blocks that the run receipt names.
    pub marked: Vec<(u32, Hash)>,
    /// Uptime reports in the order of the chain, by shard of their node.
    pub reports: Vec<Vec<Report>>,
    /// Everything else in the order of the chain.
    pub others: Vec<Other>,
    /// Time it took, and how much it was.
    pub timings: Timings,
}

impl Decoded {
    /// Bytes that its events hold in memory.
    pub fn bytes(&self) -> u64 {
        let reports: usize = self.reports.iter().map(|list| size_of_val(list.as_slice())).sum();
        u64::try_from(reports + size_of_val(self.others.as_slice())).unwrap_or(u64::MAX)
    }
}

/// The shard of a node.
pub fn shard_of(node: NodeId, shards: usize) -> usize {
    usize::try_from(node).unwrap_or_default().checked_rem(shards).unwrap_or_default()
}

/// Takes the typed events of a chunk, in the order of the chain.
#[derive(Debug)]
pub struct Sink {
    /// First block that counts.
    first: u32,
    /// Last block that counts.
    last: u32,
    /// Events so far.
    order: u32,
    reports: Vec<Vec<Report>>,
    others: Vec<Other>,
}

impl Sink {
    fn new(piece: &Piece, mut reports: Vec<Vec<Report>>) -> Sink {
        reports.iter_mut().for_each(Vec::clear);
        Sink { first: piece.first, last: piece.last, order: 0, reports, others: Vec::new() }
    }

    /// Whether the events of a block are wanted. Genesis has none.
    pub fn counts(&self, block: u32) -> bool {
        block > 0 && (self.first..=self.last).contains(&block)
    }

    /// An uptime report of a node, made at `now`, of `uptime` seconds.
    pub fn report(&mut self, block: u32, node: NodeId, now: u64, uptime: u64) {
        let (order, shard) = (self.next(), shard_of(node, self.reports.len()));
        if let Some(list) = self.reports.get_mut(shard) {
            list.push(Report { order, block, node, now, uptime });
        }
    }

    /// Any event, in a block at `time_ms`.
    pub fn event(&mut self, block: u32, time_ms: u64, event: Event) {
        if let Event::NodeUptimeReported { node, now, uptime } = event {
            self.report(block, node, now, uptime);
        } else {
            let order = self.next();
            self.others.push(Other { order, block, time: seconds(time_ms), event });
        }
    }

    fn next(&mut self) -> u32 {
        let order = self.order;
        // A body of 256 MiB holds fewer events than 32 bits can count.
        self.order = order.saturating_add(1);
        order
    }
}

/// Reads a chunk, verifies it and decodes its events. `reports` are lists, one for each shard, whose memory is used.
///
/// # Errors
/// Damaged files, values that do not decode.
pub fn decode(
    source: &Source,
    piece: &Piece,
    located: &Located,
    workspace: &mut Workspace,
    reports: Vec<Vec<Report>>,
) -> Result<Decoded> {
    let started = Instant::now();
    workspace.times = ReadTimes::default();
    let read = source.read_with(workspace, piece)?;
    let mut decoded = Decoded { first_block: piece.first, ..Decoded::default() };
    decoded.timings.add_reading(workspace.times);
    let chunk = &read.chunk;
    decoded.first_time = chunk.at(piece.first).map_or(0, |b| seconds(b.time_ms));
    decoded.parent = *chunk.parent_hash();
    let mut blocks = 0u64;
    for (height, hash) in (chunk.first()..=piece.last).zip(&read.hashes) {
        if height < piece.first {
            decoded.parent = *hash;
            continue;
        }
        blocks += 1;
        decoded.last_hash = *hash;
        if located.named().contains(&height) {
            decoded.marked.push((height, *hash));
        }
    }
    let mut sink = Sink::new(piece, reports);
    let from_columns = chunk.columns().and_then(|columns| {
        columns::read(source, chunk, &columns, &mut sink)?;
        u64::try_from(columns.count()).ok()
    });
    let events = match from_columns {
        Some(events) => events,
        None => {
            sink = Sink::new(piece, sink.reports);
            raw_events(source, &read, &mut sink)?
        }
    };
    (decoded.reports, decoded.others) = (sink.reports, sink.others);
    let reports: usize = decoded.reports.iter().map(Vec::len).sum();
    let body = read.chunk.into_bytes();
    let timings = &mut decoded.timings;
    timings.chunks = 1;
    timings.body_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    (timings.blocks, timings.events) = (blocks, events);
    timings.uptime_reports = u64::try_from(reports).unwrap_or(u64::MAX);
    workspace.recycle(body);
    let reading = timings.read + timings.decompress + timings.hash;
    timings.decode = started.elapsed().saturating_sub(reading);
    Ok(decoded)
}

/// Decodes the events of a chunk as the chain has them. Gives the number of all events.
fn raw_events(source: &Source, read: &ReadPiece, sink: &mut Sink) -> Result<u64> {
    let mut events = 0u64;
    for block in read.chunk.blocks() {
        if !sink.counts(block.height) {
            continue;
        }
        let metadata = read.chunk.runtime_at(block.height).copied().unwrap_or_default();
        let take = |event| sink.event(block.height, block.time_ms, event);
        events += source.runtime(&metadata)?.events(block.events()?, take).map_err(|e| Error::Block {
            path: read.path.clone(),
            block: block.height,
            runtime: source.runtime_name(&metadata).0,
            source: e,
        })?;
    }
    Ok(events)
}
