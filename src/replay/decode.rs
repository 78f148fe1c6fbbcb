//! A chunk becomes small typed events: what a worker does without knowing any other chunk.

use std::time::Instant;

use super::{Error, Located, Piece, ReadPiece, Result, Source, Timings, state::seconds};
use crate::{
    archive::{Hash, Workspace},
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

/// Reads a chunk, verifies it and decodes its events. `reports` are empty lists, one for each shard.
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
    let mut decoded = Decoded { first_block: piece.first, reports, ..Decoded::default() };
    let started = Instant::now();
    workspace.times = Default::default();
    let ReadPiece { path, chunk, hashes } = source.read_with(workspace, piece)?;
    decoded.timings.add_reading(workspace.times);
    decoded.first_time = chunk.at(piece.first).map_or(0, |b| seconds(b.time_ms));
    decoded.parent = *chunk.parent_hash();
    let (mut order, mut events, mut blocks) = (0u32, 0u64, 0u64);
    let (shards, mut lists, mut others) = (decoded.reports.len(), decoded.reports, Vec::new());
    for (block, hash) in chunk.blocks().zip(&hashes) {
        if block.height < piece.first {
            decoded.parent = *hash;
            continue;
        }
        if block.height > piece.last {
            break;
        }
        blocks += 1;
        decoded.last_hash = *hash;
        if [located.first_block, located.last_block, located.window_last].contains(&block.height) {
            decoded.marked.push((block.height, *hash));
        }
        if block.height == 0 {
            // Genesis has no events.
            continue;
        }
        let time = seconds(block.time_ms);
        let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
        let sink = |event| {
            match event {
                Event::NodeUptimeReported { node, now, uptime } => {
                    if let Some(list) = lists.get_mut(shard_of(node, shards)) {
                        list.push(Report { order, block: block.height, node, now, uptime });
                    }
                }
                event => others.push(Other { order, block: block.height, time, event }),
            }
            // A body of 256 MiB holds fewer events than 32 bits can count.
            order = order.saturating_add(1);
        };
        events += source.runtime(&metadata)?.events(block.events, sink).map_err(|e| Error::Block {
            path: path.clone(),
            block: block.height,
            runtime: source.runtime_name(&metadata).0,
            source: e,
        })?;
    }
    let reports = lists.iter().map(Vec::len).sum::<usize>();
    (decoded.reports, decoded.others) = (lists, others);
    let body = chunk.into_bytes();
    let timings = &mut decoded.timings;
    timings.chunks = 1;
    timings.body_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    (timings.blocks, timings.events) = (blocks, events);
    timings.uptime_reports = u64::try_from(reports).unwrap_or(u64::MAX);
    workspace.recycle(body);
    let read = timings.read + timings.decompress + timings.hash;
    timings.decode = started.elapsed().saturating_sub(read);
    Ok(decoded)
}
