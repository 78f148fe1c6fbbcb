//! Workers: every thread takes from the board whatever can be done next, so that none waits while there is work.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{
    Error, Located, Piece, Progress, Request, Result, Timings,
    board::{Board, Done, Task},
    decode::decode,
    lane::Lane,
    link::{Chain, Marks, link},
    timings::timed,
};
use crate::{archive::ChunkBody, minting::Fold};

/// The board, and who is at work.
struct Workers<'a> {
    request: &'a Request<'a>,
    located: &'a Located,
    pieces: &'a [Piece],
    progress: &'a dyn Progress,
    shared: Mutex<Shared<'a>>,
    changed: Condvar,
}

struct Shared<'a> {
    board: Board<'a>,
    /// Workers that are at a task.
    busy: usize,
    /// A worker panicked; what it had is lost.
    abandoned: bool,
}

/// Folds chunks on the threads of the current rayon pool. Neither the result nor the error depends on their number.
///
/// # Errors
/// The first error in the order of the chain.
pub fn work(
    request: &Request<'_>,
    located: &Located,
    pieces: &[Piece],
    lane: Lane,
    chain: Chain,
    progress: &dyn Progress,
) -> Result<(Lane, Marks, Vec<Fold>, Timings)> {
    let board = Board::new(pieces, lane, chain, rayon::current_num_threads());
    let shared = Mutex::new(Shared { board, busy: 0, abandoned: false });
    let workers = Workers { request, located, pieces, progress, shared, changed: Condvar::new() };
    rayon::broadcast(|_| workers.run());
    workers.shared.into_inner().unwrap_or_else(PoisonError::into_inner).board.finish()
}

impl<'a> Workers<'a> {
    /// Works until nothing is left to be done.
    fn run(&self) {
        let _abandon = Abandon(self);
        let mut shared = self.lock();
        loop {
            if self.request.interrupted.load(Ordering::Relaxed) {
                // Every other error comes before this one.
                shared.board.fail(usize::MAX, Error::Interrupted);
            }
            if let Some(task) = shared.board.take() {
                shared.busy += 1;
                drop(shared);
                let done = self.perform(task);
                shared = self.lock();
                shared.busy = shared.busy.saturating_sub(1);
                shared.board.bring_back(done);
                self.changed.notify_all();
            } else if shared.busy == 0 || shared.abandoned {
                return;
            } else {
                shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// No task waits for anything else on the pool: others may use its threads at the same time, and a worker that waits for
    /// a task takes none of theirs.
    fn perform(&self, task: Task) -> Done {
        let mut spent = Duration::ZERO;
        match task {
            Task::Decode { place, mut workspace, reports } => {
                let result = match self.pieces.get(place) {
                    Some(piece) => decode(self.request.source, piece, &mut workspace, reports),
                    None => Err(Error::Apart("a chunk went missing".into())),
                };
                Done::Decoded { place, workspace, result: result.map(Box::new) }
            }
            Task::Link { chunks } => {
                let pieces: Vec<(&Piece, &ChunkBody)> = chunks
                    .iter()
                    .filter_map(|(place, chunk)| Some((self.pieces.get(*place)?, chunk)))
                    .collect();
                let results = timed(&mut spent, || link(self.request.source, self.located, &pieces));
                Done::Linked { chunks, results, spent }
            }
            Task::Route { mut lane, decoded } => {
                let blocks = decoded.timings.blocks;
                let routed = timed(&mut spent, || lane.take(*decoded));
                self.progress.blocks(blocks);
                Done::Routed { lane, routed, spent }
            }
            Task::Fold { shard, mut fold, work } => {
                timed(&mut spent, || work.apply(&mut fold));
                Done::Folded { shard, fold, work, spent }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared<'a>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the other workers go if one panics, as they would wait forever for what it had.
struct Abandon<'w, 'a>(&'w Workers<'a>);

impl Drop for Abandon<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().abandoned = true;
            self.0.changed.notify_all();
        }
    }
}
