//! Uptime reports of a chunk, node by node: nearly all events that the rules read are one, and a ledger that is at hand
//! takes many of them in little more time than one.

use super::decode::shard_of;
use crate::chain::types::{NodeId, UptimeReport};

/// Identifiers below this are looked up in a table.
const TABLE_MAX: usize = 1 << 20;

/// An uptime report.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Place among the events of the chunk.
    pub order: u32,
    /// What it says.
    pub report: UptimeReport,
}

/// The reports of one node.
#[derive(Clone, Copy, Debug)]
struct Run {
    node: NodeId,
    start: usize,
    end: usize,
}

/// Uptime reports of one shard.
#[derive(Debug, Default)]
pub struct Reports {
    /// Those of a node follow on each other, in the order of the chain.
    list: Vec<Report>,
    /// Each node once, by identifier.
    runs: Vec<Run>,
}

impl Reports {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Bytes that they hold in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(self.list.as_slice()) + size_of_val(self.runs.as_slice())
    }

    /// Takes the reports of a node that come before the event at `order`, of those not taken so far.
    pub fn before(&mut self, node: NodeId, order: u32) -> impl Iterator<Item = UptimeReport> {
        let found = self.runs.binary_search_by_key(&node, |run| run.node).ok();
        let list = &self.list;
        let taken = found.and_then(|at| self.runs.get_mut(at)).and_then(|run| {
            let left = list.get(run.start..run.end)?;
            // There are a few, and whoever asked for them looks at them next.
            let count = left.iter().take_while(|report| report.order < order).count();
            let taken = left.get(..count)?;
            run.start += taken.len();
            Some(taken)
        });
        taken.unwrap_or_default().iter().map(|report| report.report)
    }

    /// The reports of every node that were not taken.
    pub fn left(&self) -> impl Iterator<Item = (NodeId, impl Iterator<Item = UptimeReport>)> {
        self.runs.iter().map(|run| {
            let reports = self.list.get(run.start..run.end).unwrap_or_default();
            (run.node, reports.iter().map(|report| report.report))
        })
    }
}

/// Gives reports, which are in the order of the chain, to the shards of their nodes. `places` says for each which of
/// `nodes` it is of; these ascend. None if a place is beyond them, or there are not as many places as reports. What
/// shards had before is gone.
pub fn distribute(
    shards: &mut [Reports],
    nodes: &[NodeId],
    places: &[u32],
    reports: impl ExactSizeIterator<Item = Report>,
) -> Option<()> {
    if shards.is_empty() || reports.len() != places.len() {
        return shards.is_empty().then_some(());
    }
    let mut counts = vec![0usize; nodes.len()];
    for place in places {
        *counts.get_mut(usize::try_from(*place).ok()?)? += 1;
    }
    let mut ends = vec![0usize; shards.len()];
    shards.iter_mut().for_each(|shard| shard.runs.clear());
    // For each node its shard, and where its next report goes.
    let mut targets: Vec<(usize, usize)> = Vec::with_capacity(nodes.len());
    for (node, count) in nodes.iter().zip(counts) {
        let shard = shard_of(*node, shards.len());
        let end = ends.get_mut(shard)?;
        targets.push((shard, *end));
        if count > 0 {
            shards.get_mut(shard)?.runs.push(Run { node: *node, start: *end, end: *end + count });
        }
        *end += count;
    }
    let blank = Report { order: 0, report: UptimeReport { block: 0, now: 0, uptime: 0 } };
    for (shard, end) in shards.iter_mut().zip(ends) {
        // Every one of them is overwritten.
        shard.list.resize(end, blank);
    }
    for (place, report) in places.iter().zip(reports) {
        let (shard, next) = targets.get_mut(usize::try_from(*place).ok()?)?;
        *shards.get_mut(*shard)?.list.get_mut(*next)? = report;
        *next += 1;
    }
    Some(())
}

/// As [`distribute`], for reports that come with their node.
pub fn sort(shards: &mut [Reports], reports: &[(NodeId, Report)]) -> Option<()> {
    let mut nodes: Vec<NodeId> = reports.iter().map(|(node, _)| *node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    // Real nodes are counted up from 1, so that most places are where the identifier says.
    let table_len =
        nodes.last().and_then(|last| usize::try_from(*last).ok()).filter(|last| *last < TABLE_MAX);
    let mut table = vec![0u32; table_len.map_or(0, |last| last + 1)];
    for (place, node) in (0u32..).zip(&nodes) {
        if let Some(entry) = usize::try_from(*node).ok().and_then(|node| table.get_mut(node)) {
            *entry = place;
        }
    }
    let place = |node: NodeId| {
        let found = usize::try_from(node).ok().and_then(|node| table.get(node)).copied();
        found.or_else(|| u32::try_from(nodes.partition_point(|known| *known < node)).ok()).unwrap_or(u32::MAX)
    };
    let places: Vec<u32> = reports.iter().map(|(node, _)| place(*node)).collect();
    distribute(shards, &nodes, &places, reports.iter().map(|(_, report)| *report))
}
