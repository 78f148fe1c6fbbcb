//! One node through a period: its events in the order of the chain, and what the chain as a whole did meanwhile.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::{Error, Located, Piece, Progress, ReadPiece, Request, Result, Source, activity::Activity};
use crate::{
    archive::Hash,
    chain::types::{ContractId, Event, Height, NodeId},
    minting::{Boundaries, EndState, Followed, StartState, Timeline},
};

/// A node and everything that explains its result.
#[derive(Debug)]
pub struct Explained {
    /// Blocks of the period.
    pub located: Located,
    /// What the chain did.
    pub activity: Activity,
    /// The state at the end.
    pub end: EndState,
    /// The node, or why there is nothing to say about it.
    pub node: std::result::Result<Box<Followed>, NotThere>,
}

/// A node that is not in the state of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotThere {
    /// Highest identifier of a node in the state after the first block.
    pub highest_at_start: NodeId,
    /// Block and time of its registration, if that was after the period.
    pub registered: Option<(Height, i64)>,
    /// Highest identifier of a node that was registered in the blocks read.
    pub highest_registered: NodeId,
    /// Reports of it, which no rule reads.
    pub reports: u64,
}

/// Folds the events of one node. Nothing depends on the number of threads of the current rayon pool.
///
/// # Errors
/// Missing blocks, damaged files, values that do not decode.
pub fn follow(request: &Request<'_>, node: NodeId, progress: &dyn Progress) -> Result<Explained> {
    let Request { source, period, rules, located, interrupted, .. } = *request;
    let (mut start, start_hash) = super::state::start_state(source, located.first_block)?;
    let earlier = super::baseline::baseline(source, &located)?;
    start.last_use = earlier.last_use;
    let end_state = located.end_state.unwrap_or(located.last_block);
    let (end, end_hash) = super::state::end_state(source, end_state)?;
    let in_range = |piece: &Piece| piece.clip(located.first_block, located.window_last);
    let pieces: Vec<Piece> = source.pieces().iter().filter_map(in_range).collect();
    let mut missing = NotThere {
        highest_at_start: start.nodes.iter().map(|node| node.id).max().unwrap_or_default(),
        registered: None,
        highest_registered: 0,
        reports: 0,
    };
    let start = of_node(start, node);
    let mut contracts: BTreeSet<ContractId> =
        start.contracts.iter().map(|(contract, _)| contract.contract_id).collect();
    let mut start = Some(start);
    let mut timeline: Option<Timeline> = None;
    let mut before: Option<Hash> = earlier.last_hash;
    let mut activity = Activity::from(located.first_block);
    for batch in pieces.chunks(rayon::current_num_threads().saturating_mul(2).max(1)) {
        if interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let read: Vec<Result<Kept>> =
            batch.par_iter().map(|piece| keep(source, piece, node, &located)).collect();
        for kept in read {
            let kept = kept?;
            for (height, expected) in [(located.first_block, start_hash), (end_state, end_hash)] {
                if kept.marked.iter().any(|(marked, hash)| *marked == height && *hash != expected) {
                    let what = format!("the state of block {height} is that of another block of this height");
                    return Err(Error::Apart(what));
                }
            }
            if before.is_some_and(|before| before != kept.parent) {
                let what = format!("block {} does not follow the one before it", kept.first);
                return Err(Error::Apart(what));
            }
            before = Some(kept.last_hash);
            let timeline = timeline.get_or_insert_with(|| {
                let bounds = Boundaries {
                    period: *period,
                    first_block: located.first_block,
                    first_block_time: kept.blocks.first().map_or(0, |(time, _)| *time),
                    last_block: located.last_of_period(),
                    known_until: located.known_until,
                };
                Timeline::new(rules, &bounds, node, start.take().unwrap_or_default())
            });
            for (block, time, event) in kept.events {
                missing.look(node, block, time, &event);
                if concerns(&event, node, &mut contracts) {
                    timeline.apply(block, time, &event);
                }
            }
            progress.blocks(u64::try_from(kept.blocks.len()).unwrap_or_default());
            activity.extend(kept.blocks);
        }
    }
    let followed = timeline.and_then(|timeline| timeline.close(&end));
    let node = followed.map(Box::new).ok_or(missing);
    Ok(Explained { located, activity, end, node })
}

