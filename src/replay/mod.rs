//! Who gets which event: reads chunks in parallel, routes their events by node, and folds them in order.

mod error;
mod locate;
mod route;
mod slim;
mod source;
mod state;

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

pub use error::{Error, Result};
pub use locate::{Located, locate};
pub use slim::slim;
pub use source::{Piece, ReadPiece, Source};

use self::{
    route::{Router, Timed},
    state::seconds,
};
use crate::{
    archive::Hash,
    minting::{self, Boundaries, EndState, Finding, Fold, NodeResult, Period, Rules},
};

/// Told how far a replay has come.
pub trait Progress: Sync {
    /// So many more blocks were folded.
    fn blocks(&self, count: u64);
}

/// What is replayed.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The archives.
    pub source: &'a Source,
    /// The period.
    pub period: &'a Period,
    /// The rules.
    pub rules: &'a Rules,
    /// Set to stop between two batches of chunks.
    pub interrupted: &'a AtomicBool,
}

/// What a replay came to.
#[derive(Debug)]
pub struct Replayed {
    /// Blocks of the period.
    pub located: Located,
    /// Hash of the first block.
    pub first_hash: Hash,
    /// Hash of the last block of the period itself.
    pub last_hash: Hash,
    /// Hash of the last block of the window after it.
    pub window_last_hash: Hash,
    /// Every node, by id.
    pub nodes: Vec<NodeResult>,
    /// What is to be looked at, sorted.
    pub findings: Vec<Finding>,
    /// The state at the end, for retries.
    pub end: EndState,
}

/// Folds a period. The result does not depend on the number of threads of the current rayon pool.
///
/// # Errors
/// Missing blocks, damaged files, values that do not decode.
pub fn replay(request: &Request<'_>, progress: &dyn Progress) -> Result<Replayed> {
    let Request { source, period, rules, interrupted } = *request;
    let located = locate(source, period, rules)?;
    let threads = rayon::current_num_threads();
    let (start, start_hash) = state::start_state(source, located.first_block)?;
    let (end, end_hash) = state::end_state(source, located.last_block)?;
    let in_range = |piece: &Piece| piece.clip(located.first_block, located.window_last);
    let pieces: Vec<Piece> = source.pieces().iter().filter_map(in_range).collect();
    let mut marks = Marks::default();
    let mut folds: Option<(Router, Vec<Fold>)> = None;
    let mut start = Some(start);
    for batch in pieces.chunks(threads.saturating_mul(2).max(1)) {
        if interrupted.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let decoded: Vec<Result<Decoded>> =
            batch.par_iter().map(|piece| decode(source, piece, &located)).collect();
        for decoded in decoded {
            let decoded = decoded?;
            marks.take(&decoded, &located)?;
            let (router, shards) = folds.get_or_insert_with(|| {
                let bounds = Boundaries {
                    period: *period,
                    first_block: located.first_block,
                    first_block_time: decoded.first_time,
                    last_block: located.last_block,
                };
                let (router, parts) = Router::split(start.take().unwrap_or_default(), threads);
                (router, parts.into_iter().map(|part| Fold::new(rules, &bounds, part)).collect())
            });
            fold(router, shards, decoded.events);
            progress.blocks(decoded.blocks);
        }
    }
    for (height, state, block) in
        [(located.first_block, start_hash, marks.first), (located.last_block, end_hash, marks.last)]
    {
        if state != block {
            let what = format!("the state of block {height} is that of another block of this height");
            return Err(Error::Apart(what));
        }
    }
    for (height, hash) in [
        (located.first_block, marks.first),
        (located.last_block, marks.last),
        (located.window_last, marks.window_last),
    ] {
        if hash == [0; 32] {
            let what = format!(
                "the slim archive does not know the hash of block {height}; replay this range from the full archive"
            );
            return Err(Error::Apart(what));
        }
    }
    let shards = folds.map(|(_, shards)| shards).unwrap_or_default();
    let closed: Vec<_> = shards.into_par_iter().map(|fold| fold.close(&end)).collect();
    let mut nodes = Vec::new();
    let mut findings = minting::text_findings(&end);
    for part in closed {
        nodes.extend(part.nodes);
        findings.extend(part.findings);
    }
    nodes.sort_by_key(|n| n.node.id);
    findings.sort();
    Ok(Replayed {
        located,
        first_hash: marks.first,
        last_hash: marks.last,
        window_last_hash: marks.window_last,
        nodes,
        findings,
        end,
    })
}

/// Hashes that the run receipt names, and the link between chunks.
#[derive(Debug, Default)]
struct Marks {
    first: Hash,
    last: Hash,
    window_last: Hash,
    before: Option<Hash>,
}

impl Marks {
    fn take(&mut self, decoded: &Decoded, located: &Located) -> Result<()> {
        if self.before.is_some_and(|before| before != decoded.parent) {
            return Err(Error::Apart(format!(
                "block {} does not follow the one before it",
                decoded.first_block
            )));
        }
        self.before = Some(decoded.last_hash);
        for (height, hash) in &decoded.marked {
            if *height == located.first_block {
                self.first = *hash;
            }
            if *height == located.last_block {
                self.last = *hash;
            }
            if *height == located.window_last {
                self.window_last = *hash;
            }
        }
        Ok(())
    }
}

/// What is left of a chunk after decoding: small, typed, in order.
#[derive(Debug)]
struct Decoded {
    first_block: u32,
    first_time: i64,
    parent: Hash,
    last_hash: Hash,
    /// Height and hash of the blocks that the run receipt names.
    marked: Vec<(u32, Hash)>,
    blocks: u64,
    events: Vec<Timed>,
}

fn decode(source: &Source, piece: &Piece, located: &Located) -> Result<Decoded> {
    let ReadPiece { path, chunk, hashes } = source.read(piece)?;
    let mut decoded = Decoded {
        first_block: piece.first,
        first_time: chunk.at(piece.first).map_or(0, |b| seconds(b.time_ms)),
        parent: *chunk.parent_hash(),
        last_hash: [0; 32],
        marked: Vec::new(),
        blocks: 0,
        events: Vec::new(),
    };
    for (block, hash) in chunk.blocks().zip(&hashes) {
        if block.height < piece.first {
            decoded.parent = *hash;
            continue;
        }
        if block.height > piece.last {
            break;
        }
        decoded.blocks += 1;
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
        let sink = |event| decoded.events.push(Timed { block: block.height, time, event });
        source.runtime(&metadata)?.events(block.events()?, sink).map_err(|e| Error::Block {
            path: path.clone(),
            block: block.height,
            runtime: source.runtime_name(&metadata).0,
            source: e,
        })?;
    }
    Ok(decoded)
}

/// Gives every event to its shard; shards work side by side, each in the order of the chain.
fn fold(router: &mut Router, shards: &mut [Fold], events: Vec<Timed>) {
    let mut queues: Vec<Vec<Timed>> = Vec::new();
    queues.resize_with(shards.len(), Vec::new);
    for event in events {
        let shard = router.route(&event.event);
        if let Some(queue) = queues.get_mut(shard) {
            queue.push(event);
        }
    }
    shards.par_iter_mut().zip(queues).for_each(|(fold, queue)| {
        for Timed { block, time, event } in queue {
            fold.apply(block, time, &event);
        }
    });
}
