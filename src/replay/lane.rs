//! The part of a replay that goes through the chunks one after another: which shard gets what.

use super::{
    Located,
    decode::Decoded,
    route::{Router, Work},
};
use crate::minting::{Boundaries, Fold, Period, Rules, StartState};

/// Goes through decoded chunks in the order of the chain.
#[derive(Debug)]
pub struct Lane {
    period: Period,
    rules: Rules,
    located: Located,
    /// The state that the folds start from, until the time of the first block is known.
    start: StartState,
    router: Option<Router>,
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
    pub fn new(period: &Period, rules: &Rules, located: &Located, start: StartState) -> Lane {
        Lane { period: *period, rules: rules.clone(), located: *located, start, router: None }
    }

    /// Takes the next chunk.
    pub fn take(&mut self, decoded: Decoded) -> Routed {
        let mut opened = Vec::new();
        let router = match &mut self.router {
            Some(router) => router,
            none => {
                let bounds = Boundaries {
                    period: self.period,
                    first_block: self.located.first_block,
                    first_block_time: decoded.first_time,
                    last_block: self.located.last_block,
                };
                let start = std::mem::take(&mut self.start);
                let (router, parts) = Router::split(start, decoded.reports.len());
                opened.extend(parts.into_iter().map(|part| Fold::new(&self.rules, &bounds, part)));
                none.insert(router)
            }
        };
        Routed { opened, work: router.route(decoded.reports, decoded.others) }
    }
}
