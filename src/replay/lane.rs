//! The part of a replay that goes through the chunks one after another: which shard gets what.

use super::{
    Located, Request, SavedState,
    decode::{Decoded, shard_of},
    route::{Router, Work},
};
use crate::{
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
    /// Before the first chunk.
    pub fn new(request: &Request<'_>, start: StartState) -> Lane {
        Lane {
            period: *request.period,
            rules: request.rules.clone(),
            located: request.located,
            origin: Origin::Start(start),
            first_time: None,
            router: None,
        }
    }

    /// Before the first chunk behind a saved state.
    pub fn resume(request: &Request<'_>, saved: &SavedState) -> Lane {
        Lane {
            origin: Origin::Saved(saved.folded.clone()),
            first_time: Some(saved.head.first_time),
            ..Lane::new(request, StartState::default())
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
    pub fn take(&mut self, decoded: Decoded) -> Routed {
        let opened = match self.router {
            Some(_) => Vec::new(),
            None => self.open(decoded.reports.len(), decoded.first_time),
        };
        let work = match &mut self.router {
            Some(router) => router.route(decoded.reports, decoded.others),
            None => Vec::new(),
        };
        Routed { opened, work }
    }
}
