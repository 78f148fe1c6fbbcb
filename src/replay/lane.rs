//! The part of a replay that goes through the chunks one after another: do they follow each other, which hashes does
//! the run receipt name, and which shard gets what.

use super::{
    Error, Located, Result,
    decode::Decoded,
    route::{Router, Work},
};
use crate::{
    archive::Hash,
    minting::{Boundaries, Fold, Period, Rules, StartState},
};

/// Goes through decoded chunks in the order of the chain.
#[derive(Debug)]
pub struct Lane {
    period: Period,
    rules: Rules,
    located: Located,
    /// The state that the folds start from, until the time of the first block is known.
    start: StartState,
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
    pub fn new(
        period: &Period,
        rules: &Rules,
        located: &Located,
        start: StartState,
        before: Option<Hash>,
    ) -> Lane {
        Lane {
            period: *period,
            rules: rules.clone(),
            located: *located,
            start,
            router: None,
            before,
            marks: Marks::default(),
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
        let mut opened = Vec::new();
        let router = match &mut self.router {
            Some(router) => router,
            none => {
                let bounds = Boundaries {
                    period: self.period,
                    first_block: self.located.first_block,
                    first_block_time: decoded.first_time,
                    last_block: self.located.last_block,
                    known_until: self.located.known_until,
                };
                let start = std::mem::take(&mut self.start);
                let (router, parts) = Router::split(start, decoded.reports.len());
                opened.extend(parts.into_iter().map(|part| Fold::new(&self.rules, &bounds, part)));
                none.insert(router)
            }
        };
        Ok(Routed { opened, work: router.route(decoded.reports, decoded.others) })
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
            if *height == self.located.end_state {
                self.marks.end_state = *hash;
            }
        }
    }
}
