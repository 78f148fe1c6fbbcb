//! What is to be done in a replay, and what there is to do it with.
//!
//! Chunks are decoded side by side, and their headers are hashed side by side, some chunks at a time. They are routed one
//! after another, in the order of the chain. Shards fold side by side, each chunk after chunk. What a task needs is taken off the board while somebody is at it, and brought back.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    Error, Piece, Result, Timings,
    decode::{Decoded, Report},
    lane::{Lane, Routed},
    link::{Chain, Linked, Marks},
    route::Work,
};
use crate::{
    archive::{ChunkBody, Workspace, header::LANES},
    minting::Fold,
};

/// Bytes of chunks and events that may be in memory before another chunk is read; one chunk always may.
const IN_FLIGHT_MAX: u64 = 80 << 20;

/// Something that can be done now.
pub enum Task {
    /// Decode a chunk.
    Decode {
        /// Which one.
        place: usize,
        /// Memory to do it in.
        workspace: Box<Workspace>,
        /// Lists to do it in, one for each shard.
        reports: Vec<Vec<Report>>,
    },
    /// Hash the headers of chunks.
    Link {
        /// The chunks and which ones they are.
        chunks: Vec<(usize, ChunkBody)>,
    },
    /// Give the events of a chunk to the shards.
    Route {
        /// What knows the shards.
        lane: Box<Lane>,
        /// The chunk.
        decoded: Box<Decoded>,
    },
    /// Apply the events of a chunk to a shard.
    Fold {
        /// Which shard.
        shard: usize,
        /// Its ledgers.
        fold: Box<Fold>,
        /// The events.
        work: Work,
    },
}

/// What became of a task.
pub enum Done {
    /// Of [`Task::Decode`].
    Decoded { place: usize, workspace: Box<Workspace>, result: Result<Box<(Decoded, ChunkBody)>> },
    /// Of [`Task::Link`].
    Linked { chunks: Vec<(usize, ChunkBody)>, results: Vec<Result<Linked>>, spent: Duration },
    /// Of [`Task::Route`].
    Routed { lane: Box<Lane>, routed: Routed, spent: Duration },
    /// Of [`Task::Fold`].
    Folded { shard: usize, fold: Box<Fold>, work: Work, spent: Duration },
}

/// A set of nodes, and the events that wait for it.
#[derive(Default)]
struct Shard {
    /// Its ledgers, unless somebody is at them.
    fold: Option<Box<Fold>>,
    /// Events in the order of the chain.
    queue: VecDeque<Work>,
}

/// The board.
pub struct Board<'a> {
    pieces: &'a [Piece],
    /// The chunk to be decoded next.
    next: usize,
    /// The chunk to be routed next.
    routed: usize,
    /// Chunks that wait for their turn to be routed.
    decoded: BTreeMap<usize, Box<Decoded>>,
    /// Chunks whose headers are to be hashed.
    unlinked: BTreeMap<usize, ChunkBody>,
    /// What knows whether chunks follow each other.
    chain: Chain,
    /// What routes chunks, unless somebody is at it.
    lane: Option<Box<Lane>>,
    shards: Vec<Shard>,
    /// Bytes of chunks that are being decoded or whose headers are not hashed yet, and of events that are not folded yet.
    in_flight: u64,
    /// Memory to be used again.
    workspaces: Vec<Workspace>,
    bodies: Vec<Vec<u8>>,
    lists: Vec<Vec<Report>>,
    /// The first error in the order of the chain, and its chunk.
    error: Option<(usize, Error)>,
    timings: Timings,
}

