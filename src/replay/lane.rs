//! The part of a replay that goes through the chunks one after another: do they follow each other, which hashes does
//! the run receipt name, and which shard gets what.

use super::{
    Error, Located, Request, Result, SavedState,
    decode::{Decoded, shard_of},
    route::{Router, Work},
    saved::SavedHead,
};
use crate::{
    archive::Hash,
    chain::types::{ContractId, NodeId},
    minting::{Boundaries, Fold, Folded, Period, Rules, StartState},
};

/// Goes through decoded chunks in the order of the chain.
#[derive(Debug)]
pub struct Lane {
    period: Period,
    rules: Rules,
    located: Located,
    /// What the folds start from, until the time of the first block is known.
    origin: Origin,
    /// Time of the first block of the period, seconds since the epoch, as soon as it is known.
    first_time: Option<i64>,
    router: Option<Router>,
    /// Hash of the last block so far.
    before: Option<Hash>,
    /// Hashes that the run receipt names.
    pub marks: Marks,
}

/// Hashes that the run receipt names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Marks {
    /// That of the first block.
    pub first: Hash,
    /// That of the last block of the period itself.
    pub last: Hash,
    /// That of the last block of the window after it.
    pub window_last: Hash,
    /// That of the block whose state is the one of the end.
    pub end_state: Hash,
}

impl Marks {
    /// The hash of a block that the run receipt names; none of others.
    pub fn of(&self, height: u32, located: &Located) -> Option<Hash> {
        let named = [
            (Some(located.first_block), self.first),
            (Some(located.last_block), self.last),
            (Some(located.window_last), self.window_last),
            (located.end_state, self.end_state),
        ];
        named.into_iter().find(|(block, _)| *block == Some(height)).map(|(_, hash)| hash)
    }
}

/// What folds start from.
#[derive(Debug)]
pub enum Origin {
    /// The state of the chain after the first block.
    Start(StartState),
    /// What an earlier run came to.
    Saved(Folded),
}

/// What becomes of a chunk.
#[derive(Debug)]
pub struct Routed {
    /// The folds of all shards, if it is the first chunk.
    pub opened: Vec<Fold>,
    /// What each shard has to do.
    pub work: Vec<Work>,
}

impl Lane {
    /// Before the first chunk, which follows the block with the hash `before` if that is known.
    pub fn new(request: &Request<'_>, start: StartState, before: Option<Hash>) -> Lane {
        Lane {
            period: *request.period,
            rules: request.rules.clone(),
            located: request.located,
            origin: Origin::Start(start),
            first_time: None,
            router: None,
            before,
            marks: Marks::default(),
        }
    }

    /// Before the first chunk behind a saved state.
    pub fn resume(request: &Request<'_>, saved: &SavedState) -> Lane {
        let SavedHead { block, first, first_time, last, .. } = &saved.head;
        let of_window = request.located.window_last == block.height;
        let marks = Marks {
            first: first.hash.0,
            last: last.map_or([0; 32], |last| last.hash.0),
            window_last: if of_window { block.hash.0 } else { [0; 32] },
            end_state: [0; 32],
        };
        Lane {
            origin: Origin::Saved(saved.folded.clone()),
            first_time: Some(*first_time),
            marks,
            ..Lane::new(request, StartState::default(), Some(block.hash.0))
        }
    }

    /// Time of the first block of the period, seconds since the epoch; none before the first chunk.
    pub fn first_time(&self) -> Option<i64> {
        self.first_time
    }

    /// The node of a contract; none if there is no such contract.
    pub fn node_of(&self, contract: ContractId) -> Option<NodeId> {
        self.router.as_ref().and_then(|router| router.known(contract))
    }

    /// The folds to begin with, one for each shard.
    pub fn open(&mut self, shards: usize, first_time: i64) -> Vec<Fold> {
        let first_time = *self.first_time.get_or_insert(first_time);
        let bounds = Boundaries {
            period: self.period,
            first_block: self.located.first_block,
            first_block_time: first_time,
            last_block: self.located.last_of_period(),
            known_until: self.located.known_until,
        };
        let rules = &self.rules;
        match std::mem::replace(&mut self.origin, Origin::Start(StartState::default())) {
            Origin::Start(start) => {
                let (router, parts) = Router::split(start, shards);
                self.router = Some(router);
                parts.into_iter().map(|part| Fold::new(rules, &bounds, part)).collect()
            }
            Origin::Saved(folded) => {
                self.router = Some(Router::resume(&folded, shards));
                let parts = folded.split(shards, |node| shard_of(node, shards));
                parts.into_iter().map(|part| Fold::resume(rules, &bounds, part)).collect()
            }
        }
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// A chunk that does not follow the one before it.
    pub fn take(&mut self, decoded: Decoded) -> Result<Routed> {
        if self.before.is_some_and(|before| before != decoded.parent) {
            return Err(Error::Apart(format!(
                "block {} does not follow the one before it",
                decoded.first_block
            )));
        }
        self.before = Some(decoded.last_hash);
        self.mark(&decoded.marked);
        let opened = match self.router {
            Some(_) => Vec::new(),
            None => self.open(decoded.reports.len(), decoded.first_time),
        };
        let work = match &mut self.router {
            Some(router) => router.route(decoded.reports, decoded.others),
            None => Vec::new(),
        };
        Ok(Routed { opened, work })
    }

    fn mark(&mut self, marked: &[(u32, Hash)]) {
        for (height, hash) in marked {
            if *height == self.located.first_block {
                self.marks.first = *hash;
            }
            if *height == self.located.last_block {
                self.marks.last = *hash;
            }
            if *height == self.located.window_last {
                self.marks.window_last = *hash;
            }
            if Some(*height) == self.located.end_state {
                self.marks.end_state = *hash;
            }
        }
    }
}