impl NotThere {
    fn look(&mut self, node: NodeId, block: Height, time: i64, event: &Event) {
        match event {
            Event::NodeStored(stored) => {
                self.highest_registered = self.highest_registered.max(stored.id);
                if stored.id == node {
                    self.registered.get_or_insert((block, time));
                }
            }
            Event::NodeUptimeReported { .. } => self.reports = self.reports.saturating_add(1),
            _ => {}
        }
    }
}

/// What the rules are given about one node.
fn of_node(start: StartState, node: NodeId) -> StartState {
    StartState {
        nodes: start.nodes.into_iter().filter(|known| known.id == node).collect(),
        power: start.power.into_iter().filter(|(id, _)| *id == node).collect(),
        contracts: start.contracts.into_iter().filter(|(contract, _)| contract.node_id == node).collect(),
        last_use: start.last_use,
    }
}

/// Whether an event is of the node, or of a contract on it; events come in the order of the chain.
fn concerns(event: &Event, node: NodeId, contracts: &mut BTreeSet<ContractId>) -> bool {
    match event {
        Event::NodeStored(changed) | Event::NodeUpdated(changed) => changed.id == node,
        Event::NodeUptimeReported { node: id, .. }
        | Event::PowerTargetChanged { node: id, .. }
        | Event::PowerStateChanged { node: id, .. } => *id == node,
        Event::NodeContractCreated(contract) => {
            if contract.node_id == node {
                contracts.insert(contract.contract_id);
                true
            } else {
                // An identifier that is given again belongs to the other node from now on.
                contracts.remove(&contract.contract_id);
                false
            }
        }
        Event::UpdatedUsedResources { contract, .. } => contracts.contains(contract),
        Event::NruConsumptionReportReceived(report) => contracts.contains(&report.contract_id),
        Event::ConsumptionReportReceived(report) => contracts.contains(&report.contract_id),
    }
}

/// What is left of a chunk: events that may concern the node, and time and reports of every block.
#[derive(Debug, Default)]
struct Kept {
    /// Height of the first block.
    first: Height,
    /// Time of every block, seconds since the epoch, and the number of uptime reports in it.
    blocks: Vec<(i64, u32)>,
    events: Vec<(Height, i64, Event)>,
    /// Height and hash of the first and the last block of the period.
    marked: Vec<(Height, Hash)>,
    /// Hash of the block before the first one.
    parent: Hash,
    /// Hash of the last block.
    last_hash: Hash,
}

fn keep(source: &Source, piece: &Piece, node: NodeId, located: &Located) -> Result<Kept> {
    let ReadPiece { path, chunk, hashes } = source.read(piece)?;
    let mut kept = Kept { first: piece.first, parent: *chunk.parent_hash(), ..Kept::default() };
    for (block, hash) in chunk.blocks().zip(&hashes) {
        if block.height < piece.first {
            kept.parent = *hash;
            continue;
        }
        if block.height > piece.last {
            break;
        }
        kept.last_hash = *hash;
        if located.named().contains(&block.height) {
            kept.marked.push((block.height, *hash));
        }
        let time = super::state::seconds(block.time_ms);
        let mut reports = 0_u32;
        if block.height > 0 {
            // Genesis has no events.
            let metadata = chunk.runtime_at(block.height).copied().unwrap_or_default();
            let sink = |event: Event| {
                let of_another = match &event {
                    Event::NodeUptimeReported { node: id, .. } => {
                        reports = reports.saturating_add(1);
                        *id != node
                    }
                    Event::PowerTargetChanged { node: id, .. }
                    | Event::PowerStateChanged { node: id, .. } => *id != node,
                    Event::NodeUpdated(changed) => changed.id != node,
                    _ => false,
                };
                if !of_another {
                    kept.events.push((block.height, time, event));
                }
            };
            source.runtime(&metadata)?.events(block.events()?, sink).map_err(|e| Error::Block {
                path: path.clone(),
                block: block.height,
                runtime: source.runtime_name(&metadata).0,
                source: e,
            })?;
        }
        kept.blocks.push((time, reports));
    }
    Ok(kept)
}