impl<'a> Board<'a> {
    /// The start: nothing is done. The lane is given one start state and makes `shards` folds of it.
    pub fn new(pieces: &'a [Piece], lane: Lane, chain: Chain, shards: usize) -> Board<'a> {
        let mut board = Board {
            pieces,
            next: 0,
            routed: 0,
            decoded: BTreeMap::new(),
            unlinked: BTreeMap::new(),
            chain,
            lane: Some(Box::new(lane)),
            shards: Vec::new(),
            in_flight: 0,
            workspaces: Vec::new(),
            bodies: Vec::new(),
            lists: Vec::new(),
            error: None,
            timings: Timings::default(),
        };
        board.shards.resize_with(shards.max(1), Shard::default);
        board
    }

    /// Takes the task that frees most memory.
    pub fn take(&mut self) -> Option<Task> {
        self.take_fold()
            .or_else(|| self.take_route())
            .or_else(|| self.take_link(LANES))
            .or_else(|| self.take_decode())
            .or_else(|| self.take_link(1))
    }

    fn take_fold(&mut self) -> Option<Task> {
        if self.error.is_some() {
            return None;
        }
        let mut shards = self.shards.iter_mut().enumerate();
        let (shard, ready) = shards.find(|(_, s)| s.fold.is_some() && !s.queue.is_empty())?;
        Some(Task::Fold { shard, fold: ready.fold.take()?, work: ready.queue.pop_front()? })
    }

    /// If there are so many chunks to link. Also if there is an error, as an earlier chunk may have one, too.
    fn take_link(&mut self, least: usize) -> Option<Task> {
        if self.unlinked.len() < least {
            return None;
        }
        let chunks: Vec<_> = std::iter::from_fn(|| self.unlinked.pop_first()).take(LANES).collect();
        (!chunks.is_empty()).then_some(Task::Link { chunks })
    }

    fn take_route(&mut self) -> Option<Task> {
        if self.error.is_some() || self.lane.is_none() || !self.decoded.contains_key(&self.routed) {
            return None;
        }
        let place = self.routed;
        self.routed += 1;
        Some(Task::Route { lane: self.lane.take()?, decoded: self.decoded.remove(&place)? })
    }

    fn take_decode(&mut self) -> Option<Task> {
        let place = self.next;
        let bytes = self.pieces.get(place)?.bytes();
        let fits = self.in_flight == 0 || self.in_flight.saturating_add(bytes) <= IN_FLIGHT_MAX;
        if self.error.is_some() || !fits {
            return None;
        }
        self.next += 1;
        self.in_flight = self.in_flight.saturating_add(bytes);
        let mut reports = Vec::new();
        reports.resize_with(self.shards.len(), || self.lists.pop().unwrap_or_default());
        let mut workspace = Box::new(self.workspaces.pop().unwrap_or_default());
        workspace.recycle(self.bodies.pop().unwrap_or_default());
        Some(Task::Decode { place, workspace, reports })
    }

    /// Brings back what a task was given, and what became of it.
    pub fn bring_back(&mut self, done: Done) {
        match done {
            Done::Decoded { place, workspace, result } => {
                let bytes = self.pieces.get(place).map_or(0, Piece::bytes);
                self.in_flight = self.in_flight.saturating_sub(bytes);
                self.workspaces.push(*workspace);
                match result {
                    Ok(both) => {
                        let (decoded, chunk) = *both;
                        self.timings += decoded.timings;
                        let bytes = decoded.bytes().saturating_add(body_bytes(&chunk));
                        self.in_flight = self.in_flight.saturating_add(bytes);
                        self.decoded.insert(place, Box::new(decoded));
                        self.unlinked.insert(place, chunk);
                    }
                    Err(error) => self.fail(place, error),
                }
            }
            Done::Linked { chunks, results, spent } => {
                self.timings.hash += spent;
                for ((place, chunk), result) in chunks.into_iter().zip(results) {
                    self.in_flight = self.in_flight.saturating_sub(body_bytes(&chunk));
                    self.bodies.push(chunk.into_bytes());
                    let failed = match result {
                        Ok(linked) => self.chain.take(place, linked),
                        Err(error) => Some((place, error)),
                    };
                    if let Some((place, error)) = failed {
                        self.fail(place, error);
                    }
                }
            }
            Done::Routed { lane, routed: Routed { opened, work }, spent } => {
                self.timings.route += spent;
                self.lane = Some(lane);
                for (shard, fold) in self.shards.iter_mut().zip(opened) {
                    shard.fold = Some(Box::new(fold));
                }
                for (shard, work) in self.shards.iter_mut().zip(work) {
                    shard.queue.push_back(work);
                }
            }
            Done::Folded { shard, fold, work, spent } => {
                self.timings.fold += spent;
                self.in_flight = self.in_flight.saturating_sub(work.bytes());
                self.lists.push(work.reports);
                if let Some(shard) = self.shards.get_mut(shard) {
                    shard.fold = Some(fold);
                }
            }
        }
    }

    /// Stops: what comes after the chunk is not worked on any more.
    pub fn fail(&mut self, place: usize, error: Error) {
        if self.error.as_ref().is_none_or(|(known, _)| place < *known) {
            self.error = Some((place, error));
        }
    }

    /// The end, when there are no tasks left.
    ///
    /// # Errors
    /// The first error in the order of the chain, whenever it was found.
    pub fn finish(self) -> Result<(Lane, Marks, Vec<Fold>, Timings)> {
        match (self.error, self.lane) {
            (Some((_, error)), _) => Err(error),
            (None, Some(lane)) => {
                let folds = self.shards.into_iter().filter_map(|shard| shard.fold);
                Ok((*lane, self.chain.marks, folds.map(|fold| *fold).collect(), self.timings))
            }
            // Only if a worker died with it.
            (None, None) => Err(Error::Interrupted),
        }
    }
}

fn body_bytes(chunk: &ChunkBody) -> u64 {
    u64::try_from(chunk.bytes().len()).unwrap_or(u64::MAX)
}
