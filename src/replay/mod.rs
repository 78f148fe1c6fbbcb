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
mod reports;
mod route;
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
pub use locate::{Located, locate};
pub use slim::slim;
pub use source::{Piece, ReadPiece, Source};
pub use timings::Timings;

use self::{
    baseline::{Baseline, baseline},
    lane::Lane,
    link::Chain,
    timings::timed,
};
use crate::{
    archive::Hash,
    minting::{self, EndState, Finding, NodeResult, Period, Rules},
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

/// Folds a period. The result does not depend on the number of threads of the current rayon pool.
///
/// # Errors
/// Missing blocks, damaged files, values that do not decode.
pub fn replay(request: &Request<'_>, progress: &dyn Progress) -> Result<Replayed> {
    let Request { source, period, rules, .. } = *request;
    let located = locate(source, period, rules)?;
    let mut state_time = Duration::ZERO;
    let (start, end) = timed(&mut state_time, || {
        rayon::join(
            || state::start_state(source, located.first_block),
            || state::end_state(source, located.last_block),
        )
    });
    let ((mut start, start_hash), (end, end_hash)) = (start?, end?);
    let Baseline { last_use, last_hash: before } = timed(&mut state_time, || baseline(source, &located))?;
    start.last_use = last_use;
    let in_range = |piece: &Piece| piece.clip(located.first_block, located.window_last);
    let pieces: Vec<Piece> = source.pieces().iter().filter_map(in_range).collect();
    let lane = Lane::new(period, rules, &located, start);
    let chain = Chain::new(&located, before);
    let (marks, shards, mut timings) = workers::work(request, &located, &pieces, lane, chain, progress)?;
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
    let closed: Vec<_> =
        timed(&mut state_time, || shards.into_par_iter().map(|fold| fold.close(&end)).collect());
    timings.state = state_time;
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
