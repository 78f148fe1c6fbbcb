//! Who gets which event: reads chunks in parallel, routes their events by node, and folds them in order.

mod activity;
mod baseline;
mod board;
mod columns;
mod decode;
mod error;
mod follow;
mod lane;
mod link;
mod locate;
mod route;
mod saved;
mod slim;
mod source;
mod state;
mod timings;
mod workers;

use std::{sync::atomic::AtomicBool, time::Duration};

use rayon::prelude::*;

pub use activity::{Activity, Meanwhile, Stall};
pub use error::{Error, Result};
pub use follow::{Explained, NotThere, follow};
pub use locate::{Located, locate, locate_partial, locate_so_far};
pub use saved::{SavedBlock, SavedHead, SavedState};
pub use slim::slim;
pub use source::{Piece, ReadPiece, Source};
pub use timings::Timings;

use self::{
    baseline::{Baseline, baseline},
    lane::Lane,
    link::{Chain, Marks},
    saved::SavedPlace,
    timings::timed,
};
use crate::{
    archive::{Hash, Hex},
    minting::{self, EndState, Finding, Fold, Folded, NodeResult, Period, Rules, StartState},
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
    /// Where the period lies in the archives.
    pub located: Located,
    /// The saved state that is gone on from; the first block of the period if there is none.
    pub from: Option<&'a SavedState>,
    /// Set to stop after the chunks that are worked on.
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
    /// Where the time went.
    pub timings: Timings,
}

/// Replays a period. The result does not depend on the number of threads of the current rayon pool.
///
/// # Errors
/// Missing blocks, damaged files, values that do not decode.
pub fn replay(request: &Request<'_>, progress: &dyn Progress) -> Result<Replayed> {
    fold(request, progress)?.close()
}

/// Height of the first block that a run reads, or would if the archives had it.
pub fn read_from(located: &Located, from: Option<&SavedState>) -> u32 {
    match from {
        Some(_) => located.fold_from,
        None => located.baseline_first.min(located.fold_from),
    }
}

/// Heights of the blocks whose states a run reads from archives, and not from a saved state.
pub fn states_read(located: &Located, from: Option<&SavedState>) -> Vec<u32> {
    let start = from.is_none().then_some(located.first_block);
    let is_saved = |height: &u32| from.is_some_and(|saved| saved.end_at(Some(*height)).is_some());
    start.into_iter().chain(located.end_state.filter(|height| !is_saved(height))).collect()
}

/// Blocks that were folded: what every node came to so far.
#[derive(Debug)]
pub struct Folds<'a> {
    request: Request<'a>,
    lane: Lane,
    marks: Marks,
    shards: Vec<Fold>,
    /// The state at the end, if it is there.
    end: Option<EndState>,
    timings: Timings,
}

/// Folds the blocks of a period. The result does not depend on the number of threads of the current rayon pool.
///
/// # Errors
/// Missing blocks, damaged files, values that do not decode.
pub fn fold<'a>(request: &Request<'a>, progress: &dyn Progress) -> Result<Folds<'a>> {
    let Request { source, located, from, .. } = *request;
    let mut state_time = Duration::ZERO;
    let saved_end = from.and_then(|saved| saved.end_at(located.end_state));
    let (start, end) = timed(&mut state_time, || {
        let end_state = located.end_state.filter(|_| saved_end.is_none());
        rayon::join(
            || from.is_none().then(|| state::start_state(source, located.first_block)).transpose(),
            || end_state.map(|height| state::end_state(source, height)).transpose(),
        )
    });
    let (start, end) = (start?, end?);
    // Hashes that the states give to their blocks.
    let mut stated = Vec::new();
    stated.extend(start.as_ref().map(|(_, hash)| (located.first_block, *hash)));
    stated.extend(located.end_state.zip(end.as_ref().map(|(_, hash)| *hash)));
    let (mut lane, chain) = match (from, start) {
        (Some(saved), _) => (Lane::resume(request, saved), Chain::resume(&located, saved)),
        (None, start) => {
            let Baseline { last_use, last_hash } = timed(&mut state_time, || baseline(source, &located))?;
            let start = start.map(|(start, _)| StartState { last_use, ..start });
            (Lane::new(request, start.unwrap_or_default()), Chain::new(&located, last_hash))
        }
    };
    let in_range = |piece: &Piece| piece.clip(located.fold_from, located.window_last);
    let pieces: Vec<Piece> = source.pieces().iter().filter_map(in_range).collect();
    let (lane, marks, shards, mut timings) = if let (Some(saved), true) = (from, pieces.is_empty()) {
        let shards = lane.open(1, saved.head.first_time);
        (lane, chain.marks, shards, Timings::default())
    } else {
        workers::work(request, &located, &pieces, lane, chain, progress)?
    };
    for (height, hash) in stated {
        if marks.of(height, &located).is_some_and(|marked| marked != hash) {
            let what = format!("the state of block {height} is that of another block of this height");
            return Err(Error::Apart(what));
        }
    }
    for height in [located.first_block, located.last_block, located.window_last] {
        if marks.of(height, &located) == Some([0; 32]) {
            let what = format!(
                "the slim archive does not know the hash of block {height}; replay this range from the full archive"
            );
            return Err(Error::Apart(what));
        }
    }
    timings.state = state_time;
    let end = saved_end.cloned().or(end.map(|(end, _)| end));
    Ok(Folds { request: *request, lane, marks, shards, end, timings })
}

impl Folds<'_> {
    /// What is known after the last block, for another run to go on from.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn save(&self) -> Result<SavedState> {
        let Request { source, period, rules, located, from, .. } = self.request;
        let marks = &self.marks;
        let block = |height: u32, hash: Hash| SavedBlock { hash: Hex(hash), height };
        let own_roots = source.archives().iter().map(|archive| archive.manifest().archive_root);
        let earlier = from.map(|saved| saved.head.archive_roots.clone()).unwrap_or_default();
        let place = SavedPlace {
            archive_roots: earlier.into_iter().chain(own_roots).collect(),
            block: block(located.window_last, marks.window_last),
            block_time_ms: located.block_time_ms,
            first: block(located.first_block, marks.first),
            first_time: self.lane.first_time().unwrap_or_default(),
            genesis_hash: source.archives().first().map_or(Hex([0; 32]), |a| a.manifest().genesis_hash),
            last: located.ended.then(|| block(located.last_block, marks.last)),
        };
        let parts = self.shards.iter().map(Fold::folded).collect();
        let folded = Folded::merge(parts, |contract| self.lane.node_of(contract));
        let at_end = located.ended && located.end_state == Some(located.last_block);
        SavedState::new(place, period, rules, folded, self.end.clone().filter(|_| at_end))
    }

    /// Closes the ledgers against the state at the end.
    ///
    /// # Errors
    /// If that state is not there.
    pub fn close(self) -> Result<Replayed> {
        let Folds { request: Request { located, .. }, marks, shards, end, mut timings, .. } = self;
        let missing = || Error::Apart(format!("the state of block {} is missing", located.last_block));
        let end = end.ok_or_else(missing)?;
        let closed: Vec<_> =
            timed(&mut timings.state, || shards.into_par_iter().map(|fold| fold.close(&end)).collect());
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
            timings,
        })
    }
}
