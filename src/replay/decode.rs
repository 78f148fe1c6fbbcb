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
    /// Whether the order of reports is their place among each other, and they are all of one kind.
    counted: bool,
    /// Each with its place among the events of the chunk.
    others: Vec<(u32, Other)>,
}

impl<'a> Sink<'a> {
    /// Takes the events of the blocks of a piece. Reports go to `shards`; what these had before is gone. If reports are
    /// `counted` the order of events is how many reports stand before them, else their place among all events.
    pub fn new(piece: &Piece, shards: &'a mut [Vec<Report>], counted: bool) -> Sink<'a> {
        shards.iter_mut().for_each(Vec::clear);
        Sink { first: piece.first, last: piece.last, shards, counted, others: Vec::new() }
    }

    /// Whether the events of a block are wanted. Genesis has none.
    pub fn counts(&self, block: u32) -> bool {
        block > 0 && (self.first..=self.last).contains(&block)
    }

    /// The shard of a node.
    pub fn shard(&self, node: NodeId) -> usize {
        shard_of(node, self.shards.len())
    }

    /// Where reports of a shard go that were counted; they come in the order of the chain.
    pub fn reports(&mut self, shard: usize) -> Option<&mut Vec<Report>> {
        self.shards.get_mut(shard)
    }

    /// The event at a place among those of the chunk, with so many counted reports before it, in a block at `time_ms`. None
    /// if reports are counted and it is one of another kind.
    pub fn event(&mut self, place: u32, counted: u32, block: u32, time_ms: u64, event: Event) -> Option<()> {
        let order = if self.counted { counted } else { place };
        match event {
            Event::NodeUptimeReported { .. } if self.counted => return None,
            Event::NodeUptimeReported { node, now, uptime } => {
                let report = UptimeReport { node, block, now, uptime };
                self.reports(self.shard(node))?.push(Report { order, report });
            }
            event => self.others.push((place, Other { order, block, time: seconds(time_ms), event })),
        }
        Some(())
    }

    /// Brings reports into the order of the chain, and gives everything else in it.
    pub fn finish(mut self) -> Vec<Other> {
        if !self.counted {
            self.shards.iter_mut().for_each(|shard| shard.sort_by_key(|report| report.order));
        }
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
    let mut sink = Sink::new(piece, shards, false);
    // A body of 256 MiB holds fewer events than 32 bits can count.
    let mut order = 0u32..;
    for block in chunk.blocks() {
        if !sink.counts(block.height) {
            continue;
        }
        let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
        let take = |event| {
            let place = order.next().unwrap_or(u32::MAX);
            // Nothing is refused of what is not counted.
            let _ = sink.event(place, 0, block.height, block.time_ms, event);
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn piece() -> Piece {
        let archive = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/small/archive");
        let source = Source::open(&[archive]).unwrap();
        source.pieces().first().unwrap().clone()
    }

    fn report(node: NodeId) -> Event {
        Event::NodeUptimeReported { node, now: 1, uptime: 1 }
    }

    fn orders(shards: &[Vec<Report>]) -> Vec<Vec<u32>> {
        shards.iter().map(|shard| shard.iter().map(|report| report.order).collect()).collect()
    }

    #[test]
    fn reports_of_several_kinds_come_out_in_the_order_of_the_chain() {
        let piece = piece();
        let stale = Report { order: 9, report: UptimeReport { node: 0, block: 1, now: 1, uptime: 1 } };
        let mut shards = vec![vec![stale], vec![stale]];
        let mut sink = Sink::new(&piece, &mut shards, false);
        // One kind after the other, as columns have them.
        for (place, node) in [(4, 1), (7, 2), (8, 1), (3, 2), (5, 1)] {
            sink.event(place, 0, piece.first, 0, report(node)).unwrap();
        }
        let target = Event::PowerTargetChanged { node: 1, target: crate::chain::types::PowerTarget::Up };
        sink.event(6, 0, piece.first, 0, target).unwrap();
        let others = sink.finish();
        assert_eq!(orders(&shards), [vec![3, 7], vec![4, 5, 8]]);
        assert_eq!(others.iter().map(|other| other.order).collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_report_of_another_kind_than_the_one_that_is_counted_is_refused() {
        let (piece, mut shards) = (piece(), vec![Vec::new()]);
        assert_eq!(Sink::new(&piece, &mut shards, true).event(4, 0, piece.first, 0, report(1)), None);
    }
}
