//! A chunk becomes small typed events: what a worker does without knowing any other chunk.

use std::time::Instant;

use super::{Error, Piece, Result, Source, Timings, columns, state::seconds};
use crate::{
    archive::{ChunkBody, ReadTimes, Workspace},
    chain::types::{Event, NodeId, UptimeReport},
};

/// An uptime report. Nearly all events that the rules read are one.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Grows along the chunk: tells which other events come before it.
    pub order: u32,
    /// What it says.
    pub report: UptimeReport,
}

/// An event that is no uptime report.
#[derive(Clone, Debug)]
pub struct Other {
    /// Uptime reports of a lower order come before it, all others after it.
    pub order: u32,
    /// Height.
    pub block: u32,
    /// Time of the block, unix seconds.
    pub time: i64,
    /// The event.
    pub event: Event,
}

/// What is left of a chunk after decoding.
#[derive(Debug)]
pub struct Decoded {
    /// Time of the first block that counts, unix seconds.
    pub first_time: i64,
    /// Uptime reports in the order of the chain, by shard of their node.
    pub reports: Vec<Vec<Report>>,
    /// Everything else in the order of the chain.
    pub others: Vec<Other>,
    /// Time it took, and how much it was.
    pub timings: Timings,
}

impl Decoded {
    /// Bytes that its events hold in memory once they are routed.
    pub fn bytes(&self) -> u64 {
        let reports: usize = self.reports.iter().map(|list| size_of_val(list.as_slice())).sum();
        let others = self.others.len().saturating_mul(size_of::<(NodeId, Other)>());
        u64::try_from(reports.saturating_add(others)).unwrap_or(u64::MAX)
    }
}

/// The shard of a node.
pub fn shard_of(node: NodeId, shards: usize) -> usize {
    usize::try_from(node).unwrap_or_default().checked_rem(shards).unwrap_or_default()
}

/// Takes the typed events of a chunk, in any order.
#[derive(Debug)]
pub struct Sink<'a> {
    /// First block that counts.
    first: u32,
    /// Last block that counts.
    last: u32,
    shards: &'a mut [Vec<Report>],
    /// Each with its place among the events of the chunk.
    others: Vec<(u32, Other)>,
}

impl<'a> Sink<'a> {
    /// Takes the events of the blocks of a piece. Reports are added to those in `shards`.
    pub fn new(piece: &Piece, shards: &'a mut [Vec<Report>]) -> Sink<'a> {
        Sink { first: piece.first, last: piece.last, shards, others: Vec::new() }
    }

    /// Whether the events of a block are wanted. Genesis has none.
    pub fn counts(&self, block: u32) -> bool {
        block > 0 && (self.first..=self.last).contains(&block)
    }

    /// The shard of a node.
    pub fn shard(&self, node: NodeId) -> usize {
        shard_of(node, self.shards.len())
    }

    /// Where the reports of a shard go; they come in the order of the chain.
    pub fn reports(&mut self, shard: usize) -> Option<&mut Vec<Report>> {
        self.shards.get_mut(shard)
    }

    /// The event at a place among those of the chunk, in a block at `time_ms`. `order` is its place among reports, or also
    /// that among all events, if it is that for all of them.
    pub fn event(&mut self, place: u32, order: u32, block: u32, time_ms: u64, event: Event) {
        if let Event::NodeUptimeReported { node, now, uptime } = event {
            if let Some(reports) = self.reports(self.shard(node)) {
                reports.push(Report { order, report: UptimeReport { node, block, now, uptime } });
            }
        } else {
            self.others.push((place, Other { order, block, time: seconds(time_ms), event }));
        }
    }

    /// Gives everything but reports, in the order of the chain.
    pub fn finish(mut self) -> Vec<Other> {
        self.others.sort_by_key(|(place, _)| *place);
        self.others.into_iter().map(|(_, other)| other).collect()
    }
}

/// Reads a chunk, verifies it, but for the hashes of its headers, and decodes its events. `shards` are as many lists of
/// reports, whose memory is used. Gives the chunk, too, so that its headers can be hashed.
///
/// # Errors
/// Damaged files, values that do not decode.
pub fn decode(
    source: &Source,
    piece: &Piece,
    workspace: &mut Workspace,
    mut shards: Vec<Vec<Report>>,
) -> Result<(Decoded, ChunkBody)> {
    let started = Instant::now();
    workspace.times = ReadTimes::default();
    let chunk = source.read_unlinked(workspace, piece)?;
    shards.iter_mut().for_each(Vec::clear);
    let mut timings = Timings::default();
    timings.add_reading(workspace.times);
    let first_time = chunk.at(piece.first).map_or(0, |block| seconds(block.time_ms));
    let from_columns = chunk.columns().and_then(|columns| {
        let others = columns::read(source, piece, &chunk, &columns, &mut workspace.columns, &mut shards)?;
        Some((u64::try_from(columns.count()).ok()?, others))
    });
    let (events, others) = match from_columns {
        Some(found) => found,
        None => raw_events(source, piece, &chunk, &mut shards)?,
    };
    let reports: usize = shards.iter().map(Vec::len).sum();
    timings.chunks = 1;
    timings.body_bytes = u64::try_from(chunk.bytes().len()).unwrap_or(u64::MAX);
    timings.blocks = u64::from(piece.last.saturating_sub(piece.first)).saturating_add(1);
    timings.events = events;
    timings.uptime_reports = u64::try_from(reports).unwrap_or(u64::MAX);
    let reading = timings.read + timings.decompress + timings.hash;
    timings.decode = started.elapsed().saturating_sub(reading);
    Ok((Decoded { first_time, reports: shards, others, timings }, chunk))
}

/// Decodes the events of a chunk as the chain has them. Gives the number of all events, and those that are no uptime
/// reports.
fn raw_events(
    source: &Source,
    piece: &Piece,
    chunk: &ChunkBody,
    shards: &mut [Vec<Report>],
) -> Result<(u64, Vec<Other>)> {
    let path = source.path(piece)?;
    let mut events = 0u64;
    let mut sink = Sink::new(piece, shards);
    // A body of 256 MiB holds fewer events than 32 bits can count.
    let mut order = 0u32..;
    for block in chunk.blocks() {
        if !sink.counts(block.height) {
            continue;
        }
        let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
        let take = |event| {
            let place = order.next().unwrap_or(u32::MAX);
            sink.event(place, place, block.height, block.time_ms, event);
        };
        events += source.runtime(&metadata)?.events(block.events()?, take).map_err(|e| Error::Block {
            path: path.clone(),
            block: block.height,
            runtime: source.runtime_name(&metadata).0,
            source: e,
        })?;
    }
    Ok((events, sink.finish()))
}
